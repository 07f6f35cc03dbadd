/**
 * Finds out what attempts run on, after they have started, and tells the coordinator: many at once, each environment whole
 * only once. Nothing waits for it; what cannot be told now is told later.
 */
import type { NotedEnvironment } from "../../proto/gen/runner/v1/store.ts";
import { AppError, errorMessage } from "../../shared/kernel/errors.ts";
import type { Fence } from "../../shared/kernel/ids.ts";
import {
  createEnvironmentTexts,
  type EnvironmentText,
  type EnvironmentTextsOptions,
  surroundingsKey,
} from "./environment-text.ts";
import { pythonNames, pythonOf } from "./python-facts.ts";

export interface EnvironmentNotesOptions extends EnvironmentTextsOptions {
  /** Variables of a run that are recorded besides those that can change results. */
  readonly allowedOf: (fence: Fence) => readonly string[];
  /** Rejects with "not_found" where the coordinator does not know an environment yet. */
  readonly send: (environments: readonly NotedEnvironment[]) => Promise<void>;
  /** What its registry calls the image that an attempt runs in; undefined where nobody tells. */
  readonly imageDigest: (image: string, dir: string) => Promise<string | undefined>;
  readonly monotonicMs: () => number;
  readonly logger: { debug(fields: object, message: string): void };
}

export interface StartedAttempt {
  readonly fence: Fence;
  readonly argv: readonly string[];
  readonly env: { readonly [name: string]: string };
  /** The Python that was asked for; undefined: the one that the command finds. */
  readonly python: string | undefined;
  /** It runs in a container of this image; `dir` is its own directory. */
  readonly container?: { readonly dir: string; readonly image: string };
}

export interface EnvironmentNotes {
  /** Returns at once. */
  add(attempt: StartedAttempt): void;
  close(): void;
}

type BatchEntry = NotedEnvironment & { readonly fence: Fence };

const GATHERING_MS = 300;
/** Runs alike that start within this time share one look at the host's programs and packages. */
const FRESH_MS = 1_000;
const AGAIN_MS = 5_000;
/** Untold ones that are kept; of more, the oldest are left out. */
const WAITING_MAX = 10_000;
/** Of one call: attempts, and characters of whole environments. */
const BATCH_MAX = 1_000;
const BATCH_CHARS_MAX = 1_000_000;
/** Hashes that are remembered as told. */
const TOLD_MAX = 10_000;
const FRESH_MAX = 64;

export function createEnvironmentNotes(options: EnvironmentNotesOptions): EnvironmentNotes {
  const { allowedOf, send, logger } = options;
  const textOf = createEnvironmentTexts(options);
  const waiting = new Map<Fence, EnvironmentText>();
  /** Hashes of those that the coordinator has. */
  const told = new Set<string>();
  const fresh = new Map<string, { readonly untilMs: number; readonly text: Promise<EnvironmentText> }>();
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  function find({ fence, argv, env, python, container }: StartedAttempt): Promise<EnvironmentText> {
    const allowed = allowedOf(fence);
    if (container) return findInside(container, env, allowed);
    const key = JSON.stringify([python ?? pythonNames(argv), surroundingsKey(env, allowed)]);
    const nowMs = options.monotonicMs();
    const before = fresh.get(key);
    if (before && nowMs < before.untilMs) return before.text;
    if (fresh.size >= FRESH_MAX) fresh.clear();
    const text = textOf(python ?? pythonOf(argv, env), env, allowed);
    fresh.set(key, { untilMs: nowMs + FRESH_MS, text });
    return text;
  }

  /** Its programs and packages are those of the image, of which only the name can be told from here. */
  async function findInside(
    { dir, image }: NonNullable<StartedAttempt["container"]>,
    env: StartedAttempt["env"],
    allowed: readonly string[],
  ): Promise<EnvironmentText> {
    const digest = await options.imageDigest(image, dir);
    const container = { image, engine: options.host.containerEngine, ...(digest !== undefined && { digest }) };
    return await textOf(undefined, env, allowed, container);
  }

  function later(ms: number): void {
    if (closed || waiting.size === 0) return;
    timer ??= setTimeout(() => void flush(), ms);
    timer.unref();
  }

  async function flush(): Promise<void> {
    const batch = nextBatch(waiting, told);
    let pause = GATHERING_MS;
    try {
      await send(batch);
      if (told.size >= TOLD_MAX) told.clear();
      for (const { hash } of batch) told.add(hash);
      for (const { fence } of batch) waiting.delete(fence);
    } catch (error) {
      // Another store, say: everything is told whole again.
      if (error instanceof AppError && error.code === "not_found") told.clear();
      else pause = AGAIN_MS;
      logger.debug({ error: errorMessage(error) }, "environments not told yet");
    }
    timer = undefined;
    later(pause);
  }

  async function look(attempt: StartedAttempt): Promise<void> {
    const environment = await find(attempt);
    const [oldest] = waiting.keys();
    if (waiting.size >= WAITING_MAX && oldest !== undefined) waiting.delete(oldest);
    waiting.set(attempt.fence, environment);
    later(GATHERING_MS);
  }

  return {
    add: (attempt) => {
      setImmediate(() => {
        look(attempt).catch((error: unknown) =>
          logger.debug({ error: errorMessage(error) }, "environment not found out"),
        );
      });
    },
    close: () => {
      closed = true;
      clearTimeout(timer);
    },
  };
}

/** What fits into one call: each environment whole where it was not told, and not twice. */
function nextBatch(waiting: ReadonlyMap<Fence, EnvironmentText>, told: ReadonlySet<string>): BatchEntry[] {
  const batch: BatchEntry[] = [];
  const whole = new Set<string>();
  let chars = 0;
  for (const [fence, { hash, text }] of waiting) {
    const isNew = !told.has(hash) && !whole.has(hash);
    if (isNew) chars += text.length;
    if (batch.length > 0 && (batch.length >= BATCH_MAX || chars > BATCH_CHARS_MAX)) break;
    whole.add(hash);
    batch.push({ fence, hash, environmentJson: isNew ? text : "" });
  }
  return batch;
}
