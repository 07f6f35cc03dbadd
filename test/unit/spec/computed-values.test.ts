import { expect, test } from "vitest";
import { evaluate } from "../../../shared/expression/evaluate.ts";
import { required } from "../../../shared/kernel/assert.ts";
import { createShapeResolver, readComputedFields, withValues } from "../../../shared/spec/computed-values.ts";
import { readDocument } from "../../../shared/spec/document.ts";
import { childOf, type SpecNode } from "../../../shared/spec/node.ts";
import { createReport, fileOf, problemsOf, type Report } from "../../../shared/spec/report.ts";
import { SECTION_KEYS } from "../../../shared/spec/sweep-keys.ts";
import { readTable } from "../../../shared/spec/table-reader.ts";
import { FloatParam, type ParamValue } from "../../../shared/spec/types.ts";
import { tomlSource } from "../../helpers/spec-source.ts";

const NAMES = new Set(["rank", "model", "hours"]);

function rootOf(text: string): { root: SpecNode; report: Report } {
  const source = tomlSource(text);
  const root = readDocument(source);
  if ("message" in root) throw new Error(root.message);
  return { root, report: createReport([fileOf(source)]) };
}

function resolverOf(text: string) {
  const { root, report } = rootOf(text);
  const fields = (["resources", "limits"] as const).flatMap((name) => {
    const table = childOf(root, name);
    return table ? readComputedFields(report, table, name, SECTION_KEYS[name], NAMES) : [];
  });
  const read = (into: Report, from: SpecNode) => ({
    resources: readTable(into, childOf(from, "resources"), "resources", SECTION_KEYS.resources),
    limits: readTable(into, childOf(from, "limits"), "limits", SECTION_KEYS.limits),
  });
  const resolve = createShapeResolver({ files: report.files, root, fields, read });
  return {
    problems: problemsOf(report).map(({ message, place }) => `${place?.line}:${place?.column} ${message}`),
    of: (params: Record<string, ParamValue>) => resolve((name) => params[name]),
  };
}

const FILE = `
[resources]
gpus = { expr = "4 if rank >= 32 else 2" }
gpu_memory = { expr = "80GB if model == 'big' else None" }
cpus = 8

[limits]
time = { expr = "hours * 1h" }
`;

test("values are those of the point, in the unit that is due", () => {
  const { problems, of } = resolverOf(FILE);
  expect(problems).toEqual([]);
  expect(of({ rank: 64, model: "big", hours: 2 })).toMatchObject({
    shape: { resources: { gpus: 4, gpu_memory: 80e9, cpus: 8 }, limits: { time: 7_200_000 } },
  });
  const small = of({ rank: 8, model: "x", hours: new FloatParam(0.5) });
  expect(small).toMatchObject({ shape: { resources: { gpus: 2, cpus: 8 }, limits: { time: 1_800_000 } } });
  expect("shape" in small && "gpu_memory" in small.shape.resources).toBe(false);
});

test("points with the same values share what was read", () => {
  const { of } = resolverOf(FILE);
  const first = of({ rank: 64, model: "big", hours: 2 });
  expect(of({ rank: 32, model: "big", hours: 2 })).toBe(first);
  expect(of({ rank: 8, model: "big", hours: 2 })).not.toBe(first);
});

test.each([
  [
    { rank: 4000, model: "x", hours: 1 },
    undefined,
    '[resources]\ngpus = { expr = "rank" }',
    "2:8 resources.gpus must be at most 1,024, not 4000",
  ],
  [
    { rank: 1, model: "x", hours: 1 },
    undefined,
    '[resources]\ngpus = { expr = "rank / 2" }',
    "2:8 resources.gpus must be an integer, not a float",
  ],
  [
    { rank: 1, model: "x", hours: -1 },
    undefined,
    '[limits]\ntime = { expr = "hours" }',
    "2:8 limits.time must be a string, not an integer",
  ],
  [{ rank: 1, model: "x", hours: 1 }, undefined, '[resources]\ngpus = { expr = "rank + model" }', "2:18 "],
])("what does not fit is told at the expression: %j", (params, _, text, expected) => {
  const answer = resolverOf(text).of(params);
  const problem = required("problem" in answer ? answer.problem : undefined, "a problem");
  expect(`${problem.place?.line}:${problem.place?.column} ${problem.message}`).toContain(expected);
});

test("unknown names and bad expressions are told when the file is read", () => {
  const { problems } = resolverOf('[resources]\ngpus = { expr = "rnak * 2" }\ncpus = { expr = "2 *" }\n');
  expect(problems).toEqual(['2:18 nothing is called "rnak"', expect.stringMatching(/^3:/)]);
});

test("lists of tables have computed values too; without a value the field is left out", () => {
  const { root, report } = rootOf('[resources]\nalternatives = [{ gpus = { expr = "rank" } }, { cpus = 2 }]\n');
  const table = required(childOf(root, "resources"), "the table");
  const fields = readComputedFields(report, table, "resources", SECTION_KEYS.resources, NAMES);
  expect(fields.map(({ expression }) => evaluate(expression, () => 3))).toEqual([{ value: 3 }]);
  const raw = (value: unknown) => withValues(root, new Map(fields.map(({ at }) => [at, value]))).raw;
  expect(raw(3n)).toEqual({ resources: { alternatives: [{ gpus: 3n }, { cpus: 2n }] } });
  expect(raw(undefined)).toEqual({ resources: { alternatives: [{}, { cpus: 2n }] } });
});
