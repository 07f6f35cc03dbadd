/** `exp pull`: what runs keep of their files, and their output, into a directory. */
import { resolve } from "node:path";
import { matchesGlob } from "../../shared/expression/glob.ts";
import { formatBytes } from "../../shared/kernel/bytes.ts";
import { AppError } from "../../shared/kernel/errors.ts";
import {
  type ArtifactView,
  artifactBaseName,
  artifactPath,
  CHECKPOINT_KIND,
  FILE_KIND,
} from "../../shared/run/artifacts.ts";
import type { Client } from "../client.ts";
import { EXIT } from "../exit-codes.ts";
import { filesOf, type PulledFile, pullFiles, type SortedFiles, sortFiles } from "../pull.ts";
import { LOG_NAME, type PulledLog, pullLog } from "../pull-log.ts";
import { escapeControl, plural } from "../render/text.ts";
import type { Command, Session } from "../session.ts";

const STEPS = 10_000;

export const pull: Command = {
  options: {
    to: { describe: "directory, made where it is not there [REF-files]", values: "files" },
    attempt: { describe: "only of this attempt [all; the last one counts]" },
    kind: { describe: "only of this kind, such as checkpoint", values: [CHECKPOINT_KIND, FILE_KIND] },
    log: { describe: `also the output of each run, as ${LOG_NAME}`, type: "flag" },
    "dry-run": { describe: "only say what would be fetched", type: "flag" },
    force: { describe: "write over other files that are there", type: "flag" },
  },
  examples: [
    ["exp pull digits.1.4", "everything that the run keeps"],
    ["exp pull digits.1.4 '*.pt' --to ./models", "what has such a name"],
    ["exp pull digits.1.4 --kind checkpoint", "its checkpoints"],
    ["exp pull digits.1 --log --dry-run", "what would be fetched of the whole sweep, output included"],
  ],
  async run(session, args) {
    const ref = args.required("ref");
    const pattern = args.text("pattern");
    const kind = args.text("kind");
    const client = await session.connect();
    const attempt = args.integer("attempt", 1) ?? 0;
    const all = await client.listArtifacts(ref, attempt);
    const chosen = all.filter((one) => (kind === undefined || one.kind === kind) && fits(one, pattern));
    const there = chosen.filter(({ state }) => state === "stored");
    const pending = chosen.filter(({ state }) => state === "pending");
    const runs = args.flag("log") ? await runsWithOutput(client, ref) : [];
    if (there.length === 0 && runs.length === 0) throw nothingThere(ref, all, pending);
    const isOne = new Set([...all.map(({ run }) => run), ...runs]).size === 1;
    const directory = resolve(session.config.cwd, args.text("to") ?? `${ref}-files`);
    const folderOf = (run: string) => (isOne ? "" : `${run}/`);
    const files = await filesOf(client, there, folderOf);
    const waiting = pending.map(({ run, name, node }) => ({ run, name, node }));
    if (args.flag("dry-run")) {
      const logs = runs.map((run) => `${folderOf(run)}${LOG_NAME}`);
      return await foretell(session, { directory, ...(await sortFiles(files, directory)), logs, pending: waiting });
    }
    const force = args.flag("force");
    const { written, unchanged } = await pullFiles(client, files, directory, { force, counting: session.counting });
    const logs: PulledLog[] = [];
    for (const run of runs) {
      const place = { directory, path: `${folderOf(run)}${LOG_NAME}`, attempt, force };
      logs.push(await pullLog(client, run, place));
    }
    const lines = [
      `${plural(written.length + logs.length, "file")} (${formatBytes(bytesOf([...written, ...logs]))}) in ${directory}`,
      ...(unchanged.length > 0 ? [`${plural(unchanged.length, "file")} were there already`] : []),
      ...waiting.map(waitingLine),
      ...logs.flatMap(({ path, incomplete }) =>
        incomplete === "" ? [] : `${path} is incomplete: ${escapeControl(incomplete)}`,
      ),
    ];
    const json = { directory, written, unchanged, logs, pending: waiting };
    await session.out.single({ json, lines, name: directory });
    return EXIT.ok;
  },
};

/** One that never began has none. */
async function runsWithOutput(client: Client, ref: string): Promise<string[]> {
  const runs = await client.listRuns({ refs: [ref], where: "" });
  return runs.filter((run) => run.attempt > 0).map((run) => run.ref);
}

interface Waiting {
  readonly run: string;
  readonly name: string;
  readonly node: string;
}

interface Foretold extends SortedFiles {
  readonly directory: string;
  /** Paths. */
  readonly logs: readonly string[];
  readonly pending: readonly Waiting[];
}

/** A line for each file that would come. */
async function foretell(session: Session, foretold: Foretold): Promise<number> {
  const { directory, wanted, unchanged, inTheWay, logs, pending } = foretold;
  const notes = new Map(inTheWay.map((file) => [file, "  another file is there: --force writes over it"]));
  const lines = [
    ...wanted.map((file) => `${formatBytes(file.bytes)}  ${escapeControl(file.path)}${notes.get(file) ?? ""}`),
    ...logs.map((path) => `output  ${path}`),
    `${plural(wanted.length + logs.length, "file")} (${formatBytes(bytesOf(wanted))}${logs.length > 0 ? " and output" : ""}) would go to ${directory}`,
    ...(unchanged.length > 0 ? [`${plural(unchanged.length, "file")} are there already`] : []),
    ...pending.map(waitingLine),
  ];
  const json = { directory, wouldWrite: wanted, inTheWay, unchanged, logs, pending };
  await session.out.single({ json, lines, name: directory });
  return EXIT.ok;
}

function waitingLine({ name, node }: Waiting): string {
  return `still on its way from ${node}: ${escapeControl(name)}`;
}

/** By its whole name, its last part, or its place. */
function fits(artifact: ArtifactView, pattern: string | undefined): boolean {
  if (pattern === undefined) return true;
  const names = [artifact.name, artifactBaseName(artifact.name), artifactPath(artifact)];
  return names.some((name) => matchesGlob(name, pattern, STEPS) === true);
}

function bytesOf(files: readonly Pick<PulledFile, "bytes">[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}

function nothingThere(ref: string, all: readonly ArtifactView[], pending: readonly ArtifactView[]): AppError {
  const [first] = pending;
  if (first) {
    return new AppError(
      "unavailable",
      `${plural(pending.length, "file")} of ${ref} still on the way from ${first.node}`,
      {
        id: "pull.pending",
        hint: `exp show ${first.run} says how far they are`,
      },
    );
  }
  const kept = all.filter(({ state }) => state === "stored");
  if (kept.length === 0) {
    return new AppError("not_found", `${ref} keeps no files`, {
      id: "pull.none",
      hint: "exp.artifact(), exp.checkpoint() and [capture] artifacts keep some; exp logs and exp export give the rest",
    });
  }
  const names = [...new Set(kept.map(({ name }) => escapeControl(name)))].slice(0, 5).join(", ");
  return new AppError("not_found", `${ref} keeps nothing of that name`, { id: "pull.none", hint: `it keeps ${names}` });
}
