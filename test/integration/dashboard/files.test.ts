/** Files of runs over real HTTP: listed, saved, and nothing else. */
import { execFileSync } from "node:child_process";
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { HttpServer } from "../../../coordinator/http/server.ts";
import { runDirectory } from "../../../coordinator/results/run-directory.ts";
import type { FilesAnswer } from "../../../shared/run/dashboard.ts";
import { createReadStore, type ReadStore, startHttp } from "../coordinator-read/fixture.ts";
import { ask } from "./http-client.ts";

let store: ReadStore;
let server: HttpServer;
let directory: string;

beforeEach(async () => {
  store = createReadStore();
  const { runIds } = store.seed.sweep({ name: "a", runs: [{ state: "succeeded" }, { state: "queued" }] });
  const deps = store.deps();
  const [first] = runIds;
  if (!first) throw new Error("not seeded");
  directory = runDirectory(deps.resultsRoot, deps.queries.record(first));
  write("run.json", "{}");
  write("artifacts/page.html", "<script>alert(1)</script>");
  write("artifacts/deep/模型 'a'.bin", "x".repeat(200_000));
  write(".exp/attempt-1.client.jsonl", "secret");
  write("artifacts/half.new", "");
  server = await startHttp(store);
});
afterEach(async () => {
  await server.stop(1_000);
  store.close();
});

function write(path: string, text: string): void {
  mkdirSync(dirname(join(directory, path)), { recursive: true });
  writeFileSync(join(directory, path), text);
}

const get = (path: string, run = "a.1.1") => ask(server.port, `/runs/${run}/file?${new URLSearchParams({ path })}`);
const listed = async (run = "a.1.1") => (await ask(server.port, `/runs/${run}/files`)).json as FilesAnswer;

test("listed by path, without what is ours, links and pipes", async () => {
  symlinkSync("/etc/passwd", join(directory, "artifacts/passwd"));
  symlinkSync("/etc", join(directory, "artifacts/etc"));
  execFileSync("mkfifo", [join(directory, "artifacts/pipe")]);
  const { files, more, none } = await listed();
  expect([more, none]).toEqual([false, null]);
  expect(files.map(({ path, sizeBytes }) => [path, sizeBytes])).toEqual([
    ["artifacts/deep/模型 'a'.bin", 200_000],
    ["artifacts/page.html", 25],
    ["run.json", 2],
  ]);
  expect(files[0]?.modifiedAt).toBeGreaterThan(Date.now() - 600_000);
  expect(await listed("a.1.2")).toEqual({ files: [], more: false, none: null });
  expect((await ask(server.port, "/runs/b.1.1/files")).status).toBe(404);
});

test("so many are listed and no more", async () => {
  for (let i = 0; i < 2_001; i++) writeFileSync(join(directory, `f${i}`), "");
  const { files, more } = await listed();
  expect([files.length, more]).toEqual([2_000, true]);
});

test("a page with a script is saved, never shown", async () => {
  const { status, headers, text } = await get("artifacts/page.html");
  expect([status, text]).toEqual([200, "<script>alert(1)</script>"]);
  expect(headers["content-type"]).toBe("application/octet-stream");
  expect(headers["content-disposition"]).toBe("attachment; filename*=UTF-8''page.html");
  expect(headers["content-security-policy"]).toBe("sandbox; default-src 'none'");
  expect(headers["x-content-type-options"]).toBe("nosniff");
  const other = await get("artifacts/deep/模型 'a'.bin");
  expect(other.text).toHaveLength(200_000);
  expect(other.headers["content-disposition"]).toBe("attachment; filename*=UTF-8''%E6%A8%A1%E5%9E%8B%20%27a%27.bin");
});

test.each([
  "",
  "/etc/passwd",
  "../../store.db",
  "artifacts/../../../store.db",
  "artifacts/./page.html",
  "artifacts//page.html",
  "artifacts",
  "artifacts\\page.html",
  "%2e%2e/store.db",
  "run.json/",
  "run.json\0",
  ".exp/attempt-1.client.jsonl",
  "nothing",
  "run.json/x",
  "x".repeat(2_001),
  "artifacts/passwd",
  "artifacts/etc/passwd",
  "artifacts/pipe",
])("%j is no file of the run", async (path) => {
  symlinkSync("/etc/passwd", join(directory, "artifacts/passwd"));
  symlinkSync("/etc", join(directory, "artifacts/etc"));
  execFileSync("mkfifo", [join(directory, "artifacts/pipe")]);
  const { status, json } = await get(path);
  expect([status, json.error.id]).toEqual([404, "files.unknown"]);
});

test("a folder that is a link for a moment, again and again, gives nothing from behind it", async () => {
  const outside = join(dirname(directory), "outside");
  mkdirSync(outside);
  writeFileSync(join(outside, "page.html"), "from outside");
  const real = join(directory, "artifacts");
  let swapping = true;
  const swaps = (async () => {
    for (let i = 0; swapping; i++) {
      renameSync(real, `${real}.kept`);
      symlinkSync(outside, real);
      await new Promise((resolve) => setImmediate(resolve));
      rmSync(real);
      renameSync(`${real}.kept`, real);
      if (i % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  const seen = new Set<string>();
  for (let i = 0; i < 300; i++) {
    const { status, text } = await get("artifacts/page.html");
    seen.add(status === 200 ? text : String(status));
  }
  swapping = false;
  await swaps;
  expect([...seen].sort()).not.toContain("from outside");
  expect(seen).toContain("404");
});
