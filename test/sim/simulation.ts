/**
 * One seed: a fleet of random size under a random subset of faults (safety: nothing may ever be wrong), then all faults
 * healed (liveness: everything comes to its end in bounded time). The same seed gives the same trace.
 */
import { shapeOf } from "../../coordinator/core/cluster.ts";
import { explain } from "../../coordinator/core/explain.ts";
import { couldFitTogether } from "../../coordinator/core/misfit.ts";
import type { CoreSettings } from "../../coordinator/core/settings.ts";
import { deviceUuid, type RunId } from "../../shared/kernel/ids.ts";
import type { Device } from "../../shared/run/devices.ts";
import { SimAgent } from "./agent.ts";
import { Checks } from "./checks.ts";
import { SimCoordinator } from "./coordinator.ts";
import { Violation } from "./facts.ts";
import { SimHost } from "./host.ts";
import { SimJournal } from "./journal.ts";
import { Network } from "./network.ts";
import { drawPlan, type FaultPlan } from "./plan.ts";
import { Prng } from "./prng.ts";
import { drawGpu } from "./requests.ts";
import { compareClusters } from "./same-cluster.ts";
import { MemoryStore, type SimStore } from "./store.ts";
import { Timeline } from "./timeline.ts";
import { Trace } from "./trace.ts";
import { allAtRest, Users } from "./users.ts";
import type { Plant, World } from "./world.ts";

export interface SimOptions {
  readonly readable?: boolean;
  readonly plant?: Plant;
  readonly store?: SimStore;
}

export interface SimResult {
  readonly steps: number;
  readonly hash: string;
  readonly runs: number;
  readonly lines: readonly string[];
  /** Undefined when every check held. */
  readonly violation: Error | undefined;
}

/** Times as in production in their proportions, shortened. */
export const SETTINGS: CoreSettings = {
  heartbeatMs: 4_000,
  unknownAfterMs: 10_000,
  leaseMs: 30_000,
  killMs: 8_000,
  retryBackoff: { baseMs: 200, maxMs: 5_000 },
  shortRunMs: 10_000,
};
/** After the faults, everything must be at rest within this. */
const LIVENESS_MS = 4 * 3_600_000;
const WALL_START_MS = 1_700_000_000_000;

/** Runs one seed to its end, or to the first violation. */
export function simulate(seed: number, options: SimOptions = {}): SimResult {
  const simulation = new Simulation(seed, options);
  let violation: Error | undefined;
  try {
    simulation.run();
  } catch (error) {
    // A failed assertion inside a core is a finding like a violated invariant.
    violation = error instanceof Error ? error : new Error(String(error));
  }
  return simulation.result(violation);
}

class Simulation {
  readonly #world: World;
  readonly #store: SimStore;
  readonly #users: Users;
  readonly #hosts: SimHost[] = [];
  readonly #journals: SimJournal[] = [];
  readonly #agents: (SimAgent | undefined)[] = [];
  readonly #prng: Prng;
  readonly #coordinatorRate: number;
  #coordinator: SimCoordinator | undefined;
  #wallJumpMs = 0;

  constructor(seed: number, options: SimOptions) {
    const prng = new Prng(seed);
    const timeline = new Timeline();
    const plan = drawPlan(prng.split());
    this.#store = options.store ?? new MemoryStore();
    this.#world = {
      timeline,
      prng,
      plan,
      trace: new Trace(() => timeline.nowMs, options.readable ?? false),
      network: new Network(timeline, prng.split()),
      checks: new Checks((id) => this.#users.programOf(id).drawn),
      settings: SETTINGS,
      plant: options.plant ?? {},
      faulty: true,
      programOf: (id) => this.#users.programOf(id),
      wallMs: () => WALL_START_MS + Math.floor(timeline.nowMs) + this.#wallJumpMs,
    };
    this.#prng = prng.split();
    this.#coordinatorRate = drawRate(this.#prng, plan);
    this.#makeHosts();
    this.#users = new Users(this.#world, this.#store, this.#hosts.length, () => this.#coordinator, new Prng(~seed));
  }

  run(): void {
    const { timeline, plan, network } = this.#world;
    network.faults.delayMaxMs = plan.delayMaxMs;
    network.faults.duplicates = plan.duplicates;
    this.#startCoordinator();
    for (const host of this.#hosts) timeline.after(this.#prng.between(0, 2_000), () => this.#startAgent(host));
    this.#planFaults();
    while (timeline.step(plan.safetyMs));
    this.#heal();
    const deadlineMs = timeline.nowMs + LIVENESS_MS;
    for (let i = 1; timeline.step(deadlineMs); i++) {
      if (i % 64 === 0 && this.#isAtRest()) break;
    }
    this.#checkRest();
  }

  result(violation: Error | undefined): SimResult {
    const { timeline, trace } = this.#world;
    const runs = this.#users.acknowledged.length;
    return { steps: timeline.steps, hash: trace.hash, runs, lines: trace.lines, violation };
  }

  #makeHosts(): void {
    const count = this.#prng.between(1, 6);
    for (let index = 0; index < count; index++) {
      const gpus = this.#prng.between(0, 4);
      const cpus = this.#prng.between(0, 4);
      // At least one machine can do something.
      const devices = drawDevices(this.#prng, index, gpus, index === 0 ? Math.max(2, cpus) : cpus);
      this.#hosts.push(new SimHost(this.#world, index, devices, drawRate(this.#prng, this.#world.plan)));
      this.#journals.push(new SimJournal(`agent-${index}`));
    }
  }

  #startCoordinator(): void {
    if (this.#coordinator) return;
    this.#coordinator = new SimCoordinator(this.#world, this.#store, this.#coordinatorRate, () => {
      const dead = this.#coordinator;
      this.#coordinator = undefined;
      if (dead) this.#compareWithStore(dead);
      this.#world.timeline.after(this.#restartMs(), () => this.#startCoordinator());
    });
  }

  #startAgent(host: SimHost): void {
    const { index } = host;
    const journal = this.#journals[index];
    if (!journal || this.#agents[index]) return;
    // The agent dials whichever coordinator lives at that moment.
    const dial = {
      receive: (...args: Parameters<SimCoordinator["receive"]>) => this.#coordinator?.receive(...args),
      closed: (...args: Parameters<SimCoordinator["closed"]>) => this.#coordinator?.closed(...args),
    };
    this.#agents[index] = new SimAgent(this.#world, host, journal, dial, () => {
      this.#agents[index] = undefined;
      this.#world.timeline.after(this.#restartMs(), () => this.#startAgent(host));
    });
  }

  #restartMs(): number {
    return this.#world.faulty ? this.#prng.between(10, this.#world.plan.restartMaxMs) : 10;
  }

  #planFaults(): void {
    const { plan, network, trace } = this.#world;
    const often = (meanMs: number, fault: () => void): void => {
      if (meanMs === 0) return;
      this.#world.timeline.after(this.#prng.gapMs(meanMs), () => {
        if (!this.#world.faulty) return;
        fault();
        often(meanMs, fault);
      });
    };
    const host = (): SimHost => this.#prng.pick(this.#hosts);
    often(plan.coordinatorCrashMs, () => this.#coordinator?.crash(this.#prng.chance(0.2)));
    often(plan.coordinatorPauseMs, () => this.#coordinator?.pause(this.#prng.between(500, plan.cutMaxMs)));
    often(plan.agentCrashMs, () => this.#agents[host().index]?.crash());
    often(plan.agentPauseMs, () => this.#pauseAgent(host()));
    often(plan.rebootMs, () => this.#reboot(host()));
    often(plan.breakMs, () => network.break(host().index));
    often(plan.shimKillMs, () => host().killShim());
    often(plan.dirtyDeviceMs, () => this.#soilDevice(host()));
    often(plan.wallJumpMs, () => {
      this.#wallJumpMs += this.#prng.pick([-86_400_000, -3_600_000, -5_000, 5_000, 3_600_000, 315_000_000_000]);
    });
    often(plan.cutMs, () => {
      const { index } = host();
      const ways = this.#prng.pick([["up"], ["down"], ["up", "down"]] as const);
      const forMs = this.#prng.between(100, plan.cutMaxMs);
      trace.note("network", `cut-${ways.join("-")}`, index, () => `for ${forMs} ms`);
      network.cut(index, ways, forMs);
    });
  }

  #pauseAgent(host: SimHost): void {
    const forMs = this.#prng.between(1_000, this.#world.plan.cutMaxMs);
    this.#world.trace.note(host.name, "agent-pauses", forMs);
    this.#agents[host.index]?.pause(forMs);
  }

  #reboot(host: SimHost): void {
    this.#world.trace.note(host.name, "reboots", 0);
    this.#agents[host.index]?.crash(true);
    host.reboot();
  }

  #soilDevice(host: SimHost): void {
    const device = host.devices.length > 0 ? this.#prng.pick(host.devices) : undefined;
    if (!device) return;
    const health = device.health === "clean" ? "foreign" : "clean";
    this.#setDevices(
      host,
      host.devices.map((other) => (other === device ? { ...other, health, reason: "somebody else's process" } : other)),
    );
  }

  #setDevices(host: SimHost, devices: readonly Device[]): void {
    host.devices = devices;
    this.#agents[host.index]?.apply({ kind: "devices", devices });
  }

  /** The end of all faults: everything runs, every path is open, every device is clean, every node takes work. */
  #heal(): void {
    const { network, trace, timeline } = this.#world;
    trace.note("world", "heals", 0);
    this.#checkExplained();
    this.#world.faulty = false;
    network.faults.delayMaxMs = 5;
    network.faults.duplicates = 0;
    for (const host of this.#hosts) {
      network.heal(host.index);
      this.#setDevices(
        host,
        host.devices.map((device) => ({ ...device, health: "clean", reason: "" })),
      );
    }
    this.#startCoordinator();
    for (const host of this.#hosts) this.#startAgent(host);
    // Once every agent has come back; a node that never joined cannot be opened.
    timeline.after(60_000, () => {
      this.#users.openNodes();
      this.#users.resumeAll();
    });
  }

  #isAtRest(): boolean {
    if (!this.#users.areDone || this.#world.checks.processes > 0) return false;
    if (!allAtRest(this.#world.checks.states, (id) => this.#canFit(id))) return false;
    return this.#agents.every((agent) => agent?.state.attempts.size === 0);
  }

  #canFit(id: RunId): boolean {
    const cluster = this.#coordinator?.cluster;
    const run = cluster?.runs.get(id);
    const sweep = run && cluster?.sweeps.get(run.sweepId);
    if (!cluster || !sweep || cluster.nodes.size < this.#hosts.length) return true;
    // What it waits for is looked at by itself.
    if (sweep.after.some((earlier) => cluster.sweeps.has(earlier))) return false;
    return couldFitTogether([...cluster.nodes.values()], shapeOf(sweep, run).resources);
  }

  #checkRest(): void {
    const coordinator = this.#coordinator;
    if (!coordinator) throw new Violation("I12", "no coordinator at the end");
    if (!this.#isAtRest()) throw new Violation("I12", `not at rest after ${LIVENESS_MS} ms: ${this.#describeRest()}`);
    this.#checkExplained();
    this.#compareWithStore(coordinator);
    if (coordinator.cluster.attempts.size > 0) throw new Violation("I3", "attempts are left at the end");
    for (const id of this.#users.acknowledged) {
      if (!this.#world.checks.states.has(id)) throw new Violation("I3", `${id} was acknowledged and is lost`);
    }
  }

  /** I11: a run that is not terminal has a reason. */
  #checkExplained(): void {
    const cluster = this.#coordinator?.cluster;
    if (!cluster) return;
    for (const run of cluster.runs.values()) {
      const explanation = explain(cluster, run.id, this.#world.wallMs());
      if (!explanation?.reason) throw new Violation("I11", `${run.id} is ${run.state} without a reason`);
    }
  }

  /** What a start would load is what memory said, unless the crash came between deciding and committing. */
  #compareWithStore(coordinator: SimCoordinator): void {
    if (!coordinator.isCommitted) return;
    const { cluster } = coordinator;
    const difference = compareClusters(this.#store.load(cluster.term, 0), cluster);
    if (difference) throw new Violation("memory equals store", difference);
    this.#world.checks.compareAll(cluster);
  }

  #describeRest(): string {
    const states = new Map<string, number>();
    for (const { state } of this.#world.checks.states.values()) states.set(state, (states.get(state) ?? 0) + 1);
    const left = this.#agents.map((agent) => [...(agent?.state.attempts.values() ?? [])].map((a) => a.phase).join("+"));
    const cluster = this.#coordinator?.cluster;
    const waits = [...(cluster?.runs.values() ?? [])].find(({ state }) => state === "queued");
    const why = cluster && waits && explain(cluster, waits.id, this.#world.wallMs());
    const counts = [...states].map(([state, count]) => `${count} ${state}`).join(", ");
    return `${counts}; agents: ${left.join(" | ")}; ${JSON.stringify(why ?? "")}`;
  }
}

function drawRate(prng: Prng, plan: FaultPlan): number {
  return 1 + plan.drift * prng.pick([-1, 0, 1]);
}

function drawDevices(prng: Prng, host: number, gpus: number, cpus: number): Device[] {
  const base = { model: "sim", memoryBytes: 0, health: "clean", reason: "", foreign: [] } as const;
  const gpu = Array.from({ length: gpus }, (_, i) => ({
    ...base,
    uuid: deviceUuid(`GPU-${host}-${i}`),
    index: i,
    kind: "gpu" as const,
    ...drawGpu(prng),
  }));
  const cpu = Array.from({ length: cpus }, (_, i) => ({
    ...base,
    uuid: deviceUuid(`host${host}/cpu-${i}`),
    index: i,
    kind: "cpu" as const,
  }));
  return [...gpu, ...cpu];
}
