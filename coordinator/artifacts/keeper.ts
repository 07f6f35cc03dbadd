/**
 * Keeps what follows from the artifacts of a run true: its results directory shows them, its checkpoints are those that its
 * sweep asks to keep, and contents that nothing refers to go. All of it can be done again, so a killed coordinator begins
 * anew where it was.
 */
import { errorMessage } from "../../shared/kernel/errors.ts";
import type { RunId } from "../../shared/kernel/ids.ts";
import type { Logger } from "../../shared/logger.ts";
import { CHECKPOINT_KIND } from "../../shared/run/artifacts.ts";
import { parseSnapshot } from "../../shared/run/snapshot.ts";
import { isTerminal } from "../../shared/run/states.ts";
import type { BlobStore } from "../blobs/blob-store.ts";
import { type Feed, news } from "../feed.ts";
import { runDirectory } from "../results/run-directory.ts";
import type { ReadDeps } from "../rpc/control/deps.ts";
import type { StoredArtifact } from "../store/artifacts.ts";
import { createGarbage } from "./garbage.ts";
import { placeArtifacts } from "./place.ts";
import { superfluous } from "./retention.ts";
import { scoreAt } from "./score.ts";

export interface KeeperOptions extends Pick<ReadDeps, "queries" | "outputPath" | "resultsRoot" | "clock"> {
  readonly blobs: BlobStore;
  readonly feed: Feed;
  /** Its results directory was removed on purpose, and nothing new came since. */
  readonly isPruned: (run: RunId) => boolean;
  readonly logger: Logger;
}

export interface ArtifactKeeper {
  /** The artifacts of these runs are others now. */
  changed(runs: readonly RunId[]): void;
  /** Ends when nothing is being done any more. */
  stop(): Promise<void>;
}

/** Changes come in bursts. */
const GATHERING_MS = 200;
/** Values of an objective may come a little after the checkpoint. */
const SCORE_AGAIN_MS = 5_000;
const RELEASED_EVERY_MS = 60_000;
const EVERY_MS = 3_600_000;
const FIRST_MS = 60_000;
const RETENTION = "no longer among those to keep";

export function startArtifactKeeper(options: KeeperOptions): ArtifactKeeper {
  const { queries, blobs, feed, clock, logger } = options;
  const { artifacts } = queries;
  const garbage = createGarbage({ artifacts, blobs, wallMs: () => clock.wallMs(), logger });
  const due = new Set<RunId>();
  /** Runs of which only some checkpoints are kept, and that are not over. */
  const open = new Set<RunId>(artifacts.limited());
  /** Of these, the ones with a checkpoint whose value is not known yet. */
  const waiting = new Set<RunId>();
  let stopped = false;
  let work: Promise<void> = Promise.resolve();
  let gathering: NodeJS.Timeout | undefined;

  const unsubscribe = feed.subscribe(({ runs }) => {
    if (open.size === 0) return;
    for (const run of runs) if (open.has(run)) later(run);
  });
  const timers = [
    setTimeout(() => enqueue("contents not looked at", () => garbage.collect()), FIRST_MS),
    setInterval(() => enqueue("contents not looked at", () => garbage.collect()), EVERY_MS),
    setInterval(() => enqueue("contents not looked at", () => garbage.collectReleased()), RELEASED_EVERY_MS),
    setInterval(() => waiting.forEach(later), SCORE_AGAIN_MS),
  ];
  for (const timer of timers) timer.unref();
  for (const run of open) later(run);

  function later(run: RunId): void {
    if (stopped) return;
    due.add(run);
    gathering ??= setTimeout(() => {
      gathering = undefined;
      const runs = [...due];
      due.clear();
      for (const one of runs) enqueue("artifacts not put in place", () => settle(one));
    }, GATHERING_MS);
  }

  /** One after the other. A failure is seen and ends nothing: the next change tries again. */
  function enqueue(what: string, task: () => Promise<void>): void {
    if (stopped) return;
    work = work
      .then(() => (stopped ? undefined : task()))
      .catch((error: unknown) => logger.error({ error: errorMessage(error) }, what));
  }

  async function settle(run: RunId): Promise<void> {
    await applyRetention(run);
    if (options.isPruned(run)) return;
    const all = artifacts.ofRun(run);
    const directory = runDirectory(options.resultsRoot, queries.record(run));
    const problems = await placeArtifacts(directory, all, blobs);
    if (problems.length > 0) logger.warn({ run, problems }, "artifacts not shown in the results directory");
  }

  async function applyRetention(run: RunId): Promise<void> {
    const all = artifacts.ofRun(run);
    await releaseAll(all.filter(({ id, state }) => state === "removed" && !released.has(id)));
    const rule = artifacts.rule(run);
    if (rule.keepLast === undefined && rule.keepBest === undefined) return;
    const metric = rule.keepBest === undefined ? undefined : rule.metric;
    const checkpoints = all.filter(({ kind, state }) => kind === CHECKPOINT_KIND && state === "stored");
    const isFinal = isOver(run);
    const scored = metric === undefined ? checkpoints : await withScores(checkpoints, metric, isFinal);
    const ids = superfluous(scored, rule, isFinal);
    if (ids.length > 0) {
      artifacts.remove(ids, RETENTION);
      await releaseAll(checkpoints.filter(({ id }) => ids.includes(id)));
      feed.publish(news({ runs: new Set([run]) }));
    }
    if (isFinal) open.delete(run);
    else open.add(run);
    if (!isFinal && metric !== undefined && scored.some(({ score }) => score === null)) waiting.add(run);
    else waiting.delete(run);
  }

  function isOver(run: RunId): boolean {
    const state = queries.runs.state(run);
    return state !== undefined && isTerminal(state) && queries.attempts.everyRank(run).every(({ sealed }) => sealed);
  }

  async function withScores(
    checkpoints: readonly StoredArtifact[],
    metric: string,
    isFinal: boolean,
  ): Promise<StoredArtifact[]> {
    const scored: StoredArtifact[] = [];
    for (const checkpoint of checkpoints) {
      let { score } = checkpoint;
      if (score === null) {
        const { fence } = checkpoint;
        const end = queries.attempts.committed(fence, "client");
        const found = await scoreAt(options.outputPath(fence, "client"), end, metric, checkpoint);
        if (found.isSure || isFinal) score = found.value;
        if (score !== null) artifacts.setScore(checkpoint.id, score);
      }
      scored.push({ ...checkpoint, score });
    }
    return scored;
  }

  const released = new Set<number>();
  async function releaseAll(gone: readonly StoredArtifact[]): Promise<void> {
    for (const { id, hash, folder } of gone) {
      released.add(id);
      if (hash === "") continue;
      garbage.release(folder ? [...(await filesOf(hash)), hash] : [hash]);
    }
  }

  async function filesOf(list: string): Promise<string[]> {
    if ((await blobs.size(list)) === undefined) return [];
    const entries = parseSnapshot((await blobs.read(list)).toString());
    return "problem" in entries ? [] : entries.flatMap((entry) => (entry.kind === "file" ? [entry.sha256] : []));
  }

  return {
    changed(runs) {
      runs.forEach(later);
      feed.publish(news({ runs: new Set(runs) }));
    },
    async stop() {
      stopped = true;
      unsubscribe();
      clearTimeout(gathering);
      for (const timer of timers) clearTimeout(timer);
      await work;
    },
  };
}
