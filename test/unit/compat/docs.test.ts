/** The examples of docs/coming-from.md are sweep files that make what the page says; the shipped files of EXP too. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { required } from "../../../shared/kernel/assert.ts";
import { readSweep } from "../../../shared/spec/read-sweep.ts";
import type { ExpandedSweep } from "../../../shared/spec/types.ts";
import { problemLine, sweepOf } from "../../helpers/spec-source.ts";

const ROOT = new URL("../../../", import.meta.url);
const read = (path: string) => readFileSync(new URL(path, ROOT), "utf8");
const EXAMPLES = Array.from(read("docs/coming-from.md").matchAll(/^```toml\n(.*?)^```$/gms), ([, text = ""]) => text);

function fileOf(path: string): ExpandedSweep {
  const result = readSweep({ path, text: read(path), format: "toml", directory: "/srv/alice", home: "/home/alice" });
  if ("problems" in result) throw new Error(result.problems.map(problemLine).join("\n"));
  return result.sweep;
}

test("every example is a sweep of so many runs", () => {
  const counts = EXAMPLES.map((text) => {
    const sweep = sweepOf(text);
    expect([...sweep.points]).toHaveLength(sweep.total);
    return [sweep.sweep.name, sweep.total];
  });
  expect(counts).toEqual([
    ["lr-search", 40],
    ["ablation", 12],
    ["mnist-grid", 9],
    ["cnn", 4],
    ["pipeline", expect.any(Number)],
    ["go-on", 2],
  ]);
});

test("a section, a table of words and an example for each program", () => {
  const sections = read("docs/coming-from.md").split(/^## /m).slice(1);
  expect(sections.map((section) => section.split("\n")[0])).toEqual([
    ...["W&B sweeps", "Hydra", "Determined", "EXP", "ztxexp"],
  ]);
  for (const section of sections) {
    expect(section.match(/^\| .* \| here \|$/gm)).toHaveLength(1);
    expect(section).toContain("```toml\n");
  }
});

describe("examples/exp", () => {
  function runsOf(path: string) {
    const sweep = fileOf(path);
    return Array.from(sweep.points, ({ params, shape, priority }) => {
      const { template, resources, retry, tags } = required(sweep.shapes[shape], "a shape");
      const { EXPERIMENT_NAME: _, ...env } = template.env;
      return {
        ...Object.fromEntries(params),
        command: template.command,
        env,
        gpus: resources.gpus,
        retry,
        tags,
        priority,
      };
    });
  }

  test("config.toml makes exactly these runs", () => {
    const small = {
      name: "cnn_small",
      command: "python simple_cnn_train.py --epochs 1 --batch-size 256",
      env: { PYTHONUNBUFFERED: "1" },
      gpus: 1,
      retry: { max: 1 },
      tags: ["cnn", "demo"],
      priority: 10,
    };
    expect(runsOf("examples/exp/config.toml")).toEqual([
      { ...small, repeat: 1 },
      { ...small, repeat: 2 },
      {
        name: "cnn_alt_lr",
        command: "python simple_cnn_train.py --epochs 1 --lr 0.0005",
        env: {},
        gpus: undefined,
        retry: { max: 0 },
        tags: [],
        priority: 0,
      },
    ]);
    expect(fileOf("examples/exp/config.toml").sweep).toMatchObject({ name: "config", parallel: 2 });
  });

  test("repeat.toml: three entries, four runs, by name", () => {
    expect(runsOf("examples/exp/repeat.toml").map(({ command }) => command)).toEqual([
      "python3 simple_cnn_train.py --epochs 2 --lr 0.2",
      "python3 simple_cnn_train.py --epochs 1 --batch-size 8",
      "python3 simple_cnn_train.py --epochs 1 --batch-size 8",
      "python3 simple_cnn_train.py --epochs 2",
    ]);
  });
});
