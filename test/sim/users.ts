/**
 * People: submit sweeps, cancel and retry runs, cordon, drain and stop nodes, at random times. What was not answered because
 * the coordinator died is asked again with the same submit id, as `exp submit` does.
 */
import type { Event, NewSweep, NodeAction } from "../../coordinator/core/events.ts";
import { required } from "../../shared/kernel/assert.ts";
import { nodeName, type RunId, runId, sweepId } from "../../shared/kernel/ids.ts";
import { isTerminal } from "../../shared/run/states.ts";
import type { SimCoordinator } from "./coordinator.ts";
import type { Program } from "./host.ts";
import type { Prng } from "./prng.ts";
import { type DrawnShape, drawShape } from "./requests.ts";
import type { SimStore } from "./store.ts";
import type { World } from "./world.ts";

const ASK_AGAIN_MS = 1_000;
const RUNS_MAX = 60;

export class Users {
  /** Runs of answered submissions. */
  readonly acknowledged: RunId[] = [];
  readonly #world: World;
  readonly #store: SimStore;
  readonly #coordinator: () => SimCoordinator | undefined;
  readonly #hosts: number;
  readonly #prng: Prng;
  /** Apart from the other, so that older seeds mean what they meant. */
  readonly #limits: Prng;
  readonly #programs = new Map<RunId, Program>();
  /** Runs about which a coordinator was asked and has not answered yet. */
  readonly #asked = new Map<RunId, SimCoordinator>();
  #sweeps = 0;
  #unanswered = 0;
  #isAllReleased = false;

  constructor(
    world: World,
    store: SimStore,
    hosts: number,
    coordinator: () => SimCoordinator | undefined,
    limits: Prng,
  ) {
    this.#world = world;
    this.#store = store;
    this.#hosts = hosts;
    this.#coordinator = coordinator;
    this.#prng = world.prng.split();
    this.#limits = limits;
    const total = this.#prng.between(1, RUNS_MAX);
    for (let left = total; left > 0; ) {
      const runs = this.#prng.between(1, left);
      left -= runs;
      const whenMs = this.#prng.chance(0.5) ? 0 : this.#prng.between(0, world.plan.safetyMs / 2);
      this.#unanswered += 1;
      world.timeline.after(whenMs, () => this.#submit(this.#newSweep(runs)));
    }
    this.#often(world.plan.cancelMs, () => this.#cancel());
    this.#often(world.plan.retryMs, () => this.#retry());
    this.#often(world.plan.pauseMs, () => (this.#prng.chance(0.4) ? this.#pause() : this.#resume(this.#someRuns())));
    this.#often(world.plan.editMs, () => {
      this.#coordinator()?.apply({ kind: "edit", runIds: this.#someRuns(), priority: this.#prng.between(-9, 9) });
    });
    this.#often(world.plan.nodeActionMs, () => this.#nodeAction());
  }

  /** False while a submission waits for its answer. */
  get areDone(): boolean {
    return this.#unanswered === 0;
  }

  programOf(id: RunId): Program {
    const program = this.#programs.get(id);
    if (!program) throw new Error(`no program of ${id}`);
    return program;
  }

  /** Nodes take work again, so that what is left can end. */
  openNodes(): void {
    for (let i = 0; i < this.#hosts; i++) this.#act(i, "uncordon");
  }

  /** Nothing stays held by a user, so that what is left can end. */
  resumeAll(): void {
    this.#isAllReleased = true;
    for (const id of this.acknowledged) this.#world.checks.onReleaseAsked(id);
    this.#coordinator()?.apply({ kind: "resume", runIds: this.acknowledged });
  }

  #submit(submission: Submission): void {
    const coordinator = this.#coordinator();
    const askAgain = (): void => this.#world.timeline.after(ASK_AGAIN_MS, () => this.#submit(submission));
    let answered = false;
    const onAnswer = (): void => {
      answered = true;
      this.#unanswered -= 1;
      this.acknowledged.push(...submission.runs.map(({ id }) => id));
    };
    if (!coordinator) return askAgain();
    if (this.#store.hasSubmission(submission.sweep.submitId)) return onAnswer();
    coordinator.apply({ kind: "submit", ...submission }, onAnswer);
    const wait = (): void => {
      if (answered) return;
      // The connection to a coordinator that died breaks; one that is only slow is waited for.
      if (coordinator.alive) this.#world.timeline.after(ASK_AGAIN_MS, wait);
      else this.#submit(submission);
    };
    this.#world.timeline.after(ASK_AGAIN_MS, wait);
  }

  #newSweep(count: number): Submission {
    const number = ++this.#sweeps;
    const prng = this.#prng;
    const drawn = Array.from({ length: prng.pick([1, 1, 2]) }, () => drawShape(prng));
    // Of an earlier submission, which may not be there yet: what is not there is over.
    const after = number > 1 && prng.chance(0.15) ? [sweepId(`swp_${prng.between(1, number - 1)}`)] : [];
    const sweep: NewSweep = {
      id: sweepId(`swp_${number}`),
      name: "sim",
      shapes: drawn.map(({ shape }) => shape),
      hold: prng.chance(0.1),
      after,
      failuresMax: prng.chance(0.25) ? prng.between(1, 4) : 0,
      gpuMsMax: this.#limits.chance(0.1) ? this.#limits.between(1_000, 60_000) : 0,
      deadline: this.#limits.chance(0.1) ? this.#world.wallMs() + this.#limits.between(1_000, 60_000) : 0,
      project: "",
      description: "",
      note: "",
      tags: [],
      parallel: prng.chance(0.2) ? prng.between(1, 3) : 0,
      shares: prng.chance(0.8),
      submitId: `submit-${number}`,
      createdAt: this.#world.timeline.nowMs,
      total: count,
      priority: prng.pick([0, 0, 0, -5, 10]),
      objective: undefined,
      sourcePath: "",
      sourceText: "",
    };
    const longMs = prng.pick([500, 5_000, 40_000]);
    // Few enough that sweeps ask for the same work; within a sweep each is there once.
    const first = prng.between(0, 2 * RUNS_MAX);
    const runs = Array.from({ length: count }, (_, i) => {
      const id = runId(`run_${number}_${i + 1}`);
      const shape = i % drawn.length;
      this.#programs.set(id, drawProgram(prng, longMs, required(drawn[shape], "a shape")));
      const fingerprint = `v1:work${(first + i) % (2 * RUNS_MAX)}`;
      const point = { index: i + 1, shape, group: i + 1, fingerprint };
      const priority = prng.chance(0.1) ? prng.between(-10, 10) : undefined;
      return { id, ...point, priority, paramsJson: "{}" };
    });
    return { sweep, number, runs };
  }

  #cancel(): void {
    const runIds = this.#someRuns();
    this.#ask(runIds, { kind: "cancel", runIds }, () => {
      for (const id of runIds) this.#world.checks.onCancelAcknowledged(id);
    });
  }

  #pause(): void {
    const runIds = this.#someRuns();
    this.#ask(runIds, { kind: "pause", runIds }, () => {
      // Its answer may come when it was taken back already.
      if (this.#isAllReleased) return;
      for (const id of runIds) this.#world.checks.onPauseAcknowledged(id);
    });
  }

  #resume(runIds: readonly RunId[]): void {
    for (const id of runIds) this.#world.checks.onReleaseAsked(id);
    this.#ask(runIds, { kind: "resume", runIds }, () => {});
  }

  #retry(): void {
    const runIds = this.#someRuns();
    for (const id of runIds) this.#world.checks.onReleaseAsked(id);
    const terminal = runIds.flatMap((id) => this.#store.terminalRun(id) ?? []);
    this.#ask(runIds, { kind: "retry", runIds, terminal }, () => {});
  }

  /** Nobody asks for two things about one run at once: which of them came last would be anybody's guess. */
  #ask(runIds: readonly RunId[], event: Event, answered: () => void): void {
    const coordinator = this.#coordinator();
    if (!coordinator || runIds.some((id) => this.#asked.get(id) === coordinator)) return;
    for (const id of runIds) this.#asked.set(id, coordinator);
    coordinator.apply(event, () => {
      for (const id of runIds) this.#asked.delete(id);
      answered();
    });
  }

  #nodeAction(): void {
    const action = this.#prng.pick<NodeAction>(["cordon", "uncordon", "drain", "stop", "uncordon", "uncordon"]);
    this.#act(this.#prng.between(0, this.#hosts - 1), action);
  }

  #act(hostIndex: number, action: NodeAction): void {
    this.#coordinator()?.apply({ kind: "node-action", name: nodeName(`host${hostIndex}`), action });
  }

  #someRuns(): RunId[] {
    if (this.acknowledged.length === 0) return [];
    return Array.from({ length: this.#prng.between(1, 3) }, () => this.#prng.pick(this.acknowledged));
  }

  #often(meanMs: number, action: () => void): void {
    if (meanMs === 0) return;
    this.#world.timeline.after(this.#prng.gapMs(meanMs), () => {
      if (!this.#world.faulty) return;
      action();
      this.#often(meanMs, action);
    });
  }
}

type Submission = Omit<Extract<Event, { kind: "submit" }>, "kind">;

function drawProgram(prng: Prng, longMs: number, drawn: DrawnShape): Program {
  const talksForMs = prng.chance(0.3) ? prng.between(0, longMs) : Number.POSITIVE_INFINITY;
  return {
    drawn,
    talksForMs,
    idleLimitMs: prng.chance(0.2) ? prng.between(2_000, 10_000) : 0,
    causes: prng.chance(0.3) ? ["cuda-oom"] : [],
    lengthMs: prng.between(1, longMs),
    exitCode: prng.pick([0, 0, 0, 0, 0, 1, 77, 139]),
    onTerm: prng.pick(["end", "end", "save", "ignore"]),
    leavesDaemon: prng.chance(0.2),
    timeLimitMs: prng.chance(0.1) ? prng.between(100, longMs) : 0,
  };
}

/** True when nothing is left to wait for: every run is terminal, or waits for a person. */
export function allAtRest(
  states: ReadonlyMap<RunId, { readonly state: string }>,
  canFit: (id: RunId) => boolean,
): boolean {
  for (const [id, { state }] of states) {
    if (state === "held" || isTerminal(state as Parameters<typeof isTerminal>[0])) continue;
    if (state !== "queued" || canFit(id)) return false;
  }
  return true;
}
