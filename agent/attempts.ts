/**
 * Carries out what the core decides about attempts: makes directories, spawns shims, signals trees, cleans up. What comes
 * of it goes back as events. Holds no rule of its own.
 */
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import type { Clock } from "../shared/kernel/clock.ts";
import { AppError, errorMessage } from "../shared/kernel/errors.ts";
import { type Fence, fence as makeFence } from "../shared/kernel/ids.ts";
import type { Assignment, FinalSizes } from "../shared/run/session.ts";
import { describeOutcome } from "../shared/run/states.ts";
import { paramsFromJson, paramsToNestedJson } from "../shared/spec/params-json.ts";
import type { RenderedCommand } from "../shared/spec/template.ts";
import { STREAM_NAMES, type StreamName } from "../shared/subjects.ts";
import { causesOf } from "./activity.ts";
import type { AttemptArtifacts } from "./artifacts/attempt-artifacts.ts";
import { renderAssignment, startOf } from "./attempt-command.ts";
import { type Checkout, layOutCode } from "./code/checkout.ts";
import { placeInCopy } from "./code/copy-place.ts";
import type { StartedAttempt } from "./code/environment-notes.ts";
import type { AgentCommand, AgentEvent, Exit } from "./core/events.ts";
import type { AgentAttempt, AgentState, ProcessName } from "./core/state.ts";
import { isHolding } from "./core/state.ts";
import type { Devices } from "./device/devices.ts";
import type { OutputPlane } from "./output/output-plane.ts";
import { appendStatus, type StatusFact } from "./output/status-log.ts";
import { inspectAttempt, leaseExpired } from "./process/adopt.ts";
import { attemptDir, attemptPaths, createAttemptDir, removeAttemptDir, replaceFile } from "./process/attempt-dir.ts";
import { endContainer } from "./process/container/attempt-container.ts";
import type { Engine } from "./process/container/command.ts";
import { createDiscard } from "./process/discard.ts";
import { preparePrelude, readStage } from "./process/prelude.ts";
import { isAlive } from "./process/proc.ts";
import { readShimLog } from "./process/shim.ts";
import { createSpareDirs } from "./process/spare-dirs.ts";
import type { Spawner } from "./process/spawner.ts";
import type { Trees, TreeTarget } from "./process/tree.ts";
import { endLease, readLease, writeLease } from "./process/warden.ts";

export interface AttemptsOptions {
  readonly workdir: string;
  readonly nodeName: string;
  readonly labels: { readonly [key: string]: string };
  readonly state: AgentState;
  readonly apply: (event: AgentEvent) => void;
  readonly trees: Trees;
  readonly spawner: Spawner;
  readonly devices: Devices;
  /** Runs commands in container images; undefined: nothing does. */
  readonly containers: Engine | undefined;
  readonly output: OutputPlane;
  readonly clock: Clock;
  /** The agent's own environment; only a list of it reaches a command. */
  readonly hostEnv: { readonly [name: string]: string | undefined };
  /** Folder of the Python client. */
  readonly pythonPath: string | undefined;
  /** Where people see the coordinator; undefined while nobody has said. */
  readonly pageUrl: () => string | undefined;
  /** Lays out a snapshot of code in a directory. */
  readonly checkout: Checkout;
  readonly artifacts: AttemptArtifacts;
  /** After the start, which it must not hold up. */
  readonly onStarted: (attempt: StartedAttempt) => void;
  readonly logger: Logger;
}

export interface Attempts {
  act(
    command: Extract<
      AgentCommand,
      { kind: "start" | "adopt" | "signal" | "clean" | "write-lease" | "await-stored" | "remove" }
    >,
  ): void;
  /** Looks at what an earlier agent left, and reports it as events. Call once, before the first session. */
  recover(): Promise<void>;
  close(): void;
}

/** How often an adopted process, which is not our child, is looked at. */
const WATCH_MS = 100;
/** Between two calls of an engine that does not say that a container is gone. */
const CONTAINER_WAIT_MS = { first: 100, max: 10_000 };
/** The warden looks at a lease once a second, and may take two more to see its processes gone. */
const WARDEN_MS = 5_000;

export function createAttempts(options: AttemptsOptions): Attempts {
  const { workdir, state, apply, trees, spawner, devices, output, clock, logger } = options;
  /** Processes that are not our children, by fence. */
  const watched = new Map<Fence, ProcessName>();
  const watchTimer = setInterval(lookAtWatched, WATCH_MS);
  watchTimer.unref();

  const discard = createDiscard({
    remove: removeAttemptDir,
    monotonicMs: () => clock.monotonicMs(),
    onError: (dir, error) => logger.warn({ dir, error: errorMessage(error) }, "attempt directory not removed"),
  });

  const spares = createSpareDirs(workdir);
  const dirOf = (fence: Fence): string => attemptDir(workdir, fence);
  const attemptOf = (fence: Fence): AgentAttempt | undefined => state.attempts.get(fence);

  function targetOf(fence: Fence): TreeTarget {
    const process = attemptOf(fence)?.process;
    return { fence, pid: process?.pid ?? 0, startTime: process?.startTime ?? 0 };
  }

  function note(fence: Fence, record: StatusFact): void {
    try {
      appendStatus(dirOf(fence), { t: clock.wallMs() / 1000, ...record });
    } catch (error) {
      // The control session carries the same facts; the run must not suffer from a full disk here.
      logger.warn({ fence, error: errorMessage(error) }, "status line not written");
    }
  }

  /** For the program itself, which asks the client whether it should stop. */
  function sayWhy(fence: Fence, cause: string): void {
    try {
      replaceFile(attemptPaths(dirOf(fence)).stop, `${cause}\n`);
    } catch (error) {
      logger.warn({ fence, error: errorMessage(error) }, "reason of the stop not written; the signal says enough");
    }
  }

  async function start(assignment: Assignment, leaseDeadlineMs: number): Promise<void> {
    const { fence } = assignment;
    const dir = dirOf(fence);
    const params = paramsFromJson(assignment.paramsJson);
    const checkpoint = options.artifacts.resumeOf(assignment, attemptPaths(dir).resume);
    const rendered = renderAssignment(assignment, dir, checkpoint?.path, options);
    if ("problem" in rendered) {
      apply({ kind: "not-spawned", fence, reason: "bad_spec", detail: rendered.problem });
      return;
    }
    // A lease may be renewed while the code is on its way.
    const deadlineUptimeMs = () => attemptOf(fence)?.writtenDeadlineMs ?? leaseDeadlineMs;
    try {
      const early = assignment.code ? undefined : preparePrelude(dir, rendered, options.hostEnv);
      createAttemptDir(dir, paramsToNestedJson(params), spares.moveTo);
      const cgroup = trees.prepare(fence);
      writeLease(dir, { deadlineUptimeMs: leaseDeadlineMs, pid: 0, startTime: 0, cgroup });
      if (checkpoint) await untilReady(fence, "its checkpoint", checkpoint.fetch);
      const command = await withCode(assignment, rendered, dir);
      const prelude = early ?? preparePrelude(dir, command, options.hostEnv);
      prelude.writeFiles();
      const start = startOf(options, assignment, { dir, command, prelude, resumeFrom: checkpoint?.path });
      // This process may have stood still since it accepted: by now the run may be due elsewhere.
      if (clock.uptimeMs() >= deadlineUptimeMs())
        throw new AppError("unavailable", "its lease passed before it could start");
      const shim = await spawner.spawn({ dir, argv: start.argv, cwd: command.cwd, env: start.env, cgroup });
      const process = { pid: shim.pid, startTime: shim.startTime };
      // With a cgroup the warden needs no pid.
      if (cgroup === undefined) writeLease(dir, { deadlineUptimeMs: deadlineUptimeMs(), ...process, cgroup });
      note(fence, { e: "started", pid: shim.pid, devices: assignment.devices });
      output.watch(fence, dir, new Map());
      options.artifacts.watch(fence, dir);
      apply({ kind: "spawned", fence, process });
      options.onStarted({ fence, ...start.noted });
      const how = await shim.over;
      if (how === "ended") ended(fence);
      else watched.set(fence, process);
    } catch (error) {
      await notStarted(assignment, error);
    }
  }

  /** The command in a copy of its code, where it runs from one. Waits while the coordinator is away. */
  async function withCode(assignment: Assignment, command: RenderedCommand, dir: string): Promise<RenderedCommand> {
    if (!assignment.code) return command;
    const { hash, root } = assignment.code;
    const { code } = attemptPaths(dir);
    await untilReady(assignment.fence, "its code", (ended) =>
      layOutCode(options.checkout, { snapshot: hash, directory: code, ended }),
    );
    return placeInCopy(command, root, code);
  }

  /** Brings what the command needs, for as long as the attempt may start. */
  function untilReady(fence: Fence, what: string, work: (ended: () => string | undefined) => Promise<void>) {
    return work(() => {
      const attempt = attemptOf(fence);
      if (!attempt || attempt.stop) return "it was stopped before it could start";
      return clock.uptimeMs() >= attempt.leaseDeadlineMs ? `its lease passed before ${what} came` : undefined;
    });
  }

  async function notStarted(assignment: Assignment, error: unknown): Promise<void> {
    const { fence } = assignment;
    const attempt = attemptOf(fence);
    if (error instanceof AppError && error.code === "timeout" && attempt) {
      // Nobody knows whether it was started: the claim decides, as after a restart of the agent.
      output.watch(fence, dirOf(fence), new Map());
      options.artifacts.watch(fence, dirOf(fence));
      apply({ kind: "found", fence, found: await find(dirOf(fence), attempt) });
      return;
    }
    const reason = error instanceof AppError && error.code === "invalid" ? "bad_spec" : "start_failed";
    logger.warn({ fence, run: assignment.runRef, reason, error: errorMessage(error) }, "run not started");
    apply({ kind: "not-spawned", fence, reason, detail: errorMessage(error) });
  }

  function ended(fence: Fence): void {
    const exit = readExit(fence);
    note(
      fence,
      exit.code === undefined
        ? { e: "exited", outcome: "no record" }
        : { e: "exited", outcome: "exit", code: exit.code },
    );
    apply({ kind: "exited", fence, exit });
  }

  function readExit(fence: Fence): Exit {
    const log = readShimLog(dirOf(fence));
    return {
      ...stageOf(dirOf(fence)),
      code: log.exit?.code,
      started: log.started !== undefined,
      oom: trees.oomKilled(fence),
      expired: leaseExpired(dirOf(fence)),
    };
  }

  async function clean(fence: Fence): Promise<void> {
    while (!(await trees.empty(targetOf(fence)))) {
      // A process in an uninterruptible wait: its devices stay with this attempt for as long as it lives.
      logger.error({ fence, run: attemptOf(fence)?.assignment.runRef }, "processes of the run do not die; trying on");
    }
    for (let waitMs = CONTAINER_WAIT_MS.first; !(await endContainer(dirOf(fence))); ) {
      logger.warn({ fence, run: attemptOf(fence)?.assignment.runRef }, "the run's container has not ended; trying on");
      await sleep(waitMs);
      waitMs = Math.min(CONTAINER_WAIT_MS.max, waitMs * 2);
    }
    const kept = options.artifacts.end(fence);
    const uuids = attemptOf(fence)?.assignment.devices ?? [];
    const unclean = (await devices.check(uuids)).filter((device) => device.health !== "clean");
    // Lease and cgroup go with the directory: nothing that can wait stands between two runs of a device.
    const finalSizes = sizesOf(await output.end(fence));
    const causes = causesOf(dirOf(fence), attemptOf(fence));
    await kept;
    apply({ kind: "cleaned", fence, finalSizes, unclean, causes });
    const outcome = attemptOf(fence)?.finish?.outcome;
    logger.info(
      { fence, run: attemptOf(fence)?.assignment.runRef, outcome: outcome && describeOutcome(outcome) },
      "run ended",
    );
  }

  function remove(fence: Fence): void {
    output.forget(fence);
    const deadlineMs = readLease(dirOf(fence))?.deadlineUptimeMs ?? Number.POSITIVE_INFINITY;
    endLease(dirOf(fence));
    // A warden that found the lease expired may be at work on the group for a while.
    trees.remove(fence, clock.uptimeMs() + WARDEN_MS < deadlineMs);
    discardWhenTaken(fence);
  }

  /** Files that are to be kept lie in it until they are copied. */
  function discardWhenTaken(fence: Fence): void {
    const dir = dirOf(fence);
    void options.artifacts.taken(fence).then(() => {
      if (existsSync(dir)) discard.add(dir, directorySize(dir));
    });
  }

  /** Directories of attempts that an earlier agent had done with. */
  function discardLeftovers(): void {
    for (const name of readdirSync(join(workdir, "runs"))) {
      if (/^\d+$/.test(name) && !state.attempts.has(makeFence(Number(name)))) discardWhenTaken(makeFence(Number(name)));
    }
    // Those whose directory is gone already.
    for (const fence of options.artifacts.fences()) if (!state.attempts.has(fence)) discardWhenTaken(fence);
  }

  function lookAtWatched(): void {
    for (const [fence, process] of watched) {
      if (isAlive(process.pid, process.startTime)) continue;
      watched.delete(fence);
      ended(fence);
    }
  }

  /** A failure here is of our own making and must be seen, not end the agent: the attempt stays as it was. */
  function inBackground(what: string, fence: Fence, work: Promise<void>): void {
    work.catch((error: unknown) => logger.error({ fence, error: errorMessage(error) }, `${what} failed`));
  }

  return {
    act: (command) => {
      switch (command.kind) {
        case "start":
          return inBackground("starting", command.assignment.fence, start(command.assignment, command.leaseDeadlineMs));
        case "adopt":
          watched.set(command.fence, command.process);
          return;
        case "signal":
          note(command.fence, { e: "signal", signal: command.signal, reason: command.cause });
          if (command.signal === "TERM") sayWhy(command.fence, command.cause);
          return trees.signal(targetOf(command.fence), command.signal);
        case "clean":
          return inBackground("cleaning", command.fence, clean(command.fence));
        case "write-lease": {
          const { pid, startTime } = targetOf(command.fence);
          const cgroup = trees.cgroupOf(command.fence);
          return writeLease(dirOf(command.fence), { deadlineUptimeMs: command.deadlineMs, pid, startTime, cgroup });
        }
        case "await-stored":
          if (output.isStored(command.fence)) apply({ kind: "stored", fence: command.fence });
          return;
        case "remove":
          return remove(command.fence);
      }
    },
    recover: async () => {
      discardLeftovers();
      for (const [fence, attempt] of state.attempts) {
        const dir = dirOf(fence);
        output.watch(fence, dir, new Map());
        const lease = readLease(dir);
        if (lease?.cgroup !== undefined) trees.adopt(fence, lease.cgroup);
        if (!isHolding(attempt.phase)) {
          await output.end(fence);
          continue;
        }
        if (lease)
          state.attempts.set(fence, {
            ...attempt,
            leaseDeadlineMs: lease.deadlineUptimeMs,
            writtenDeadlineMs: lease.deadlineUptimeMs,
          });
        options.artifacts.watch(fence, dir);
        apply({ kind: "found", fence, found: await find(dir, attempt) });
      }
      trees.tidy();
    },
    close: () => {
      clearInterval(watchTimer);
      discard.close();
      spares.close();
    },
  };

  async function find(dir: string, attempt: AgentAttempt): Promise<Extract<AgentEvent, { kind: "found" }>["found"]> {
    for (;;) {
      const found = inspectAttempt(dir, { bootId: state.bootId, journalBootId: attempt.bootId });
      switch (found.state) {
        case "claimed":
          await new Promise((resolve) => setTimeout(resolve, WATCH_MS));
          continue;
        case "not_started":
          return { state: "never-started" };
        case "running":
          return { state: "running", process: { pid: found.pid, startTime: found.startTime } };
        case "exited":
          return { state: "exited", code: found.code, expired: leaseExpired(dir), ...stageOf(dir) };
        case "dead":
          return { state: "dead", expired: leaseExpired(dir) };
        case "rebooted":
          return found;
      }
    }
  }
}

function stageOf(dir: string): Pick<Exit, "stage"> {
  const stage = readStage(dir);
  return stage === undefined ? {} : { stage };
}

/** Bytes of the output, which is what can be large; a copy of the code has many files, and counts as much. */
function directorySize(dir: string): number {
  if (existsSync(attemptPaths(dir).code)) return Number.POSITIVE_INFINITY;
  return statSync(attemptPaths(dir).output, { throwIfNoEntry: false })?.size ?? 0;
}

function sizesOf(sizes: ReadonlyMap<StreamName, number>): FinalSizes {
  return Object.fromEntries(STREAM_NAMES.map((stream) => [stream, sizes.get(stream) ?? 0]));
}
