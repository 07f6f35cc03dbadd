import { describe, expect, test } from "vitest";
import { botSignature } from "../../../coordinator/outbox/channels/messages.ts";
import { mergeFacts, type SweepFacts } from "../../../coordinator/outbox/facts.ts";
import { noticeLines } from "../../../coordinator/outbox/texts.ts";
import { channelName } from "../../../shared/run/notify.ts";

const SWEEP: SweepFacts = { sweep: "digits.3", project: "" };
const failedRun = (n: number) => ({ run: `digits.3.${n}`, reason: `exit code ${n}` });

describe("texts", () => {
  test.each<[string, Partial<SweepFacts>, string]>([
    ["start", { started: { runs: 12 } }, "digits.3 started: 12 runs"],
    ["start in a project", { project: "vision", started: { runs: 1 } }, "[vision] digits.3 started: 1 run"],
    [
      "one failure",
      { failed: { count: 1, examples: [failedRun(4)] } },
      "digits.3: 1 run failed\n  digits.3.4: exit code 4",
    ],
    [
      "a hundred failures",
      { failed: { count: 100, examples: [failedRun(4), failedRun(5)] } },
      "digits.3: 100 runs failed\n  digits.3.4: exit code 4\n  digits.3.5: exit code 5\n" +
        "  and 98 more: exp ls digits.3 --state failed",
    ],
    [
      "a reason of several lines",
      { failed: { count: 1, examples: [{ run: "digits.3.1", reason: "a\n\u001b[31mb\tc" }] } },
      "digits.3: 1 run failed\n  digits.3.1: a [31mb c",
    ],
    [
      "best",
      { best: { run: "digits.3.9", metric: "val/acc", value: 0.1 + 0.2 } },
      "digits.3: new best val/acc = 0.3 (digits.3.9)",
    ],
    [
      "target",
      { target: { run: "digits.3.9", metric: "loss", value: 0.05, target: 0.1 } },
      "digits.3 has reached its target of 0.1: loss = 0.05 (digits.3.9)",
    ],
    [
      "end",
      {
        finished: {
          succeeded: 10,
          failed: 1,
          cancelled: 0,
          skipped: 2,
          reused: 3,
          tookMs: 65_000,
          stopped: "",
          best: { run: "digits.3.9", metric: "loss", value: 0.25 },
        },
      },
      "digits.3 finished after 1m5s: 10 succeeded (3 reused), 1 failed, 2 skipped\n  best: loss = 0.25 (digits.3.9)",
    ],
  ])("%s", (_, facts, expected) => expect(noticeLines({ ...SWEEP, ...facts }).join("\n")).toBe(expected));
});

test("facts that meet are gathered: failures add up, the last best counts", () => {
  const first: SweepFacts = {
    ...SWEEP,
    failed: { count: 3, examples: [1, 2, 3].map(failedRun) },
    best: { run: "digits.3.1", metric: "a", value: 1 },
  };
  const second: SweepFacts = {
    ...SWEEP,
    failed: { count: 97, examples: [4, 5, 6].map(failedRun) },
    best: { run: "digits.3.2", metric: "a", value: 2 },
  };
  expect(mergeFacts(first, second)).toEqual({
    ...SWEEP,
    failed: { count: 100, examples: [1, 2, 3, 4, 5].map(failedRun) },
    best: { run: "digits.3.2", metric: "a", value: 2 },
  });
});

test.each([
  ["slack:ml", "slack:ml"],
  ["slack:#ml", "slack:ml"],
  ["lark:team-1", "lark:team-1"],
  ["mail:me", undefined],
  ["slack:", undefined],
  ["slack", undefined],
  ["slack:a b", undefined],
])("channel %s", (text, expected) => expect(channelName(text)).toBe(expected));

// Made with the program that the documentation of custom bots shows, in Python.
test("the signature of a bot", () => {
  expect(botSignature("1599360473", "demo-secret")).toBe("3/MaVZ8JLIy4TUG+7KSFJqvUkTKd+HWY8g+56DZWq8s=");
});
