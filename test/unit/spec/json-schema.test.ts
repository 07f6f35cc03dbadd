/** The schema takes what the parser takes, has its keys and no others, and refuses what editors can find. */
import { readFileSync } from "node:fs";
import { parse } from "smol-toml";
import { describe, expect, test } from "vitest";
import { starterText } from "../../../shared/convert/starter.ts";
import { sweepSchema, sweepSchemaText } from "../../../shared/spec/json-schema.ts";
import { SECTION_KEYS, SWEEP_KEYS, TABLE_NAMES } from "../../../shared/spec/sweep-keys.ts";
import { problemLinesOf } from "../../helpers/spec-source.ts";
import { schemaErrors } from "../../helpers/validate-schema.ts";

const SCHEMA = sweepSchema();
const DOCS = ["sweep-file", "converting"].map((page) => {
  return readFileSync(new URL(`../../../docs/${page}.md`, import.meta.url), "utf8");
});
/** Those of EXP's own files are no sweep files. */
const EXAMPLES = DOCS.flatMap((page) =>
  Array.from(page.matchAll(/^```toml\n(.*?)^```$/gms), ([, text = ""]) => text),
).filter((text) => !/^\[scheduler\]/m.test(text));

function errorsOf(text: string): string[] {
  return schemaErrors(SCHEMA, parse(text, { integersAsBigInt: true }));
}

test.each([...EXAMPLES, starterText("a", undefined).text])("takes an example: %s", (text) => {
  expect(errorsOf(text)).toEqual([]);
});

describe("keys", () => {
  const properties = SCHEMA.properties as { [name: string]: { properties?: object; description?: string } };

  test("of the file", () => {
    expect(Object.keys(properties).toSorted()).toEqual([...Object.keys(SWEEP_KEYS), ...TABLE_NAMES].toSorted());
  });

  test.each(Object.entries(SECTION_KEYS))("of [%s]", (name, keys) => {
    expect(Object.keys(properties[name]?.properties ?? {})).toEqual(Object.keys(keys));
  });

  // The other way round: the parser knows every key of the schema, and refuses what the schema does not have.
  const all = Object.entries(SECTION_KEYS).flatMap(([table, keys]) =>
    Object.keys(keys).map((key) => [table, key] as const),
  );
  test.each(all)("[%s] %s is known to the parser", (table, key) => {
    const file = (name: string) =>
      problemLinesOf(
        `name = "a"\n[${table}]\n${name} = []\n${table === "run" && name !== "command" ? 'command = "x"\n' : ""}`,
      ).join("\n");
    expect(file(key)).not.toContain("unknown-key");
    expect(file(`${key}x`)).toContain(`spec.unknown-key: "${key}x"`);
  });

  test.each(Object.keys(SWEEP_KEYS))("%s is known to the parser", (key) => {
    expect(problemLinesOf(`${key} = []\n`).join("\n")).not.toContain("unknown-key");
  });
});

describe("what is written wrong", () => {
  const sound = 'name = "a"\nrun.command = "x"\n';

  test.each([
    ["bogus = 1", ".bogus"],
    ["grdi = { a = [1] }", ".grdi"],
    ['limits.time = "6 hours"', ".limits.time"],
    ["limits.bogus = 1", ".limits.bogus"],
    ["resources.gpus = -1", ".resources.gpus"],
    ["resources.gpus = 1.5", ".resources.gpus"],
    ["run.args = 'flagz'", ".run.args"],
    ["grid.lr = []", ".grid.lr"],
    ["random.space.lr = { unifrm = [0, 1] }", ".random.space.lr"],
    ["run.image = 1", ".run.image"],
    ["run.mounts = 1", ".run.mounts"],
    ["order = 'random'", ".order"],
    ["derive.x = 1", ".derive.x"],
    ["variants = [{ bas = { a = 1 } }]", ".variants[0].bas"],
    ["variants = [{ limits = { parallel = 1 } }]", ".variants[0].limits.parallel"],
    ["runs = [{ parms = { a = 1 } }]", ".runs[0].parms"],
  ])("%s", (line, path) => {
    expect(errorsOf(`${sound}${line}\n`)).toEqual([path]);
    expect(problemLinesOf(`${sound}${line}\n`)).not.toEqual([]);
  });

  test("a file without a name", () => {
    expect(errorsOf('run.command = "x"\n')).toEqual(["."]);
    expect(errorsOf('extends = "base.toml"\n')).toEqual([]);
  });
});

test("values that are computed", () => {
  expect(
    errorsOf("name = 'a'\nresources.gpus = { expr = '2 if big else 1' }\nlimits.time = { expr = '60' }\n"),
  ).toEqual([]);
});

test("the text is JSON and says its draft first", () => {
  const text = sweepSchemaText();
  expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(SCHEMA)));
  expect(text).toMatch(/^\{\n {2}"\$schema": "https:\/\/json-schema\.org\/draft\/2020-12\/schema"/);
});
