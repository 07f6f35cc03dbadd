/**
 * One machine: its clock since boot, its devices, and the attempts' processes with their shims and the warden. It outlives
 * the agent's process, and loses every process at a reboot; attempt directories stay. What runs here is the truth that the
 * checks hold both cores to.
 */

import type { Exit, Found } from "../../agent/core/events.ts";
import type { ProcessName } from "../../agent/core/state.ts";
import type { Fence, RunId } from "../../shared/kernel/ids.ts";
import type { Device } from "../../shared/run/devices.ts";
import type { Assignment, HostFacts } from "../../shared/run/session.ts";
import type { Prng } from "./prng.ts";
import { type DrawnShape, drawHost } from "./requests.ts";
import type { World } from "./world.ts";

/** How the user's program behaves. */
export interface Program {
  readonly lengthMs: number;
  readonly exitCode: number;
  /** On TERM: end at once with 143, save and end with this code after a while, or take no notice. */
  readonly onTerm: "end" | "save" | "ignore";
  /** Leaves a process behind that holds its devices. */
  readonly leavesDaemon: boolean;
  /** 0: none. */
  readonly timeLimitMs: number;
  /** 0: none. */
  readonly idleLimitMs: number;
  /** Says nothing more after this long. */
  readonly talksForMs: number;
  /** What the end of its output shows when it failed. */
  readonly causes: readonly string[];
  readonly drawn: DrawnShape;
}

/** An attempt as its directory and the process table know it. */
export interface AttemptDir {
  readonly fence: Fence;
  readonly runId: RunId;
  readonly devices: Assignment["devices"];
  readonly program: Program;
  readonly pid: number;
  claimed: boolean;
  started: boolean;
  running: boolean;
  daemon: boolean;
  shimAlive: boolean;
  exitCode: number | undefined;
  expired: boolean;
  leaseDeadlineMs: number;
  /** True time of its start; undefined before. */
  startedMs: number | undefined;
}

/** How soon the warden looks, and how long a kill may take: together well under the K of the settings. */
const WARDEN_ROUND_MS = 1_000;
const KILL_MAX_MS = 4_000;
const SHIM_START_MAX_MS = 400;

export class SimHost {
  readonly index: number;
  readonly name: string;
  readonly dirs = new Map<Fence, AttemptDir>();
  devices: readonly Device[];
  readonly facts: HostFacts;
  readonly labels: { readonly zone: string };
  bootId: string;
  /** Told when a shim is gone; the agent that lives now listens. */
  onExit: ((fence: Fence, exit: Exit) => void) | undefined;
  readonly #world: World;
  readonly #prng: Prng;
  readonly #rate: number;
  #boots = 1;
  #bootedAtMs = 0;
  #lastPid = 100;

  constructor(world: World, index: number, devices: readonly Device[], rate: number) {
    this.#world = world;
    this.#prng = world.prng.split();
    this.#rate = rate;
    this.index = index;
    this.name = `host${index}`;
    this.devices = devices;
    const { facts, labels } = drawHost(this.#prng.split());
    this.facts = facts;
    this.labels = labels;
    this.bootId = `${this.name}-boot-1`;
    this.#bootedAtMs = -1_000 * this.#prng.between(1, 100_000);
  }

  /** Milliseconds since boot by this machine's own clock. */
  get uptimeMs(): number {
    return Math.floor((this.#world.timeline.nowMs - this.#bootedAtMs) * this.#rate);
  }

  /** Makes the directory with its lease, and spawns a shim that will claim it. */
  spawn(assignment: Assignment, leaseDeadlineMs: number): ProcessName {
    const dir: AttemptDir = {
      fence: assignment.fence,
      runId: assignment.runId,
      devices: assignment.devices,
      program: programOfRank(this.#world.programOf(assignment.runId), assignment),
      pid: ++this.#lastPid,
      claimed: false,
      started: false,
      running: false,
      daemon: false,
      shimAlive: true,
      exitCode: undefined,
      expired: false,
      leaseDeadlineMs,
      startedMs: undefined,
    };
    this.dirs.set(dir.fence, dir);
    this.#later(this.#prng.between(0, SHIM_START_MAX_MS), () => this.#claimAndRun(dir));
    this.#watchLease(dir);
    return { pid: dir.pid, startTime: dir.pid };
  }

  /** How much an attempt has said: a byte each half second while it talks. */
  bytesOf(fence: Fence): number {
    const dir = this.dirs.get(fence);
    if (dir?.startedMs === undefined) return 0;
    const forMs = Math.min(this.#world.timeline.nowMs - dir.startedMs, dir.program.talksForMs);
    return 1 + Math.floor(forMs / 500);
  }

  writeLease(fence: Fence, deadlineMs: number): void {
    const dir = this.dirs.get(fence);
    if (dir) dir.leaseDeadlineMs = deadlineMs;
  }

  signal(fence: Fence, signal: "TERM" | "KILL", cause: string): void {
    const dir = this.dirs.get(fence);
    if (!dir) return;
    if (cause === "idle") this.#world.checks.onStoppedAsIdle(dir, this.#world.timeline.nowMs);
    if (signal === "KILL") return this.#kill(dir, () => {});
    if (!dir.running || dir.program.onTerm === "ignore") return;
    const saves = dir.program.onTerm === "save";
    this.#later(saves ? this.#prng.between(10, 1_500) : 1, () => this.#end(dir, saves ? dir.program.exitCode : 143));
  }

  /** Kills what is left of the tree; `done` when nothing is. */
  clean(fence: Fence, done: () => void): void {
    const dir = this.dirs.get(fence);
    if (dir) this.#kill(dir, done);
    else done();
  }

  /** What a restarted agent finds. Takes the claim where it is free, so that "never-started" stays true. */
  inspect(fence: Fence, acceptedInBoot: string): Found {
    const dir = this.dirs.get(fence);
    if (dir?.exitCode !== undefined) return { state: "exited", code: dir.exitCode, expired: dir.expired };
    if (acceptedInBoot !== this.bootId) return { state: "rebooted" };
    if (!dir) return { state: "never-started" };
    if (dir.started) {
      return dir.shimAlive
        ? { state: "running", process: { pid: dir.pid, startTime: dir.pid } }
        : { state: "dead", expired: dir.expired };
    }
    if (!this.#world.plant.sharedClaim) dir.claimed = true;
    return { state: "never-started" };
  }

  /** A fault: the shim alone is killed; the command lives on without a record of its end. */
  killShim(): void {
    for (const dir of this.dirs.values()) {
      if (!dir.running || !dir.shimAlive) continue;
      dir.shimAlive = false;
      dir.daemon = true;
      dir.running = false;
      this.#world.trace.note(this.name, "shim-killed", dir.fence);
      return this.#tellExit(dir);
    }
  }

  /** Every process is gone; the clock starts anew. */
  reboot(): void {
    this.#boots += 1;
    this.bootId = `${this.name}-boot-${this.#boots}`;
    this.#bootedAtMs = this.#world.timeline.nowMs;
    for (const dir of this.dirs.values()) {
      dir.running = false;
      dir.daemon = false;
      dir.shimAlive = false;
      this.#world.checks.onDead(this, dir);
    }
  }

  #claimAndRun(dir: AttemptDir): void {
    if (!dir.shimAlive) return;
    if (dir.claimed && !this.#world.plant.sharedClaim) {
      dir.shimAlive = false;
      return this.#tellExit(dir);
    }
    dir.claimed = true;
    dir.started = true;
    dir.running = true;
    dir.startedMs = this.#world.timeline.nowMs;
    this.#world.trace.note(this.name, "runs", dir.fence, () => `${dir.runId} for ${dir.program.lengthMs} ms`);
    this.#world.checks.onRunning(this, dir);
    this.#later(dir.program.lengthMs, () => this.#end(dir, dir.program.exitCode));
  }

  /** The command ends by itself; the shim records it. */
  #end(dir: AttemptDir, code: number): void {
    if (!dir.running || !dir.shimAlive) return;
    dir.running = false;
    dir.daemon = dir.program.leavesDaemon;
    dir.exitCode = code;
    dir.shimAlive = false;
    this.#world.trace.note(this.name, "exits", dir.fence, () => `code ${code}`);
    if (!dir.daemon) this.#world.checks.onDead(this, dir);
    this.#tellExit(dir);
  }

  #kill(dir: AttemptDir, done: () => void): void {
    const killMs = this.#world.plan.slowKill ? this.#prng.between(0, KILL_MAX_MS) : 5;
    this.#later(killMs, () => {
      // A shim between fork and exec carries no mark yet: no kill finds it. The claim must hold it back.
      if (dir.shimAlive && !dir.started) return done();
      const hadShim = dir.shimAlive;
      dir.running = false;
      dir.daemon = false;
      dir.shimAlive = false;
      this.#world.checks.onDead(this, dir);
      if (hadShim) {
        this.#world.trace.note(this.name, "killed", dir.fence);
        this.#tellExit(dir);
      }
      done();
    });
  }

  /** The warden's rounds: where the lease on file has passed, it claims, marks and kills. */
  #watchLease(dir: AttemptDir): void {
    const leftMs = Math.max(0, (dir.leaseDeadlineMs - this.uptimeMs) / this.#rate);
    this.#later(leftMs + this.#prng.between(1, WARDEN_ROUND_MS), () => {
      if (!dir.shimAlive && !dir.daemon) return;
      if (this.uptimeMs < dir.leaseDeadlineMs) return this.#watchLease(dir);
      dir.claimed = true;
      if (dir.exitCode === undefined) dir.expired = true;
      this.#world.trace.note(this.name, "lease-passed", dir.fence);
      this.#kill(dir, () => {});
    });
  }

  #tellExit(dir: AttemptDir): void {
    const { exitCode: code, started, expired, fence } = dir;
    this.#later(this.#prng.between(0, 20), () => this.onExit?.(fence, { code, started, oom: false, expired }));
  }

  /** Only while the machine is not rebooted. */
  #later(delayMs: number, action: () => void): void {
    const boots = this.#boots;
    this.#world.timeline.after(delayMs, () => {
      if (this.#boots === boots) action();
    });
  }
}

/** The ranks of a run do not end together, and now and then one fails alone. */
function programOfRank(program: Program, { fence, gang }: Assignment): Program {
  if (!gang) return program;
  const exitCode = gang.rank > 0 && fence % 5 === 0 ? 1 : program.exitCode;
  return { ...program, exitCode, lengthMs: program.lengthMs + 300 * gang.rank };
}
