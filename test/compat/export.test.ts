/**
 * What `exp export` and `exp pivot` give, read by the programs they are for: EXP, ztxexp, pandas, openpyxl, pyarrow. Needs the
 * network once, to install them.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { compatPython } from "../helpers/compat-python.ts";
import { type ResultsRig, startResultsRig } from "../helpers/results-rig.ts";

interface Read {
  readonly exp: readonly {
    readonly name: string;
    readonly status: string;
    readonly columns: readonly string[];
    readonly rows: number;
  }[];
  readonly ztxexp: {
    readonly succeeded: number;
    readonly frame: readonly string[];
    readonly curves: number;
    readonly wouldClean: readonly string[];
    readonly todo: readonly object[];
    readonly pivot: readonly (readonly (string | number | null)[])[];
  };
  readonly xlsx: readonly (readonly (string | number | null)[])[];
  readonly formulas: number;
  readonly parquet: {
    readonly schema: { readonly [column: string]: string };
    readonly rows: readonly { readonly [column: string]: unknown }[];
  };
}

const NASTY = '=HYPERLINK("http://x","y")\u0001<&>_x0041_ Grüße';
const CONFIGS = [
  { lr: 0.1, model: "a", seed: 0 },
  { lr: 0.1, model: "a", seed: 9 },
];

let rig: ResultsRig;
let read: Read;

beforeAll(async () => {
  const python = compatPython();
  rig = await startResultsRig();
  const values = [0.5, 0.75, 0.9, 0.9, 0.25, 0.125];
  const points = (acc: number) =>
    `{"e":"m","t":1763690000,"s":1,"v":{"acc":0.01}}\n{"e":"m","t":1763690001,"s":2,"v":{"acc":${acc}}}\n`;
  await rig.sweep(
    {
      name: "grid",
      runs: [
        ...[0.1, 1, 10].flatMap((lr) =>
          ["a", "b"].map((model, i) => {
            const acc = values[[0.1, 1, 10].indexOf(lr) * 2 + i] ?? 0;
            return { state: "succeeded", params: JSON.stringify({ lr, model, seed: 0 }), metrics: { acc } } as const;
          }),
        ),
        // A second seed of one point, a tie in a column, and a run that counts for nothing.
        { state: "succeeded", params: '{"lr":0.1,"model":"a","seed":1}', metrics: { acc: 0.7 } },
        { state: "succeeded", params: '{"lr":100,"model":"b","seed":0}', metrics: { acc: 0.9 } },
        { state: "failed", params: JSON.stringify({ lr: 5, model: NASTY, seed: 0 }), metrics: { acc: "NaN" } },
      ],
    },
    [...values.map(points), points(0.7), points(0.9), ""],
  );
  for (const layout of ["exp", "ztxexp"]) {
    await rig.json("export", "grid.1", "--format", layout, "--out", join(rig.dir, layout));
  }
  for (const format of ["xlsx", "parquet"]) {
    const { code, stderr } = await rig.exp("export", "grid.1", "--out", join(rig.dir, `runs.${format}`));
    if (code !== 0) throw new Error(stderr);
  }
  const script = join(import.meta.dirname, "read_export.py");
  const text = execFileSync(python, [script, rig.dir, JSON.stringify(CONFIGS)], {
    ...{ encoding: "utf8", maxBuffer: 1 << 24 },
    env: { PYTHONDONTWRITEBYTECODE: "1" },
  });
  read = JSON.parse(text) as Read;
}, 600_000);
afterAll(() => rig[Symbol.asyncDispose]());

test("EXP loads every directory with its metrics", () => {
  expect(read.exp).toHaveLength(9);
  expect(read.exp[0]).toEqual({ name: "grid.1.1", status: "finished", columns: ["acc", "step"], rows: 2 });
  expect(read.exp.at(-1)).toMatchObject({ name: "grid.1.9", status: "error" });
});

test("ztxexp: records, frame, curves, what it would clean, what it takes for completed", () => {
  const { succeeded, frame, curves, wouldClean, todo } = read.ztxexp;
  expect([succeeded, curves]).toEqual([8, 16]);
  expect(frame).toEqual(expect.arrayContaining(["lr", "model", "seed", "acc", "run_dir", "duration_sec"]));
  expect(wouldClean).toEqual([expect.stringMatching(/^grid\.1\.9_/)]);
  expect(todo).toEqual([CONFIGS[1]]);
});

test("a pivot with ranks has ztxexp's numbers and marks", async () => {
  const { stdout } = await rig.exp(
    "pivot",
    "grid.1",
    "--rows",
    "lr",
    "--cols",
    "model",
    "--value",
    "acc",
    "--rank",
    "-o",
    "csv",
  );
  const [, ...ours] = stdout
    .trimEnd()
    .split("\n")
    .map((line) => line.split(","));
  // Below pandas' two lines of titles; its empty cells are our empty texts.
  const theirs = read.ztxexp.pivot
    .filter(([first]) => typeof first === "number")
    .map((row) => row.map((cell) => (cell === null ? "" : String(cell))));
  expect(ours).toEqual(theirs);
  expect(ours).toEqual([
    ["0.1", "0.6000 (2nd)", "0.7500 (3rd)"],
    ["1", "0.9000 (1st)", "0.9000 (1st)"],
    ["10", "0.2500 (3rd)", "0.1250"],
    ["100", "", "0.9000 (1st)"],
  ]);
});

test("a workbook: numbers are numbers, and text is text, whatever it looks like", () => {
  const [titles = [], first = [], ...rest] = read.xlsx;
  const column = (name: string) => titles.indexOf(name);
  expect(read.xlsx).toHaveLength(10);
  expect(read.formulas).toBe(0);
  expect([first[column("ref")], first[column("params.lr")], first[column("metrics.acc")]]).toEqual([
    "grid.1.1",
    0.1,
    0.5,
  ]);
  // openpyxl leaves the format's own escapes as they are: \u0001 is "_x0001_", and "_x0041_" is "_x005F_x0041_".
  const text = String(rest.at(-1)?.[column("params.model")]);
  expect(text.replace(/_x([0-9A-F]{4})_/g, (_, code) => String.fromCharCode(Number.parseInt(code, 16)))).toBe(NASTY);
  expect(rest.at(-1)?.[column("metrics.acc")]).toBe("NaN");
});

test("Parquet: a type for each column, nothing where nothing is", () => {
  const { schema, rows } = read.parquet;
  expect(schema).toMatchObject({
    ...{ ref: "string", index: "int64", "params.lr": "double", "params.model": "string", "metrics.acc": "double" },
    started_at: expect.stringContaining("timestamp[ms"),
  });
  expect(rows[0]).toMatchObject({ ref: "grid.1.1", index: 1, "params.lr": 0.1, "metrics.acc": 0.5, reason: null });
  expect(rows[8]).toMatchObject({ "params.model": NASTY, "metrics.acc": "NaN", exit_code: 3 });
  expect(readFileSync(join(rig.dir, "runs.parquet")).subarray(0, 4).toString()).toBe("PAR1");
});
