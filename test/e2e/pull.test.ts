/** `exp pull` on a real fleet: hostile names, folders, other files in the way, and what is shown of it. */
import { existsSync, readdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ArtifactView } from "../../shared/run/artifacts.ts";
import { type Fleet, startFleet } from "../helpers/fleet.ts";
import { waitUntil } from "../helpers/wait-until.ts";

const PROGRAM = `
import os, expfleet as exp
here = os.environ["EXP_RUN_DIR"]
def put(name, text):
    path = os.path.join(here, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)
    return path
exp.artifact(put("one.txt", "one"), name="../../../../outside.txt")
exp.artifact(put("two.txt", "two"), name="-rf\\n\\u202e<img src=x onerror=pwn()>")
exp.artifact("/proc/self/environ", name="environment")
put("ckpt/a.bin", "a" * 100000)
put("ckpt/sub/b.bin", "b")
exp.checkpoint(os.path.join(here, "ckpt"), step=3)
print("all kept")
`;

let fleet: Fleet;
let artifacts: ArtifactView[] = [];
beforeAll(async () => {
  fleet = await startFleet({ agents: 1, cpuSlots: 1 });
  const file = join(fleet.dir, "keep.py");
  writeFileSync(file, PROGRAM);
  await fleet.submit(`name = "keep"\nrun.command = ${JSON.stringify(["python3", file])}`);
  const [run] = await fleet.done("keep.1", 60_000);
  expect(run?.state).toBe("succeeded");
  await waitUntil(
    "the artifacts are settled",
    async () => {
      artifacts = await fleet.api<ArtifactView[]>("/runs/keep.1.1/artifacts");
      return artifacts.length === 4 && artifacts.every(({ state }) => state !== "pending");
    },
    { boundMs: 30_000, seen: () => artifacts },
  );
}, 120_000);
afterAll(() => fleet?.[Symbol.asyncDispose](), 60_000);

test("names are made harmless, and what is no file is left out with its reason", () => {
  expect(artifacts.map(({ name, state }) => [name, state])).toEqual([
    ["outside.txt", "stored"],
    ["_rf__<img src=x onerror=pwn()>", "stored"],
    ["environment", "failed"],
    ["ckpt", "stored"],
  ]);
  expect(artifacts[0]?.reason).toContain("the program called it");
  expect(artifacts[2]?.reason).toBe("it is no plain file");
});

test("pull puts everything below its directory, once", async () => {
  const to = join(fleet.dir, "pulled");
  const first = await fleet.exp("pull", "keep.1.1", "--to", to);
  expect([first.code, first.stderr]).toEqual([0, ""]);
  const files = () => readdirSync(to, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  expect(files().length).toBe(4);
  expect(readFileSync(join(to, "artifacts/outside.txt"), "utf8")).toBe("one");
  expect(readFileSync(join(to, "checkpoints/step-3/ckpt/sub/b.bin"), "utf8")).toBe("b");
  expect(existsSync(join(fleet.dir, "outside.txt"))).toBe(false);
  expect((await fleet.exp("pull", "keep.1.1", "--to", to)).stdout).toContain("4 files were there already");

  writeFileSync(join(to, "artifacts/outside.txt"), "mine");
  const refused = await fleet.exp("pull", "keep.1.1", "--to", to);
  expect(refused.code).not.toBe(0);
  expect(refused.stderr).toContain("another file");
  expect(readFileSync(join(to, "artifacts/outside.txt"), "utf8")).toBe("mine");
  expect((await fleet.exp("pull", "keep.1.1", "outside*", "--to", to, "--force")).code).toBe(0);
  expect(readFileSync(join(to, "artifacts/outside.txt"), "utf8")).toBe("one");
});

test("a dry run says what would come, and writes nothing; the output comes with --log", async () => {
  const to = join(fleet.dir, "told");
  const told = await fleet.exp("pull", "keep.1.1", "--log", "--dry-run", "--to", to);
  expect([told.code, told.stdout.trimEnd().split("\n").slice(-2)]).toEqual([
    0,
    ["output  output.log", `5 files (100kB and output) would go to ${to}`],
  ]);
  expect(existsSync(to)).toBe(false);

  const pulled = await fleet.exp("pull", "keep.1.1", "outside*", "--log", "--to", to, "--json");
  expect(JSON.parse(pulled.stdout)).toMatchObject({
    written: [{ path: "artifacts/outside.txt" }],
    logs: [{ path: "output.log", bytes: 9, incomplete: "" }],
  });
  expect(readFileSync(join(to, "output.log"), "utf8")).toBe("all kept\n");
  const again = await fleet.exp("pull", "keep.1.1", "--log", "--dry-run", "--to", to, "--json");
  const { wouldWrite, unchanged } = JSON.parse(again.stdout) as { wouldWrite: unknown[]; unchanged: unknown[] };
  expect([wouldWrite.length, unchanged.length]).toEqual([3, 1]);

  // The beginning of the output is gone on with, anything else is somebody's file.
  writeFileSync(join(to, "output.log"), "all");
  expect((await fleet.exp("pull", "keep.1.1", "outside*", "--log", "--to", to)).code).toBe(0);
  expect(readFileSync(join(to, "output.log"), "utf8")).toBe("all kept\n");
  writeFileSync(join(to, "output.log"), "mine");
  const refused = await fleet.exp("pull", "keep.1.1", "--log", "--to", to);
  expect([refused.code === 0, refused.stderr]).toEqual([false, expect.stringContaining("another file")]);
  expect(readFileSync(join(to, "output.log"), "utf8")).toBe("mine");
  expect((await fleet.exp("pull", "keep.1.1", "--log", "--force", "--to", to)).code).toBe(0);
  expect(readdirSync(to).sort()).toEqual(["artifacts", "checkpoints", "output.log"]);
});

test("a link in the target is not followed; a broken-off file goes on", async () => {
  const to = join(fleet.dir, "linked");
  expect((await fleet.exp("pull", "keep.1.1", "--kind", "checkpoint", "--to", to)).code).toBe(0);
  const file = join(to, "checkpoints/step-3/ckpt/a.bin");
  const part = join(to, "checkpoints/step-3/ckpt/.a.bin.exp-part");
  writeFileSync(part, readFileSync(file));
  truncateSync(part, 40_000);
  rmSync(file);
  expect((await fleet.exp("pull", "keep.1.1", "ckpt", "--to", to)).code).toBe(0);
  expect(readFileSync(file, "utf8")).toBe("a".repeat(100_000));
  expect(existsSync(part)).toBe(false);

  symlinkSync(fleet.dir, join(to, "artifacts"));
  const { code, stderr } = await fleet.exp("pull", "keep.1.1", "outside.txt", "--to", to, "--force");
  expect(code).not.toBe(0);
  expect(stderr).toContain("it is no directory");
  expect(existsSync(join(fleet.dir, "outside.txt"))).toBe(false);
});

test("a browser gets a file to save, and a part of it", async () => {
  const token = readFileSync(fleet.tokenFile, "utf8").trim();
  const get = (headers: Record<string, string>) =>
    fetch(`http://${fleet.http}/api/v1/runs/keep.1.1/artifacts/${artifacts[1]?.id}`, {
      headers: { authorization: `Bearer ${token}`, ...headers },
    });
  const whole = await get({});
  expect(whole.headers.get("content-disposition")).toMatch(/^attachment; filename\*=UTF-8''_rf__%3Cimg/);
  expect(whole.headers.get("x-content-type-options")).toBe("nosniff");
  expect(whole.headers.get("content-type")).toBe("application/octet-stream");
  expect(await whole.text()).toBe("two");
  const part = await get({ range: "bytes=1-" });
  expect([part.status, part.headers.get("content-range"), await part.text()]).toEqual([206, "bytes 1-2/3", "wo"]);
});

test("exp show lists them", async () => {
  const { stdout } = await fleet.exp("show", "keep.1.1");
  expect(stdout).toMatch(/artifacts\n {2}1 {2}file {2}outside\.txt {2}3B/);
  expect(stdout).toContain("failed  it is no plain file");
});
