/** The coordinator's core without a store: events in, reactions out, applied to memory as the engine would. */
import { applyChange } from "../../coordinator/core/apply-change.ts";
import type { Change, SweepRecord } from "../../coordinator/core/changes.ts";
import { type Attempt, type Cluster, emptyCluster, type Run } from "../../coordinator/core/cluster.ts";
import type { Command, Reaction } from "../../coordinator/core/commands.ts";
import type { Event, NewSweep, Now } from "../../coordinator/core/events.ts";
import { react } from "../../coordinator/core/react.ts";
import { type CoreSettings, DEFAULT_SETTINGS } from "../../coordinator/core/settings.ts";
import { deviceUuid, type Fence, nodeName, runId, type SessionId, sweepId } from "../../shared/kernel/ids.ts";
import type { Device, ResourceRequest } from "../../shared/run/devices.ts";
import type { RetryPolicy } from "../../shared/run/retry.ts";
import type { FinishReport, Hello } from "../../shared/run/session.ts";
import { PROTOCOL_VERSION } from "../../shared/run/session.ts";
import type { Outcome } from "../../shared/run/states.ts";
import type { RunShape } from "../../shared/spec/types.ts";

export const WALL_MS = 1_700_000_000_000;

export function newCluster(): Cluster {
  return emptyCluster({ storeId: "store", term: 1, nextFence: 1, nextSession: 1, nextSweepSeq: 1 });
}

export function makeDevice(uuid: string, patch: Partial<Device> = {}): Device {
  const kind = uuid.startsWith("GPU") ? "gpu" : "cpu";
  const base = { index: 0, model: "test", memoryBytes: 1, reason: "", foreign: [] };
  return { uuid: deviceUuid(uuid), kind, health: "clean", ...base, ...patch };
}

export function makeHello(name: string, patch: Partial<Hello> = {}): Hello {
  return {
    agentId: `agent-${name}`,
    name: nodeName(name),
    machineId: `machine-${name}`,
    bootId: `boot-${name}`,
    incarnation: 1,
    seq: 0,
    version: "test",
    protocol: PROTOCOL_VERSION,
    labels: {},
    host: {
      hostname: `${name}.lab`,
      os: "linux",
      kernel: "6",
      arch: "x64",
      cpuModel: "test",
      cpuCount: 4,
      memoryBytes: 1,
      driverVersion: "",
      diskBytes: 0,
      containerEngine: "",
    },
    maxFenceSeen: 0,
    storeId: "",
    term: 0,
    devices: [makeDevice(`${name}/cpu-0`)],
    attempts: [],
    draining: false,
    ...patch,
  };
}

export function makeFinish(fence: Fence, outcome: Outcome, patch: Partial<FinishReport> = {}): FinishReport {
  return {
    fence,
    outcome,
    startedAt: WALL_MS,
    finishedAt: WALL_MS + 1,
    finalSizes: {},
    unclean: [],
    causes: [],
    ...patch,
  };
}

export class CoreRig {
  readonly cluster: Cluster;
  readonly settings: CoreSettings;
  monotonicMs = 0;
  wallMs = WALL_MS;
  /** Everything that was decided so far. */
  readonly changes: Change[] = [];
  #connections = 0;
  #sweeps = 0;

  constructor(settings: Partial<CoreSettings> = {}) {
    this.cluster = newCluster();
    this.settings = { ...DEFAULT_SETTINGS, ...settings };
  }

  get now(): Now {
    return { monotonicMs: this.monotonicMs, wallMs: this.wallMs, random: 0.5 };
  }

  /** Only decides. */
  react(event: Event): Reaction {
    return react(this.cluster, event, this.now, this.settings);
  }

  /** Decides and applies. */
  apply(event: Event): Reaction {
    const reaction = this.react(event);
    for (const change of reaction.changes) applyChange(this.cluster, change);
    this.changes.push(...reaction.changes);
    return reaction;
  }

  /** An agent joins; gives its session and the commands. */
  join(name: string, patch: Partial<Hello> = {}): { session: SessionId; commands: readonly Command[] } {
    this.#connections += 1;
    const { commands } = this.apply({ kind: "hello", connection: this.#connections, hello: makeHello(name, patch) });
    const welcome = commands.find((command) => command.kind === "welcome");
    if (welcome?.kind !== "welcome") throw new Error(`${name} was not welcomed: ${JSON.stringify(commands)}`);
    return { session: welcome.session, commands };
  }

  /**
   * A sweep of `count` runs, `run_1_1` to `run_1_<count>`, of one shape unless the patch has more. `work` names what they
   * do: sweeps with the same name share it. Gives the live ones.
   */
  submit(count: number, patch: SweepPatch = {}, work?: string): Run[] {
    const number = ++this.#sweeps;
    const { resources, retryMax = 0, retry = { max: retryMax }, ...rest } = patch;
    const shape = makeShape({ ...(resources && { resources }), retry });
    const sweep: NewSweep = { ...newSweep(number, count), shapes: [shape], ...rest };
    const runs = Array.from({ length: count }, (_, i) => ({
      id: runId(`run_${number}_${i + 1}`),
      index: i + 1,
      shape: i % sweep.shapes.length,
      priority: undefined,
      fingerprint: `v1:${work ?? number}.${i + 1}`,
      paramsJson: "{}",
    }));
    this.apply({ kind: "submit", sweep, number, runs });
    return runs.flatMap(({ id }) => this.cluster.runs.get(id) ?? []);
  }

  /** Places what can be placed; gives the open attempts. */
  schedule(): Attempt[] {
    this.apply({ kind: "schedule" });
    return [...this.cluster.attempts.values()];
  }

  /** One node with one run that runs on it. */
  running(patch: SweepPatch = {}, work?: string): { run: Run; attempt: Attempt; session: SessionId } {
    const { session } = this.join("a");
    const [run] = this.submit(1, patch, work);
    const [attempt] = this.schedule();
    if (!run || !attempt) throw new Error("nothing was placed");
    this.apply({ kind: "started", session, fence: attempt.fence, startedAt: WALL_MS });
    return { run, attempt, session };
  }
}

/** What a test says of a sweep; `resources`, `retry` and `retryMax` are those of its one shape. */
export type SweepPatch = Partial<SweepRecord> & {
  readonly resources?: ResourceRequest;
  readonly retryMax?: number;
  readonly retry?: RetryPolicy;
};

export function makeShape(patch: Partial<RunShape> = {}): RunShape {
  return {
    template: { command: ["true"], args: "flags", cwd: "/", env: {} },
    resources: { gpus: undefined, cpus: undefined },
    limits: { timeMs: 0, idleMs: 0, stopGraceMs: 10_000 },
    retry: { max: 0 },
    tags: [],
    ...patch,
  };
}

export function newSweep(number: number, total: number): NewSweep {
  return {
    id: sweepId(`swp_${number}`),
    name: "test",
    shapes: [],
    project: "",
    description: "",
    note: "",
    tags: [],
    hold: false,
    after: [],
    parallel: 0,
    failuresMax: 0,
    gpuMsMax: 0,
    deadline: 0,
    submitId: `submit-${number}`,
    createdAt: WALL_MS,
    total,
    shares: true,
    priority: 0,
    objective: undefined,
    sourcePath: "",
    sourceText: "",
  };
}
