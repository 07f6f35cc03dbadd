/** A copy of an artifact: of one moment, of plain files only, and of nothing that is not the program's. */
import { execFileSync } from "node:child_process";
import { hash as hashOf } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { stage } from "../../../agent/artifacts/stage.ts";

let dir = "";
beforeEach(() => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), "exp-stage-")));
  mkdirSync(join(dir, "agent/runs/7"), { recursive: true });
  mkdirSync(join(dir, "work"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const staged = (source: string, within?: string, room = 1e9) =>
  stage({ source, within, workdir: join(dir, "agent"), own: join(dir, "agent/runs/7"), into: join(dir, "into"), room });

test("a file, by its hash", async () => {
  writeFileSync(join(dir, "work/a.pt"), "weights");
  const hash = hashOf("sha256", "weights", "hex");
  expect(await staged(join(dir, "work/a.pt"))).toMatchObject({ hash, folder: false, sizeBytes: 7, files: 1 });
  expect(readFileSync(join(dir, "into", hash), "utf8")).toBe("weights");
});

test("a folder, as a list of its files", async () => {
  mkdirSync(join(dir, "work/ckpt/sub"), { recursive: true });
  writeFileSync(join(dir, "work/ckpt/a"), "1");
  writeFileSync(join(dir, "work/ckpt/sub/b"), "22");
  const result = await staged(join(dir, "work/ckpt"));
  expect(result).toMatchObject({ folder: true, sizeBytes: 3, files: 2 });
  expect("hash" in result && readFileSync(join(dir, "into", result.hash), "utf8")).toContain('"sub/b"');
});

test.each([
  ["the agent's own", () => "agent/token", "it is a file of the agent's own"],
  ["a link to the agent's own", () => link("agent/token", "work/innocent.pt"), "it is a file of the agent's own"],
  ["another run's", () => "agent/runs/8/secret", "it is a file of the agent's own"],
  ["a pipe", () => pipe("work/pipe"), "it is no plain file"],
  ["nothing", () => "work/absent", "it is not there any more"],
])("%s is not read", async (_, make, problem) => {
  writeFileSync(join(dir, "agent/token"), "secret");
  mkdirSync(join(dir, "agent/runs/8"), { recursive: true });
  writeFileSync(join(dir, "agent/runs/8/secret"), "secret");
  expect(await staged(join(dir, make()))).toEqual({ problem, again: "never" });
});

test("no link leads out of where a glob looks, nor out of a folder", async () => {
  writeFileSync(join(dir, "outside"), "secret");
  link("outside", "work/x.pt");
  expect(await staged(join(dir, "work/x.pt"), join(dir, "work"))).toMatchObject({
    problem: "a link leads out of its folder",
  });
  expect(await staged(join(dir, "work"))).toMatchObject({ problem: "a link leads out of its folder" });
});

test("without room on the disk it waits", async () => {
  writeFileSync(join(dir, "work/a.pt"), "weights");
  expect(await staged(join(dir, "work/a.pt"), undefined, 3)).toMatchObject({ again: "room" });
});

function link(target: string, name: string): string {
  symlinkSync(join(dir, target), join(dir, name));
  return name;
}

function pipe(name: string): string {
  execFileSync("mkfifo", [join(dir, name)]);
  return name;
}
