/** What docs/client.md says is so, and the examples do what they are said to do. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseClientLine } from "../../../shared/run/client-event.ts";
import { CLIENT_PATH, defaultPython, metricsOf, runPython, runWell } from "../../helpers/python-client.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

const ROOT = resolve(import.meta.dirname, "../../..");
const PAGE = readFileSync(join(ROOT, "docs/client.md"), "utf8");
const README = readFileSync(join(ROOT, "python/README.md"), "utf8");

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "exp-client-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Code blocks of a language, each with a name made of its first words. */
function blocks(language: string): (readonly [string, string])[] {
  const found = PAGE.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, "gm"));
  return Array.from(found, ([, code = ""]) => [code.slice(0, 60).replaceAll("\n", "; "), code]);
}

describe("docs/client.md", () => {
  test.each(blocks("python"))("%s: is Python 3.8", (_, code) => {
    const check = "import ast, sys; ast.parse(sys.stdin.read(), feature_version=(3, 8))";
    execFileSync(defaultPython(), ["-c", check], { input: code });
  });

  test.each(blocks("python").filter(([, code]) => !/torch|integrations|trainer|ztxexp/.test(code)))(
    "%s: runs",
    (_, code) => {
      runWell(folder, code, { imports: false });
      runWell(folder, code, { imports: false, isRun: false });
    },
  );

  test.each(blocks("sh"))("%s: is an event", (_, code) => {
    const events = join(folder, "client.jsonl");
    execFileSync("sh", ["-c", code], { env: { EXP_EVENTS: events } });
    expect(parseClientLine(readFileSync(events, "utf8").trim())).toMatchObject({ kind: "metric", step: 1 });
  });

  test.each([
    ["docs/client.md", PAGE],
    ["python/README.md", README],
  ])("%s names no call that there is not", (_, page) => {
    const named = new Set(Array.from(page.matchAll(/\bexp\.([a-zA-Z_]+)/g), ([, name = ""]) => name));
    const there = JSON.parse(runWell(folder, "import json; print(json.dumps(exp.__all__))").stdout) as string[];
    expect([...named].filter((name) => !there.includes(name))).toEqual([]);
  });

  test("tells of every call", () => {
    const there = JSON.parse(runWell(folder, "import json; print(json.dumps(exp.__all__))").stdout) as string[];
    expect(there.filter((name) => !PAGE.includes(`exp.${name}`))).toEqual([]);
  });

  test("tells of every letter that the client writes", () => {
    const written = ["m", "u", "r", "p", "a", "k", "t", "n", "w", "x"];
    expect(Array.from(PAGE.matchAll(/^\| `([a-z])` \w/gm), ([, letter]) => letter)).toEqual(written);
  });
});

describe("examples/client", () => {
  const EXAMPLE = join(ROOT, "examples/client/train.py");
  const runs = (config: object, env: { readonly [name: string]: string } = {}) => {
    writeFileSync(join(folder, "config.json"), JSON.stringify(config));
    const code = `import runpy; runpy.run_path(${JSON.stringify(EXAMPLE)}, run_name="__main__")`;
    const paths = { EXP_CONFIG: join(folder, "config.json"), EXP_CHECKPOINT_DIR: folder };
    return runPython(folder, code, { imports: false, env: { ...paths, ...env } });
  };

  test("trains, and a good learning rate is better than a small one", () => {
    const best = [0.1, 0.01].map((lr) => {
      const { status, events } = runs({ lr });
      rmSync(join(folder, "client.jsonl"));
      expect([status, metricsOf(events).length]).toEqual([0, 30]);
      return Number(events.flatMap((event) => (event.kind === "summary" ? [...event.values.values()] : []))[0]);
    });
    expect(best[0]).toBeLessThan(0.01);
    expect(best[1]).toBeGreaterThan(1);
  });

  test("skips what cannot converge", () => expect(runs({ lr: 1 }).status).toBe(77));

  test("goes on where it was", () => {
    mkdirSync(join(folder, "before"));
    writeFileSync(join(folder, "before/state.json"), '{"epoch": 28, "weight": 0.5}');
    const { events } = runs({ lr: 0.1 }, { EXP_RESUME_FROM: join(folder, "before", "state.json") });
    expect(metricsOf(events).map(({ step }) => step)).toEqual([29, 30]);
  });

  test("runs by hand, and leaves nothing but its checkpoint", () => {
    const ended = runPython(folder, `import runpy; runpy.run_path(${JSON.stringify(EXAMPLE)}, run_name="__main__")`, {
      imports: false,
      isRun: false,
    });
    expect([ended.status, ended.stderr, existsSync(join(folder, "state.json"))]).toEqual([0, "", true]);
  });
});

test("the loop of the page saves when it is told to end", async () => {
  const [, code = ""] = blocks("python").find(([, each]) => each.includes("@exp.on_stop")) ?? [];
  const slow = code.replace("100:", "10_000:\n    __import__('time').sleep(0.01)");
  expect(slow).not.toBe(code);
  const events = join(folder, "client.jsonl");
  const child = spawn(defaultPython(), ["-c", slow], {
    cwd: folder,
    env: { PYTHONPATH: CLIENT_PATH, EXP_RUN_ID: "run_1", EXP_EVENTS: events, EXP_CHECKPOINT_DIR: folder },
    stdio: "ignore",
  });
  const ended = once(child, "exit");
  await waitUntil("it logs", () => existsSync(events) && readFileSync(events, "utf8").split("\n").length > 5);
  child.kill("SIGTERM");
  expect(await ended).toEqual([143, null]);
  const { epoch } = JSON.parse(readFileSync(join(folder, "state.json"), "utf8")) as { epoch: number };
  expect(epoch).toBeGreaterThan(4);
});
