/**
 * [P] What runs keep of their files: the words that host, coordinator and command line share. An artifact is a file, or a
 * folder whose files are listed as in a snapshot of code (snapshot.ts). Its name is a path of plain names, whatever the
 * program called it: it can be laid out below any directory and touches nothing outside of it.
 */

/** pending: at its host, on its way. stored: whole at the coordinator. failed: it will not come. removed: it was let go. */
export const ARTIFACT_STATES = ["pending", "stored", "failed", "removed"] as const;
export type ArtifactState = (typeof ARTIFACT_STATES)[number];

/** The kind that a later attempt goes on from. Other kinds are words of the program. */
export const CHECKPOINT_KIND = "checkpoint";
export const FILE_KIND = "file";

/** Of one attempt; further ones are left out, and said so. */
export const ARTIFACTS_PER_ATTEMPT_MAX = 10_000;
/** Files of one folder. */
export const ARTIFACT_FILES_MAX = 10_000;
/** Bytes of one artifact. */
export const ARTIFACT_BYTES_MAX = 256 * 1024 * 1024 * 1024;
/** Globs of one sweep file. */
export const ARTIFACT_GLOBS_MAX = 50;
/** UTF-8 bytes of a name, and of one part of it: what file systems take. */
export const ARTIFACT_NAME_BYTES_MAX = 800;
const PART_BYTES_MAX = 200;

/** What is known of the content of an artifact. */
export interface ArtifactContent {
  /** SHA-256 of the file, or of the list of the folder's files. */
  readonly hash: string;
  readonly folder: boolean;
  /** Of all files. */
  readonly sizeBytes: number;
  readonly files: number;
}

/** What a later attempt goes on from. */
export interface ResumePoint {
  readonly hash: string;
  readonly folder: boolean;
  /** One plain name. */
  readonly name: string;
  /** Attempt that left it. */
  readonly attempt: number;
  /** Its number within the attempt. */
  readonly seq: number;
  readonly step: number | undefined;
}

/** GET and PUT /contents/HASH */
export interface ContentAnswer {
  /** Bytes of it that are there. */
  readonly received: number;
  /** It is there, and is what its name says. */
  readonly whole: boolean;
}

/** An artifact as people and programs see it. Times are Unix milliseconds. */
export interface ArtifactView {
  readonly id: number;
  readonly run: string;
  readonly attempt: number;
  readonly node: string;
  readonly name: string;
  readonly kind: string;
  readonly step: number | null;
  readonly folder: boolean;
  readonly sizeBytes: number;
  readonly files: number;
  /** Empty while it is not known. */
  readonly hash: string;
  readonly state: ArtifactState;
  /** Why it is not there, or what is unusual about it; empty where there is nothing to say. */
  readonly reason: string;
  readonly at: number;
  /** Below the run's results directory; empty where it is not there. */
  readonly path: string;
}

/**
 * A text as the name of an artifact: "/" and "\" part it, ways up and down are left out, and so is what no file name
 * should hold: control characters, marks that turn the direction of writing, a "-" that reads as an option. Never empty.
 */
export function artifactName(text: string): string {
  const parts = text
    .split(/[/\\]+/)
    .map(plainPart)
    .filter((part) => part !== "");
  const name = parts.join("/");
  if (name === "") return "unnamed";
  return bytesOf(name) <= ARTIFACT_NAME_BYTES_MAX ? name : (parts.at(-1) ?? "unnamed");
}

/** True for what `artifactName` gives: whoever receives a name checks it again. */
export function isArtifactName(text: string): boolean {
  return text !== "" && artifactName(text) === text;
}

/** The last part of a name. */
export function artifactBaseName(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}

/** Lower-case letters, digits and dashes; "file" where nothing is left. */
export function artifactKind(text: string): string {
  const kind = text
    .toLowerCase()
    .replace(/[^a-z0-9_.-]+/g, "-")
    .replace(/^[-.]+|[-.]+$/g, "");
  return kind.slice(0, 40) || FILE_KIND;
}

/** Where an artifact lies below the results directory of its run. Those of the same place replace each other. */
export function artifactPath(artifact: Pick<ArtifactView, "name" | "kind" | "step">): string {
  if (artifact.kind !== CHECKPOINT_KIND) return `artifacts/${artifact.name}`;
  return artifact.step === null ? `checkpoints/${artifact.name}` : `checkpoints/step-${artifact.step}/${artifact.name}`;
}

function plainPart(part: string): string {
  const plain = part
    .toWellFormed()
    .replace(/[\p{C}\u2028\u2029\ufffd]/gu, "_")
    .trim()
    .replace(/^-+/, "_");
  if (plain === "." || plain === ".." || plain === "") return "";
  return cutBytes(plain, PART_BYTES_MAX);
}

/** The end stays: it tells the kind of a file. */
function cutBytes(text: string, bytesMax: number): string {
  let rest = text;
  while (bytesOf(rest) > bytesMax) rest = [...rest].slice(Math.max(1, Math.ceil(rest.length / 16))).join("");
  return rest.replace(/^-+/, "_");
}

/** In UTF-8. */
function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length;
}
