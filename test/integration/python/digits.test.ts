/** The example that trains: its result depends on its parameters, is the same each time, and reaches the events. */
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ClientEvent } from "../../../shared/run/client-event.ts";
import { runPython } from "../../helpers/python-client.ts";

const EXAMPLE = resolve(import.meta.dirname, "../../../examples/digits");

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "exp-digits-"));
  cpSync(EXAMPLE, join(folder, "digits"), { recursive: true });
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A short training; the accuracy after each epoch. */
function train(flags: string): { readonly accuracies: readonly number[]; readonly events: readonly ClientEvent[] } {
  rmSync(join(folder, "client.jsonl"), { force: true });
  const argv = `["train.py", "--images", "200", "--epochs", "3", "--hidden", "8", *${JSON.stringify(flags.split(" "))}]`;
  const code = `import runpy, sys; sys.argv = ${argv}; runpy.run_path("digits/train.py", run_name="__main__")`;
  const { status, stderr, events } = runPython(folder, code);
  expect([status, stderr]).toEqual([0, ""]);
  const accuracies = events.flatMap((event) =>
    event.kind === "metric" ? [Number(event.values.get("val/accuracy"))] : [],
  );
  return { accuracies, events };
}

test("a good learning rate learns, a small one does not, and both do so again", () => {
  const good = train("--lr 0.1 --momentum 0.9 --batch_size 8");
  const poor = train("--lr 0.001 --momentum 0.0");
  expect(good.accuracies).toHaveLength(3);
  expect(good.accuracies.at(-1)).toBeGreaterThan(0.7);
  expect(poor.accuracies.at(-1)).toBeLessThan(0.4);
  expect(train("--lr 0.1 --momentum 0.9 --batch_size 8").accuracies).toEqual(good.accuracies);
  const finals = good.events.flatMap((event) => (event.kind === "summary" ? [...event.values.keys()] : []));
  expect(finals).toEqual(["val/accuracy", "val/best_accuracy"]);
});
