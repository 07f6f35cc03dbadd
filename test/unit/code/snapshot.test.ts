/** What a snapshot may hold: nothing that is laid out can lie, or lead, outside of its directory. */
import { expect, test } from "vitest";
import { withoutCredentials } from "../../../shared/run/provenance.ts";
import {
  linkProblem,
  parseSnapshot,
  type SnapshotEntry,
  snapshotHash,
  snapshotText,
} from "../../../shared/run/snapshot.ts";

const SHA = "a".repeat(64);
const file = (path: string, executable = false): SnapshotEntry => ({
  kind: "file",
  path,
  sha256: SHA,
  bytes: 3,
  executable,
});
const link = (path: string, target: string): SnapshotEntry => ({ kind: "link", path, target });

test("a snapshot is the same whatever the order, and comes back as it was", () => {
  const entries = [file("train.py"), file("bin/run.sh", true), link("latest", "bin/run.sh"), file('ä/x\n"y.txt')];
  const text = snapshotText(entries);
  expect(snapshotText(entries.toReversed())).toBe(text);
  expect(parseSnapshot(text)).toEqual(entries.toSorted((a, b) => (a.path < b.path ? -1 : 1)));
  expect(snapshotHash(text)).toMatch(/^[0-9a-f]{64}$/);
  expect(parseSnapshot("")).toEqual([]);
});

test.each([
  ["an absolute path", snapshotText([file("/etc/passwd")]), '"/etc/passwd" is no path within the code'],
  ["a path that climbs", snapshotText([file("a/../../x")]), '"a/../../x" is no path within the code'],
  ["an empty part", snapshotText([file("a//b")]), '"a//b" is no path within the code'],
  ["a zero byte", snapshotText([file("a\0b")]), '"a\\u0000b" is no path within the code'],
  ["a path twice", snapshotText([file("a"), file("a")]), '"a" is there twice'],
  ["a file below a link", snapshotText([link("a", "b"), file("a/x")]), '"a/x" is there twice'],
  ["a link where a folder is", snapshotText([file("a/x")]) + snapshotText([link("a", "b")]), '"a" is there twice'],
  ["a link outside", snapshotText([link("a", "/etc")]), '"a" points outside of the code: /etc'],
  ["no JSON", "x\n", "a line of another form: x"],
  ["another kind", '["h","a","b"]\n', 'a line of another form: ["h","a","b"]'],
  ["a hash of another length", '["f","a","b",1]\n', 'a line of another form: ["f","a","b",1]'],
  ["a negative size", `["f","a","${SHA}",-1]\n`, `a line of another form: ["f","a","${SHA}",-1]`],
])("refused: %s", (_what, text, problem) => {
  expect(parseSnapshot(text)).toEqual({ problem });
});

test.each([
  ["a", "b", true],
  ["a", "./b/c", true],
  ["d/a", "../b", true],
  ["d/e/a", "../../b", true],
  ["d/a", "..", true],
  ["d/a", "../../b", false],
  ["a", "..", false],
  ["a", "/b", false],
  // Behind another link ".." is somewhere else than it says.
  ["d/a", "up/../x", false],
  ["a", "", false],
])("the link %s -> %s stays inside: %s", (path, target, inside) => {
  expect(linkProblem(path, target) === undefined).toBe(inside);
});

test.each([
  ["https://me:secret@github.com/a/b.git", "https://github.com/a/b.git"],
  ["https://secret@github.com/a/b", "https://github.com/a/b"],
  ["https://a@b:secret@host/x", "https://host/x"],
  ["ssh://git:secret@host:22/x", "ssh://git@host:22/x"],
  ["git@github.com:a/b.git", "git@github.com:a/b.git"],
  ["https://host/a?private_token=secret&x=1", "https://host/a?private_token=&x=1"],
  ["/srv/git/x.git", "/srv/git/x.git"],
])("the remote %s without what lets somebody in", (remote, shown) => {
  expect(withoutCredentials(remote)).toBe(shown);
});
