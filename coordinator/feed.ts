/** News of what changed, for those who show it live. Says where to look, not what is there: readers ask the store. */
import type { Fence, RunId, SweepId } from "../shared/kernel/ids.ts";

export interface News {
  readonly sweeps: ReadonlySet<SweepId>;
  readonly runs: ReadonlySet<RunId>;
  /** Some node or device changed. */
  readonly nodes: boolean;
  /** Attempts whose stored output grew. */
  readonly outputs: ReadonlySet<Fence>;
  /** Runs that were over when it became known what they ran on. */
  readonly lateRecords: ReadonlySet<RunId>;
}

export type NewsListener = (news: News) => void;

export class Feed {
  readonly #listeners = new Set<NewsListener>();

  /** Calls `listener` after each commit, in the turn of the commit, until the returned function is called. */
  subscribe(listener: NewsListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get listenerCount(): number {
    return this.#listeners.size;
  }

  publish(news: News): void {
    for (const listener of this.#listeners) listener(news);
  }
}

const NOTHING: News = { sweeps: new Set(), runs: new Set(), nodes: false, outputs: new Set(), lateRecords: new Set() };

/** News with only the given parts. */
export function news(parts: Partial<News>): News {
  return { ...NOTHING, ...parts };
}
