/**
 * [P] Where the code of a sweep came from, and what its runs ran on: what is recorded so that a result can be explained and
 * repeated. Made once at submit (origin) and once for each surroundings that a host offers (environment).
 */

/** The code as it lay when the sweep was submitted. */
export interface CodeOrigin {
  /** Absolute directory that the code lies in: of the git work tree, else that of the sweep file. */
  readonly root: string;
  /** Null outside of git. */
  readonly git: GitOrigin | null;
  /** Why there is less than one would expect; null where all is there. */
  readonly problem: string | null;
}

export interface GitOrigin {
  /** Null before the first commit. */
  readonly commit: string | null;
  /** Null for a detached head. */
  readonly branch: string | null;
  /** Without user names and passwords; null where there is none. */
  readonly remote: string | null;
  /** What differs from the commit, as `git diff` writes it; cut at a bound. */
  readonly diff: string;
  /** Bytes of the whole difference. */
  readonly diffBytes: number;
  /** Files that git does not know and does not ignore, the first of them. */
  readonly untracked: readonly string[];
  readonly untrackedCount: number;
}

/** The snapshot that runs of a sweep start from. */
export interface CodeSnapshot {
  /** Hash of its text. */
  readonly hash: string;
  /** Directory that it was taken of: what a command has below it, it finds in the snapshot. */
  readonly root: string;
}

/** What the runs of a host ran on. Equal for many: nothing of a single run is in it. */
export interface RunEnvironment {
  readonly python: {
    readonly executable: string;
    readonly version: string;
    readonly implementation: string;
  } | null;
  /** "name==version", sorted. */
  readonly packages: readonly string[];
  readonly host: { readonly [fact: string]: string | number };
  /** Absent for runs on the host itself. Of what is in the image nothing else is known here. */
  readonly container?: {
    readonly image: string;
    /** Such as "docker 28.2.2". */
    readonly engine: string;
    /** What its registry calls it, "python@sha256:…"; absent where the engine does not tell. */
    readonly digest?: string;
  };
  /** Variables of a list of names that can change results. */
  readonly variables: { readonly [name: string]: string };
  /** Why there is less than one would expect; null where all is there. */
  readonly problem: string | null;
}

/** The same of one attempt. */
export interface AttemptEnvironment {
  /** Its number, from 1. */
  readonly attempt: number;
  readonly environment: RunEnvironment;
}

/** Name and version of one of the packages; the version is empty where none is said. */
export function packageOf(line: string): readonly [name: string, version: string] {
  const at = line.indexOf("==");
  return at < 0 ? [line, ""] : [line.slice(0, at), line.slice(at + 2)];
}

/** An address of a repository without what lets somebody in: no password, and no user but that of ssh. */
export function withoutCredentials(remote: string): string {
  const plain = remote.replace(/([?&](?:access_token|private_token|token|password)=)[^&#]*/gi, "$1");
  const [, scheme = "", authority = "", rest = ""] = /^([a-z][a-z0-9+.-]*:\/\/)([^/]*)(.*)$/is.exec(plain) ?? [];
  if (scheme === "") return plain;
  const at = authority.lastIndexOf("@");
  const user = /^(?:git\+)?ssh:/i.test(scheme) ? authority.slice(0, Math.max(at, 0)).replace(/:.*$/s, "") : "";
  return `${scheme}${user === "" ? "" : `${user}@`}${authority.slice(at + 1)}${rest}`;
}
