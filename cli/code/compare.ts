/** Which files of two snapshots differ, and how, from the contents that the coordinator keeps. */
import type { SnapshotEntry } from "../../shared/run/snapshot.ts";
import type { Client } from "../client.ts";
import type { FileDifference } from "../render/comparison.ts";
import { unifiedDiff } from "../render/unified-diff.ts";
import { readContent, readSnapshot } from "./restore.ts";

/** Larger files are only named. */
const TEXT_BYTES_MAX = 512 * 1024;
/** Further files are only named. */
const TEXTS_MAX = 100;

export async function compareCode(client: Client, before: string, after: string): Promise<FileDifference[]> {
  if (before === after) return [];
  const [old, now] = [await entriesOf(client, before), await entriesOf(client, after)];
  const found: FileDifference[] = [];
  let texts = 0;
  for (const path of [...new Set([...old.keys(), ...now.keys()])].sort()) {
    const [was, is] = [old.get(path), now.get(path)];
    if (isSame(was, is)) continue;
    const change = was === undefined ? "added" : is === undefined ? "removed" : "changed";
    texts += 1;
    found.push({ path, change, diff: texts <= TEXTS_MAX ? await textDiff(client, path, was, is) : null });
  }
  return found;
}

async function entriesOf(client: Client, hash: string): Promise<Map<string, SnapshotEntry>> {
  return new Map((await readSnapshot(client, hash)).map((entry) => [entry.path, entry]));
}

function isSame(was: SnapshotEntry | undefined, is: SnapshotEntry | undefined): boolean {
  return JSON.stringify(was) === JSON.stringify(is);
}

async function textDiff(
  client: Client,
  path: string,
  was: SnapshotEntry | undefined,
  is: SnapshotEntry | undefined,
): Promise<string[] | null> {
  const [before, after] = [await textOf(client, was), await textOf(client, is)];
  if (before === null || after === null) return null;
  return unifiedDiff(before, after, [was ? `a/${path}` : "/dev/null", is ? `b/${path}` : "/dev/null"]);
}

/** Null for what is no text. */
async function textOf(client: Client, entry: SnapshotEntry | undefined): Promise<string | null> {
  if (entry === undefined) return "";
  if (entry.kind === "link") return `link to ${entry.target}\n`;
  if (entry.bytes > TEXT_BYTES_MAX) return null;
  const content = await readContent(client, entry.sha256);
  return content.includes(0) ? null : content.toString();
}
