/** AppErrors as data and back: nothing that a user reads is lost on the way between threads. */
import { expect, test } from "vitest";
import { AppError, errorOfRefusal, faultText, refusalOf } from "../../../shared/kernel/errors.ts";

const PLACE = { file: "sweep.toml", line: 3, column: 1, text: "lr = [1,", length: 1 };

test.each([
  ["with all there is", new AppError("invalid", "no end", { id: "spec.toml", place: PLACE, hint: "close it" })],
  ["with nothing but its text", new AppError("internal", "what")],
])("a refusal %s is the same behind a thread", (_, error) => {
  const back = errorOfRefusal(structuredClone(refusalOf(error)));
  expect(back).toBeInstanceOf(AppError);
  expect({ ...back, message: back.message }).toStrictEqual({ ...error, message: error.message });
});

test("a fault of ours says where in the code it was", () => {
  expect(faultText(new Error("broken"))).toMatch(/^Error: broken\n +at .*errors\.test\.ts/);
  expect(faultText("thrown as it is")).toBe("thrown as it is");
});
