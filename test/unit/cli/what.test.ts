/** What an event says, with whose token it was done with. */
import { expect, test } from "vitest";
import { whatOf } from "../../../cli/render/what.ts";

test.each([
  [{ text: "priority 0 to 10", by: "alice" }, "priority 0 to 10, by alice"],
  [{ text: "priority 0 to 10", by: null }, "priority 0 to 10"],
  [{ text: "", by: "alice" }, "by alice"],
  [{ text: "", by: null }, ""],
])("%j", (event, says) => {
  expect(whatOf(event)).toBe(says);
});
