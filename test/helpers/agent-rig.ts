/** The agent's core without journal and processes: events in, reactions out, applied to memory as the engine would. */
import { applyChange, applyVolatile } from "../../agent/core/apply-change.ts";
import type { AgentCommand, AgentEvent, AgentReaction, Exit } from "../../agent/core/events.ts";
import { react } from "../../agent/core/react.ts";
import type { AgentAttempt, AgentState } from "../../agent/core/state.ts";
import { required } from "../../shared/kernel/assert.ts";
import { deviceUuid, fence, runId, sessionId } from "../../shared/kernel/ids.ts";
import type { AgentMessage, Assignment, CoordinatorMessage, Decision, Welcome } from "../../shared/run/session.ts";
import { makeDevice } from "./core-rig.ts";

export function makeAssignment(number: number, patch: Partial<Assignment> = {}): Assignment {
  return {
    fence: fence(number),
    runId: runId(`run_${number}`),
    runRef: `test.1.${number}`,
    sweepRef: "test.1",
    runIndex: number,
    attempt: 1,
    devices: [deviceUuid("a/cpu-0")],
    templateJson: "{}",
    paramsJson: "{}",
    timeLimitMs: 0,
    idleLimitMs: 0,
    stopGraceMs: 10_000,
    leaseMs: 60_000,
    logPatterns: [],
    ...patch,
  };
}

export const EXIT: Exit = { code: 0, started: true, oom: false, expired: false };
export const PROCESS = { pid: 77, startTime: 1234 };

export function emptyAgentState(): AgentState {
  return {
    agentId: "agent-a",
    bootId: "boot-1",
    storeId: "",
    term: 0,
    maxFenceSeen: 0,
    draining: false,
    attempts: new Map(),
    tombstones: new Set(),
    waiting: new Map(),
    leaving: false,
    session: undefined,
    heartbeatSeq: 0,
    heartbeatsSent: new Map(),
    exchangeSentMs: 0,
    devices: [makeDevice("a/cpu-0"), makeDevice("a/cpu-1")],
  };
}

export class AgentRig {
  readonly state = emptyAgentState();
  uptimeMs = 1_000_000;
  wallMs = 1_700_000_000_000;

  react(event: AgentEvent): AgentReaction {
    return react(this.state, event, { uptimeMs: this.uptimeMs, wallMs: this.wallMs });
  }

  apply(event: AgentEvent): readonly AgentCommand[] {
    const now = { uptimeMs: this.uptimeMs, wallMs: this.wallMs };
    const { changes, commands } = react(this.state, event, now);
    for (const change of changes) applyChange(this.state, change);
    applyVolatile(this.state, event, commands, now);
    return commands;
  }

  receive(message: CoordinatorMessage, helloSentMs = this.uptimeMs): readonly AgentCommand[] {
    return this.apply({ kind: "message", message, helloSentMs });
  }

  welcome(decisions: readonly Decision[] = [], helloSentMs = this.uptimeMs): readonly AgentCommand[] {
    return this.receive({ kind: "welcome", welcome: makeWelcome(decisions) }, helloSentMs);
  }

  assign(number = 1, patch: Partial<Assignment> = {}): readonly AgentCommand[] {
    return this.receive({ kind: "assign", assignment: makeAssignment(number, patch) });
  }

  /** A welcomed agent with fence 1 in this phase. */
  with(phase: "accepted" | "running" | "ended" | "finished" | "acked", patch: Partial<Assignment> = {}): this {
    this.welcome();
    this.assign(1, patch);
    if (phase === "accepted") return this;
    this.apply({ kind: "spawned", fence: fence(1), process: PROCESS });
    if (phase === "running") return this;
    this.apply({ kind: "exited", fence: fence(1), exit: EXIT });
    if (phase === "ended") return this;
    this.apply({ kind: "cleaned", fence: fence(1), finalSizes: { output: 3 }, unclean: [], causes: [] });
    if (phase === "acked") this.receive({ kind: "finish-ack", fence: fence(1) });
    return this;
  }

  attempt(number = 1): AgentAttempt {
    return required(this.state.attempts.get(fence(number)), `attempt ${number}`);
  }

  phase(number = 1): string | undefined {
    return this.state.attempts.get(fence(number))?.phase;
  }
}

export function makeWelcome(decisions: readonly Decision[], patch: Partial<Welcome> = {}): Welcome {
  return {
    session: sessionId(5),
    storeId: "store",
    term: 1,
    heartbeatMs: 2_000,
    decisions,
    watermarks: [],
    bus: undefined,
    httpPort: 0,
    ...patch,
  };
}

/** What is told to the coordinator. */
export function sent(commands: readonly AgentCommand[]): AgentMessage[] {
  return commands.flatMap((command) => (command.kind === "send" ? [command.message] : []));
}

/** Signals as "TERM 1". */
export function signals(commands: readonly AgentCommand[]): string[] {
  return commands.flatMap((command) => (command.kind === "signal" ? [`${command.signal} ${command.fence}`] : []));
}
