/** EXP's own files: the published EXP and we make the same queue of each. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readExpSweep } from "../../shared/compat/exp-toml.ts";
import { required } from "../../shared/kernel/assert.ts";
import type { ExpandedSweep } from "../../shared/spec/types.ts";
import { LOADABLE, ONLY_HERE, REFUSED } from "./exp-files.ts";

const ROOT = join(import.meta.dirname, "../..");

interface Queue {
  readonly error?: string;
  readonly shown: string;
  readonly parallel: number;
  readonly entries: readonly {
    readonly name: string;
    readonly priority: number;
    readonly command: string;
    readonly tags: readonly string[];
    readonly gpu_ids: readonly number[];
    readonly environment: { readonly [name: string]: string };
    readonly description: string | null;
    readonly retries: number;
  }[];
}

let directory: string;
let theirs: ReadonlyMap<string, Queue>;

const ALL = new Map(
  [...Object.entries(LOADABLE), ...Object.entries(ONLY_HERE).map(([name, { text }]) => [name, text] as const)].concat(
    Object.entries(REFUSED),
  ),
);

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "exp-order-"));
  const python = execFileSync("sh", [join(ROOT, "scripts/compat-venv.sh")], { encoding: "utf8" }).trim();
  const paths = new Map(Array.from(ALL.keys(), (name, i) => [name, join(directory, `file-${i}.toml`)]));
  for (const [name, path] of paths) writeFileSync(path, ALL.get(name) ?? "");
  const script = join(import.meta.dirname, "exp_queue.py");
  const env = { HOME: directory, PATH: process.env.PATH, PYTHONDONTWRITEBYTECODE: "1", PYTHONIOENCODING: "utf-8" };
  const output = execFileSync(python, [script, ...paths.values()], { encoding: "utf8", cwd: directory, env });
  const found = JSON.parse(output) as { [path: string]: Queue };
  theirs = new Map(Array.from(paths, ([name, path]) => [name, required(found[path], name)]));
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

function read(text: string) {
  const source = { path: "config.toml", text, format: "toml", directory: "/srv/alice" } as const;
  return required(readExpSweep(source), "an EXP file");
}

function sweepOf(text: string): ExpandedSweep {
  const result = read(text);
  if ("problems" in result) throw new Error(result.problems.map(({ message }) => message).join("\n"));
  return result.sweep;
}

/** Our points in EXP's words. A priority beyond our bounds is left to the order. */
function entriesOf(sweep: ExpandedSweep) {
  return Array.from(sweep.points, ({ params, shape, priority }) => {
    const { template, tags, resources, retry } = required(sweep.shapes[shape], "a shape");
    const { EXPERIMENT_NAME: _, ...environment } = template.env;
    return {
      name: params.get("name"),
      priority,
      command: String(template.command).replaceAll("$$", "$"),
      tags,
      gpus: resources.gpus,
      environment,
      description: params.get("description") ?? null,
      retries: retry.max,
    };
  });
}

describe("the same queue as EXP", () => {
  test.each(Object.keys(LOADABLE))("%s", (name) => {
    const queue = required(theirs.get(name), name);
    expect(queue.error).toBeUndefined();
    const sweep = sweepOf(required(LOADABLE[name], name));
    const ours = entriesOf(sweep);
    expect(ours).toEqual(
      queue.entries.map(({ gpu_ids, priority, ...entry }) => ({
        ...entry,
        priority: Math.max(-1_000_000, Math.min(1_000_000, priority)),
        gpus: gpu_ids.length === 0 ? undefined : new Set(gpu_ids).size,
      })),
    );
    expect(sweep.sweep.parallel).toBe(queue.parallel);
    expect(sweep.total).toBe(queue.entries.length);
    // What EXP itself shows, line by line.
    const lines = queue.shown.split("\n").filter((line) => line.startsWith("["));
    const priorities = queue.entries.map(({ priority }) => BigInt(priority));
    expect(
      lines.map((line) => line.replace(/, resume=[^,]*$/, "").replace(/priority=-?\d{20,}/, "priority=huge")),
    ).toEqual(
      ours.map((entry, i) => {
        const shown = String(priorities[i]).length > 16 ? "huge" : String(priorities[i]);
        return `[${String(i + 1).padStart(2, "0")}] name=${entry.name}, priority=${shown}, command=${entry.command}`;
      }),
    );
  });
});

describe("EXP refuses, or ends with an error; we take it", () => {
  test.each(Object.keys(ONLY_HERE))("%s", (name) => {
    expect(theirs.get(name)?.error).toBeDefined();
    const { text, order } = required(ONLY_HERE[name], name);
    const names = entriesOf(sweepOf(text)).map((entry) =>
      [entry.name, ...Object.entries(entry.environment).map(([key, value]) => `${key}=${value}`)].join(" "),
    );
    expect(names).toEqual(order);
  });
});

describe("both refuse", () => {
  test.each(Object.keys(REFUSED))("%s", (name) => {
    expect(theirs.get(name)?.error).toBeDefined();
    const result = read(required(REFUSED[name], name));
    expect("problems" in result && result.problems.length).toBeGreaterThan(0);
  });
});
