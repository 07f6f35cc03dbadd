/** What the writer writes is TOML that reads back as the same values. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { SweepDraft, tomlKey, tomlValue } from "../../../shared/convert/sweep-writer.ts";
import { readDocument } from "../../../shared/spec/document.ts";
import { childOf } from "../../../shared/spec/node.ts";
import { readParamValue } from "../../../shared/spec/param-value.ts";
import { createReport, fileOf } from "../../../shared/spec/report.ts";
import { FloatParam, type ParamValue } from "../../../shared/spec/types.ts";
import { valueJson } from "../../../shared/spec/value-text.ts";
import { tomlSource } from "../../helpers/spec-source.ts";

const text = fc.string({ unit: "binary" }).filter((value) => value.isWellFormed() && !value.includes("\0"));
const key = text.filter((value) => value !== "" && !/^(?:__proto__|constructor|prototype)$/.test(value));
const { value } = fc.letrec<{ value: ParamValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.boolean(),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => new FloatParam(number)),
    text,
    fc.array(tie("value"), { maxLength: 5 }),
    fc.dictionary(key, tie("value"), { maxKeys: 4 }),
  ),
}));

function readBack(source: string, name: string): ParamValue | undefined {
  const toml = tomlSource(source);
  const root = readDocument(toml);
  if ("message" in root) throw new Error(`${root.message}: ${source}`);
  const node = childOf(root, name);
  return node && readParamValue(createReport([fileOf(toml)]), node, "x");
}

test("values and keys come back", () => {
  fc.assert(
    fc.property(key, value, (name, written) => {
      const back = readBack(`${tomlKey(name)} = ${tomlValue(written)}\n`, name);
      expect(back !== undefined && valueJson(back)).toBe(valueJson(written));
    }),
    { numRuns: 500 },
  );
});

test("a draft is TOML whatever its comments hold, and long lists go over lines", () => {
  fc.assert(
    fc.property(text, text, fc.array(value, { minLength: 1, maxLength: 40 }), (comment, left, values) => {
      const draft = new SweepDraft();
      draft.top.set("x", values, comment).comment(comment);
      draft.leave(left);
      const back = readBack(draft.text(comment), "x");
      expect(back !== undefined && valueJson(back)).toBe(valueJson(values));
    }),
  );
});
