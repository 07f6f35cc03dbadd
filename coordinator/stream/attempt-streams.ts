/**
 * What the ingest knows of the attempts whose output it stores: where their files are, how far they are committed, and the
 * running summary of their metrics. Read from the store when an attempt is first heard of; the least used are forgotten, which
 * costs only reading them again.
 */
import type { Fence } from "../../shared/kernel/ids.ts";
import { STREAM_NAMES, type StreamName } from "../../shared/subjects.ts";
import type { OutputStore } from "../store/outputs.ts";
import type { OpenFiles } from "./open-files.ts";
import { Summariser } from "./summarise.ts";

const ATTEMPTS_MAX = 5_000;
const NEWLINE = 10;

/** Where the output of an attempt belongs. */
export interface StreamFiles {
  /** The only agent that may write it. */
  readonly agentId: string;
  path(stream: StreamName): string;
}

export interface AttemptStreams {
  readonly fence: Fence;
  readonly files: StreamFiles;
  readonly committed: Map<StreamName, number>;
  /** Offset and monotonic ms of the last hint that a hole was seen. */
  readonly hinted: Map<StreamName, { offset: number; atMs: number }>;
  /** When its output was first and last noted, in Unix ms; undefined before its first bytes since it was read. */
  noted: { readonly firstMs: number; lastMs: number } | undefined;
  /** Made when its first "client" bytes come. */
  summary: Summariser | undefined;
}

export interface AttemptTableOptions {
  readonly store: OutputStore;
  readonly files: OpenFiles;
  readonly locate: (fence: Fence) => StreamFiles | undefined;
  readonly attemptsMax?: number;
}

export class AttemptTable {
  readonly #options: AttemptTableOptions;
  /** In the order of their last use. */
  readonly #attempts = new Map<Fence, AttemptStreams>();

  constructor(options: AttemptTableOptions) {
    this.#options = options;
  }

  /** Undefined for a fence that names no attempt. */
  find(fence: Fence): AttemptStreams | undefined {
    const known = this.#attempts.get(fence);
    if (known) this.#attempts.delete(fence);
    const attempt = known ?? this.#load(fence);
    if (attempt) this.#attempts.set(fence, attempt);
    return attempt;
  }

  /** The summary of an attempt as of its committed bytes. Rejects where the client file cannot be read. */
  async summaryOf(attempt: AttemptStreams): Promise<Summariser> {
    if (attempt.summary) return attempt.summary;
    const { store, files } = this.#options;
    const { fence } = attempt;
    const row = store.progress(fence).find((progress) => progress.stream === "client");
    const [parsed, committed] = [row?.parsed ?? 0, row?.committed ?? 0];
    if (committed === 0) {
      attempt.summary = new Summariser({ parsed: 0, midLine: false, keys: [] });
      return attempt.summary;
    }
    // The line that was not complete at the last commit, and the byte before it: no newline there, no start of a line here.
    const from = Math.max(0, parsed - 1);
    const tail = await files.read(attempt.files.path("client"), from, committed);
    const midLine = parsed > 0 && tail[0] !== NEWLINE;
    const summary = new Summariser({ parsed, midLine, keys: store.metricKeys(fence) });
    summary.feed(tail.subarray(parsed - from));
    attempt.summary = summary;
    return summary;
  }

  /** Forgets an attempt, so that it is read again from the store. */
  async forget(fence: Fence): Promise<void> {
    const attempt = this.#attempts.get(fence);
    this.#attempts.delete(fence);
    for (const stream of attempt ? STREAM_NAMES : [])
      await this.#options.files.close(attempt?.files.path(stream) ?? "");
  }

  /** Forgets the least used ones. Not to be called within a batch. */
  trim(): void {
    const surplus = this.#attempts.size - (this.#options.attemptsMax ?? ATTEMPTS_MAX);
    for (const fence of [...this.#attempts.keys()].slice(0, Math.max(0, surplus))) this.#attempts.delete(fence);
  }

  #load(fence: Fence): AttemptStreams | undefined {
    const files = this.#options.locate(fence);
    if (!files) return undefined;
    const committed = this.#options.store.committedOffsets(fence);
    return { fence, files, committed, hinted: new Map(), noted: undefined, summary: undefined };
  }
}
