/** Commands to begin with: `exp init`, `exp convert`, `exp schema`, by the real program. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { createExpRig } from "../../helpers/exp-rig.ts";

const rig = createExpRig();
afterAll(() => rig[Symbol.dispose]());
const { dir, exp } = rig;

test("init writes a file that can be planned, and the schema that it names; then it refuses", async () => {
  const first = await exp(["init", "my first"]);
  expect(first).toMatchObject({ code: 0, stdout: "wrote my first/sweep.toml and my first/sweep.schema.json\n" });
  expect(first.stderr).toBe("next: exp plan 'my first/sweep.toml'\n");
  const text = readFileSync(join(dir, "my first/sweep.toml"), "utf8");
  expect(text).toMatch(/^#:schema \.\/sweep\.schema\.json\n/);
  expect(text).toContain('name = "my-first"');
  const plan = await exp(["plan", "my first/sweep.toml", "--json"]);
  expect(JSON.parse(plan.stdout)).toMatchObject({ name: "my-first", total: 6 });

  writeFileSync(join(dir, "my first/sweep.schema.json"), "{}");
  const again = await exp(["init", "my first"]);
  expect(again).toMatchObject({ code: 6, stdout: "" });
  expect(again.stderr).toMatch(/^error\[file\.exists\]: my first\/sweep\.toml is there already/);
  expect(readFileSync(join(dir, "my first/sweep.toml"), "utf8")).toBe(text);
  expect(readFileSync(join(dir, "my first/sweep.schema.json"), "utf8")).toBe("{}");
});

test("init --from reads a script beside or elsewhere, and says what is left to do", async () => {
  mkdirSync(join(dir, "proj"));
  const script = 'p.add_argument("--lr", type=float, default=1)\np.add_argument("--data", required=True)\n';
  writeFileSync(join(dir, "proj/train.py"), script);
  const result = await exp(["init", "proj", "--from", "proj/train.py", "--json"]);
  expect(JSON.parse(result.stdout)).toEqual({
    files: ["proj/sweep.toml", "proj/sweep.schema.json"],
    notes: ["--data is required: give it a value in [base]"],
  });
  const plan = await exp(["plan", "proj/sweep.toml", "--json"]);
  expect(JSON.parse(plan.stdout)).toMatchObject({
    total: 1,
    points: [{ argv: ["python3", "train.py", "--lr", "1.0"] }],
  });
  expect(await exp(["init", "other", "--from", "no.py"])).toMatchObject({ code: 2 });
  const yaml = await exp(["init", "other", "--from", "sweep.yaml"]);
  expect(yaml).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("exp convert sweep.yaml makes a sweep file of it"),
  });
  expect(existsSync(join(dir, "other"))).toBe(false);
});

test("convert prints a file that can be planned; a refusal has its place", async () => {
  const yaml = "program: a.py\nmethod: grid\nparameters:\n  lr: {values: [0.1, 0.01]}\nentity: me\n";
  writeFileSync(join(dir, "wandb.yaml"), yaml);
  const result = await exp(["convert", "wandb.yaml"]);
  expect(result.code).toBe(0);
  expect(result.stderr).toBe("1 thing left out; the end of the file lists them\n");
  writeFileSync(join(dir, "from-wandb.toml"), result.stdout);
  const plan = await exp(["plan", "from-wandb.toml", "--json"]);
  expect(JSON.parse(plan.stdout)).toMatchObject({ name: "wandb", total: 2 });
  const json = await exp(["convert", "wandb.yaml", "--json"]);
  expect(JSON.parse(json.stdout)).toEqual({ text: result.stdout, left: ["entity: me"] });

  writeFileSync(join(dir, "bad.yaml"), "a: 1\na: 2\n");
  const bad = await exp(["convert", "bad.yaml"]);
  expect(bad).toMatchObject({ code: 2, stdout: "" });
  expect(bad.stderr).toMatch(/bad\.yaml:2:1/);
  expect(await exp(["convert", "wandb.yaml", "--from", "hydra"])).toMatchObject({ code: 2, stdout: "" });
});

test("a batch file is read by the file that convert prints", async () => {
  writeFileSync(join(dir, "batch.csv"), "lr,n\n0.1,1\n1.0,2\n");
  const result = await exp(["convert", "batch.csv"]);
  writeFileSync(join(dir, "batch.toml"), result.stdout);
  const plan = await exp(["plan", "batch.toml", "--json"]);
  expect(JSON.parse(plan.stdout)).toMatchObject({
    total: 2,
    points: [{}, { argv: expect.arrayContaining(["1.0", "2"]) }],
  });
});

test("schema prints JSON", async () => {
  const { code, stdout } = await exp(["schema"]);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ title: "ExpFleet sweep file" });
});
