/** [P] Where a run came from and what it ran on, in lines. */
import type { CodeOrigin, CodeSnapshot, RunEnvironment } from "../../shared/run/provenance.ts";
import { plural } from "./text.ts";

/** Characters of a hash that are shown. */
const HASH_CHARS = 12;

/** "0123456789ab on trunk, not committed: 2 files edited, 1 new; in /home/me/project" */
export function codeText({ root, git, problem }: CodeOrigin): string {
  if (git === null) return `${root}, which is in no git repository`;
  const commit = git.commit === null ? "no commit yet" : shortHash(git.commit);
  const edited = editedFiles(git.diff).length;
  const more = git.diffBytes > Buffer.byteLength(git.diff) ? " or more" : "";
  const open = [
    edited === 0 ? "" : `${plural(edited, "file")}${more} edited`,
    git.untrackedCount === 0 ? "" : `${git.untrackedCount} new`,
  ].filter((text) => text !== "");
  const words = [
    `${commit}${git.branch === null ? "" : ` on ${git.branch}`}`,
    open.length === 0 ? "" : `not committed: ${open.join(", ")}`,
    `in ${root}`,
    problem ?? "",
  ];
  return words.filter((text) => text !== "").join("; ");
}

export function snapshotText({ hash, root }: CodeSnapshot): string {
  return `${shortHash(hash)} of ${root}`;
}

/** "3.12.1 /opt/venv/bin/python, 120 packages" */
export function pythonText({ python, packages, problem }: RunEnvironment): string {
  if (python === null) return problem ?? "";
  return `${python.version} ${python.executable}, ${plural(packages.length, "package")}`;
}

/** "python:3.12, python@sha256:…, by docker 28.2.2"; what is known of it before it has run is its name. */
export function imageText(image: string | null, ran: RunEnvironment | undefined): string {
  if (image === null) return "";
  const { digest = "", engine = "" } = ran?.container ?? {};
  return [image, digest, engine && `by ${engine}`].filter((text) => text !== "").join(", ");
}

/** Paths of the files that a difference is about. */
export function editedFiles(diff: string): string[] {
  return [...diff.matchAll(/^diff --git a\/.* b\/(.*)$/gm)].map((match) => match[1] ?? "");
}

export function shortHash(hash: string): string {
  return hash.slice(0, HASH_CHARS);
}
