/** Every error id that the programs can give is explained, and nothing else is. */
import { describe, expect, test } from "vitest";
import { ERROR_HELP, errorHelpText } from "../../../cli/error-help.ts";
import { errorIds } from "../../helpers/error-ids.ts";

/** Classes of errors, and ids without a dot. */
const PLAIN = [
  ...["usage", "convert", "invalid", "not_found", "conflict", "unauthorized", "unavailable", "exhausted", "fenced"],
  ...["timeout", "internal"],
];

describe("exp help CODE", () => {
  const ids = errorIds();

  test("the sources were read", () => {
    for (const known of ["usage.nothing", "spec.unknown-table", "ref.unknown", "expression.syntax", "up.port-taken"]) {
      expect(ids.has(known)).toBe(known !== "usage.nothing");
    }
  });

  test("each id of the sources has an entry in cli/error-help.ts", () => {
    const missing = [...ids].filter(([id]) => !Object.hasOwn(ERROR_HELP, id)).map(([id, file]) => `${id} (${file})`);
    expect(missing).toEqual([]);
  });

  test("each entry is about an id that somebody gives", () => {
    const known = new Set([...ids.keys(), ...PLAIN]);
    expect(Object.keys(ERROR_HELP).filter((id) => !known.has(id))).toEqual([]);
  });

  test.each(Object.entries(ERROR_HELP))("%s says what it means and what to do", (id, { meaning, remedy }) => {
    expect(meaning).toMatch(/^[A-Za-z].{10,}[.]$/);
    expect(remedy.length).toBeGreaterThan(5);
    expect(errorHelpText(id)).toContain(meaning);
  });

  test("another word has none", () => expect(errorHelpText("toString")).toBeUndefined());
});
