import { describe, expect, test } from "vitest";
import { parseClientLine } from "../../../shared/run/client-event.ts";
import { withNote, withTags, wordOf } from "../../../shared/run/client-words.ts";
import { NAME_CHARS_MAX, NOTE_CHARS_MAX, TAGS_MAX } from "../../../shared/run/limits.ts";

function check(line: object): unknown {
  const event = parseClientLine(JSON.stringify(line));
  return event?.kind === "other" ? wordOf(event) : "no such event";
}

describe("words of a program", () => {
  test.each<[string, object, unknown]>([
    ["tags", { e: "t", v: ["paper", "v 2,b", "", 3, null] }, { kind: "tags", tags: ["paper", "v-2-b", "3"] }],
    ["a long tag", { e: "t", v: ["x".repeat(500)] }, { kind: "tags", tags: ["x".repeat(NAME_CHARS_MAX)] }],
    ["no tags", { e: "t", v: "paper" }, undefined],
    ["a note", { e: "n", text: " two\r\nlines " }, { kind: "note", text: "two\nlines" }],
    ["an empty note", { e: "n" }, undefined],
    ["an alert", { e: "w", t: 5, text: "loss is\nnan", level: "error", title: "Oh" }, "error: Oh: loss is nan"],
    ["a plain warning", { e: "w", text: "slow", level: "warning" }, "slow"],
    [
      "an exception",
      { e: "w", level: "error", kind: "E", text: "E: no", rank: 2, traceback: "…" },
      "rank 2: error: E: no",
    ],
    ["lost events", { e: "w", dropped: 12, reason: "too many" }, "12 events were left out: too many"],
    ["nothing said", { e: "w", level: "error" }, undefined],
    ["an artifact", { e: "a", path: "/x" }, undefined],
  ])("%s", (_name, line, expected) => {
    const word = check(line);
    const shown = typeof expected === "string" ? (word as { text: string }).text : word;
    expect(shown).toEqual(expected);
  });

  test("tags join those that are there, up to as many as a run may have", () => {
    const before = ["a", "b"];
    expect(withTags(before, ["b"])).toBe(before);
    expect(withTags(before, ["c", "a"])).toEqual(["a", "b", "c"]);
    const many = Array.from({ length: TAGS_MAX + 5 }, (_, i) => `t${i}`);
    expect(withTags(before, many)).toHaveLength(TAGS_MAX);
  });

  test("a note is a line more, once, where there is room", () => {
    expect(withNote("", "one")).toBe("one");
    expect(withNote("mine", "one")).toBe("mine\none");
    expect(withNote("mine\none\ntwo", "one")).toBe("mine\none\ntwo");
    expect(withNote("mine\nones", "one")).toBe("mine\nones\none");
    const full = "x".repeat(NOTE_CHARS_MAX - 2);
    expect(withNote(full, "y")).toBe(`${full}\ny`);
    expect(withNote(full, "yy")).toBe(full);
  });
});
