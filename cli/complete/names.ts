/**
 * Names that only the coordinator knows, within a time in which nobody notices the wait: from a small file where they are
 * fresh, else asked for, else from the file however old. Never fails: without an answer there is nothing to offer.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Client } from "../client.ts";
import type { Config } from "../config.ts";
import { loadContexts } from "../contexts.ts";
import { ERROR_HELP } from "../error-help.ts";
import { TOPICS } from "../help-topics.ts";
import { locate, type Target } from "../locate.ts";
import type { NameKind } from "../session.ts";
import type { Candidate } from "./wanted.ts";

const FRESH_MS = 5_000;
const SWEEPS_MAX = 50;
const RUNS_MAX = 200;

interface Known {
  readonly at: number;
  readonly sweeps: readonly { readonly ref: string; readonly total: number; readonly state: string }[];
  readonly nodes: readonly { readonly name: string; readonly state: string }[];
}

export async function namesOf(
  kind: Exclude<NameKind, "files">,
  config: Config,
  nowMs: number,
  typed: string,
  ref: string | undefined,
): Promise<Candidate[]> {
  try {
    switch (kind) {
      case "topics":
        return [...TOPICS.keys(), ...(typed.includes(".") ? Object.keys(ERROR_HELP) : [])].map(bare);
      case "contexts":
        return Object.entries((await loadContexts(config.contextsFile)).data.contexts).map(([value, { address }]) => ({
          value,
          summary: address,
        }));
      case "metrics":
        return ref === undefined ? [] : await metricsOf(config, ref);
      case "nodes":
        return (await known(config, nowMs)).nodes.map(({ name, state }) => ({ value: name, summary: state }));
      case "tokens":
        return await tokensOf(config);
      case "refs":
        return references((await known(config, nowMs)).sweeps, typed);
    }
  } catch {
    // There is nobody to tell: a shell would write it into the command line.
    return [];
  }
}

const bare = (value: string): Candidate => ({ value, summary: "" });

/** Sweeps; runs of a sweep once its name is typed with a dot after it. */
function references(sweeps: Known["sweeps"], typed: string): Candidate[] {
  const parent = sweeps.find(({ ref }) => typed.startsWith(`${ref}.`));
  if (!parent) return [...sweeps.map(({ ref, state }) => ({ value: ref, summary: state })), bare("last")];
  const runs: Candidate[] = [];
  for (let i = 1; i <= parent.total && runs.length < RUNS_MAX; i++) {
    const value = `${parent.ref}.${i}`;
    if (value.startsWith(typed)) runs.push(bare(value));
  }
  return runs;
}

async function known(config: Config, nowMs: number): Promise<Known> {
  const target = await locate(config);
  const directory = join(config.cacheDir, "complete");
  const file = join(directory, `${createHash("sha256").update(target.address).digest("hex").slice(0, 16)}.json`);
  const stored = read(file);
  if (stored && Math.abs(nowMs - stored.at) < FRESH_MS) return stored;
  const client = await connect(target, config);
  try {
    const [sweeps, nodes] = await Promise.all([client.listSweeps([], SWEEPS_MAX), client.listNodes()]);
    const fresh: Known = {
      at: nowMs,
      sweeps: sweeps.map(({ ref, total, state }) => ({ ref, total, state })).reverse(),
      nodes: nodes.map(({ name, state }) => ({ name, state })),
    };
    write(directory, file, fresh);
    return fresh;
  } catch (error) {
    if (stored) return stored;
    throw error;
  } finally {
    client.close();
  }
}

async function metricsOf(config: Config, ref: string): Promise<Candidate[]> {
  const target = await locate(config);
  const client = await connect(target, config);
  try {
    // Of a sweep, its first run knows them.
    const { run } = await client.getRun(ref).catch(() => client.getRun(`${ref}.1`));
    return Object.keys(run?.metrics ?? {})
      .sort()
      .map(bare);
  } finally {
    client.close();
  }
}

async function tokensOf(config: Config): Promise<Candidate[]> {
  const client = await connect(await locate(config), config);
  try {
    return (await client.listTokens()).map(({ name, role }) => ({ value: name, summary: role }));
  } finally {
    client.close();
  }
}

/** Loaded only where it is asked: it takes longer than the rest together. */
async function connect({ address, token }: Target, { completionMs }: Config): Promise<Client> {
  const { createClient } = await import("../client.ts");
  return createClient({ address, token, timeoutMs: completionMs });
}

/** Names and states are all that is kept, for this user alone. */
function write(directory: string, file: string, value: Known): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  writeFileSync(`${file}.${process.pid}`, JSON.stringify(value), { mode: 0o600 });
  renameSync(`${file}.${process.pid}`, file);
}

function read(file: string): Known | undefined {
  try {
    const value = JSON.parse(readFileSync(file, "utf8")) as Known;
    return Array.isArray(value.sweeps) && Array.isArray(value.nodes) && Number.isFinite(value.at) ? value : undefined;
  } catch {
    return undefined;
  }
}
