/** `exp pull`: what runs keep of their files, into a directory. */
import { resolve } from "node:path";
import { matchesGlob } from "../../shared/expression/glob.ts";
import { formatBytes } from "../../shared/kernel/bytes.ts";
import { AppError } from "../../shared/kernel/errors.ts";
import { type ArtifactView, artifactBaseName, artifactPath } from "../../shared/run/artifacts.ts";
import { EXIT } from "../exit-codes.ts";
import { filesOf, type PulledFile, pullFiles } from "../pull.ts";
import { escapeControl, plural } from "../render/text.ts";
import type { Command } from "../session.ts";

const STEPS = 10_000;

export const pull: Command = {
  options: {
    to: { describe: "directory, made where it is not there [REF-files]" },
    attempt: { describe: "only of this attempt [all; the last one counts]" },
    kind: { describe: "only of this kind, such as checkpoint" },
    force: { describe: "write over other files that are there", type: "flag" },
  },
  examples: [
    ["exp pull digits.1.4", "everything that the run keeps"],
    ["exp pull digits.1.4 '*.pt' --to ./models", "what has such a name"],
    ["exp pull digits.1.4 --kind checkpoint", "its checkpoints"],
  ],
  async run(session, args) {
    const ref = args.required("ref");
    const pattern = args.text("pattern");
    const kind = args.text("kind");
    const client = await session.connect();
    const all = await client.listArtifacts(ref, args.integer("attempt", 1) ?? 0);
    const chosen = all.filter((one) => (kind === undefined || one.kind === kind) && fits(one, pattern));
    const there = chosen.filter(({ state }) => state === "stored");
    const pending = chosen.filter(({ state }) => state === "pending");
    if (there.length === 0) throw nothingThere(ref, all, pending);
    const isOne = new Set(all.map(({ run }) => run)).size === 1;
    const directory = resolve(session.config.cwd, args.text("to") ?? `${ref}-files`);
    const files = await filesOf(client, there, (run) => (isOne ? "" : `${run}/`));
    const { written, unchanged } = await pullFiles(client, files, directory, args.flag("force"));
    const waiting = pending.map(({ run, name, node }) => ({ run, name, node }));
    const lines = [
      `${plural(written.length, "file")} (${formatBytes(bytesOf(written))}) in ${directory}`,
      ...(unchanged.length > 0 ? [`${plural(unchanged.length, "file")} were there already`] : []),
      ...waiting.map(({ name, node }) => `still on its way from ${node}: ${escapeControl(name)}`),
    ];
    const json = { directory, written, unchanged, pending: waiting };
    await session.out.single({ json, lines, name: directory });
    return EXIT.ok;
  },
};

/** By its whole name, its last part, or its place. */
function fits(artifact: ArtifactView, pattern: string | undefined): boolean {
  if (pattern === undefined) return true;
  const names = [artifact.name, artifactBaseName(artifact.name), artifactPath(artifact)];
  return names.some((name) => matchesGlob(name, pattern, STEPS) === true);
}

function bytesOf(files: readonly PulledFile[]): number {
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
