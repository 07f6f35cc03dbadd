/** The examples of docs/sweep-file.md are sweep files, and what it says of them holds. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { productText } from "../../../cli/render/plan-product.ts";
import { required } from "../../../shared/kernel/assert.ts";
import { fingerprintOf } from "../../../shared/spec/canonical.ts";
import { paramsToPlain } from "../../../shared/spec/params-json.ts";
import { BUILTIN_NAMES } from "../../../shared/spec/placeholders.ts";
import { type RenderContext, renderCommand } from "../../../shared/spec/template.ts";
import { keyTables } from "../../helpers/key-tables.ts";
import { pointsOf, problemLinesOf, sweepOf } from "../../helpers/spec-source.ts";

const PAGE = readFileSync(new URL("../../../docs/sweep-file.md", import.meta.url), "utf8");
const EXAMPLES = Array.from(PAGE.matchAll(/^```toml\n(.*?)^```$/gms), ([, text = ""]) => text);

const CONTEXT: RenderContext = {
  run: { id: "run_1", name: "a.1.1", index: 1, dir: "/r" },
  sweep: "a.1",
  node: "n",
  gpus: 1,
};

describe("examples", () => {
  test("there are some", () => expect(EXAMPLES.length).toBeGreaterThanOrEqual(5));

  test.each(EXAMPLES)("%s", (text) => {
    expect(problemLinesOf(text)).toEqual([]);
    const { shapes, points } = sweepOf(text);
    for (const { params, shape } of points) {
      const template = required(shapes[shape], "the shape").template;
      expect(renderCommand(template, params, CONTEXT)).toHaveProperty("argv");
    }
  });

  test.each(["sweeps/mnist-lr", "sweeps/vit-ablation", "sweeps/llm-sft", "exp/config"])(
    "%s.toml is shown whole",
    (name) => {
      const file = readFileSync(new URL(`../../../examples/${name}.toml`, import.meta.url), "utf8");
      expect(EXAMPLES).toContain(file);
    },
  );

  test("the first one runs what the page says", () => {
    const { shapes, points, total } = sweepOf(EXAMPLES[0] ?? "");
    expect(total).toBe(6);
    const [first] = points;
    const template = required(shapes[0], "the shape").template;
    expect(renderCommand(template, required(first, "a point").params, CONTEXT)).toMatchObject({
      argv: ["/bin/sh", "-c", "python train.py --lr 0.1 --batch_size 32"],
    });
  });
});

test("the table of order", () => {
  const text = EXAMPLES.find((example) => example.includes('name = "order"')) ?? "";
  const rows = Array.from(PAGE.matchAll(/^\| (\d+) \| ([\d.]+) \| (\w+) \| (\d+) \|$/gm), (row) => row.slice(1));
  expect(rows).toHaveLength(5);
  const points = pointsOf(text).slice(0, rows.length);
  expect(points.map(({ index, params }) => [index, ...Object.values(paramsToPlain(params))].map(String))).toEqual(rows);
});

test("the table of series", () => {
  const rows = Array.from(PAGE.matchAll(/^\| `(\{ .+? \})` \| .*: `(.+)` \|$/gm), (row) => row.slice(1));
  expect(rows).toHaveLength(4);
  for (const [series, values] of rows) {
    const points = pointsOf(`name = "a"\nrun.command = ["x"]\n[grid]\nx = ${series}\n`);
    expect(points.map(({ paramsJson }) => paramsJson.slice(5, -1)).join(", ")).toBe(values);
  }
});

test("the tables of keys", () => {
  expect(PAGE).toContain(`\n## Keys\n\n${keyTables()}\n`);
});

test("the counts of the ablation", () => {
  const { total, report } = sweepOf(EXAMPLES[1] ?? "");
  const axes = report.axes.map((axis) => ({ ...axis, variant: axis.variant ?? null }));
  expect(PAGE).toContain(`vit-ablation  ${report.product} points = ${productText(axes)};`);
  expect(PAGE).toContain(`18 dropped by where[0] "${report.where[0]?.condition}"  ->  ${total} runs`);
  expect(report.product).toBe(3 * 3 * 2 * 3 * (1 + 2));
  expect(report.where.map(({ dropped }) => dropped)).toEqual([18, 0]);
});

test("the error that is shown", () => {
  const text = `${"#\n".repeat(13)}[grdi]\n`;
  const [first] = problemLinesOf(text);
  expect(first).toBe('14:2+4 spec.unknown-table: "grdi" is not a table of a sweep file | did you mean [grid]?');
  expect(PAGE).toContain("--> sweep.toml:14:2");
});

test("every placeholder is explained", () => {
  for (const name of [...BUILTIN_NAMES, "args"]) expect(PAGE).toContain(`| \`\${${name}}\` |`);
});

test("what counts as the same work", () => {
  const fingerprint = (command: string, more: string) => {
    return pointsOf(`name = "a"\nrun.command = ${command}\n${more}`)[0]?.fingerprint;
  };
  const same = fingerprint('["python", "x.py"]', "[base]\na = 1\nb = 0.5\n");
  expect(fingerprint('["python", "x.py"]', "limits.time = '1h'\n[grid]\nb = [5e-1]\na = [1.0]\n")).toBe(same);
  expect(fingerprint('["python", "x.py"]', "[base]\na = '1'\nb = 0.5\n")).not.toBe(same);
  expect(fingerprint('"python x.py"', "[base]\na = 1\nb = 0.5\n")).not.toBe(same);
  expect(fingerprintOf({ command: "x" }, new Map())).toMatch(/^v2:[0-9a-f]{64}$/);
});

test.each(["digits", "hello"])("examples/%s/sweep.toml is sound", (name) => {
  const text = readFileSync(new URL(`../../../examples/${name}/sweep.toml`, import.meta.url), "utf8");
  expect(problemLinesOf(text)).toEqual([]);
});
