/** The closing line of a test run: nothing that failed may be missing from it. */
import { expect, test } from "vitest";
import { addCounts, closingLine, countReport, failuresOf } from "../../../scripts/test-summary.ts";

const passedFile = { status: "passed", assertionResults: [{}] };

test.each([
  {
    name: "all passed",
    report: { numPassedTests: 3, numFailedTests: 0, testResults: [passedFile] },
    isOk: true,
    expected: { passed: 3, failed: 0, skipped: 0 },
  },
  {
    name: "failed and skipped",
    report: { numPassedTests: 3, numFailedTests: 2, numPendingTests: 1, numTodoTests: 1, testResults: [passedFile] },
    isOk: false,
    expected: { passed: 3, failed: 2, skipped: 2 },
  },
  {
    name: "a file that does not load",
    report: {
      numPassedTests: 3,
      numFailedTests: 0,
      testResults: [passedFile, { status: "failed", assertionResults: [] }],
    },
    isOk: false,
    expected: { passed: 3, failed: 1, skipped: 0 },
  },
  {
    name: "a file whose set-up fails, beside one with a failed test",
    report: {
      numPassedTests: 3,
      numFailedTests: 1,
      numPendingTests: 6,
      testResults: [
        { status: "failed", assertionResults: [{ status: "failed" }] },
        { status: "failed", assertionResults: [{ status: "skipped" }] },
      ],
    },
    isOk: false,
    expected: { passed: 3, failed: 2, skipped: 6 },
  },
  {
    name: "an error outside of tests",
    report: { numPassedTests: 3, numFailedTests: 0, testResults: [passedFile] },
    isOk: false,
    expected: { passed: 3, failed: 1, skipped: 0 },
  },
])("$name", ({ report, isOk, expected }) => {
  expect(countReport(JSON.stringify(report), isOk)).toEqual(expected);
});

test.each([undefined, "", '{"numPassedTests": 3'])("no whole report (%j) is a failure", (text) => {
  expect(countReport(text, false)).toEqual({ passed: 0, failed: 1, skipped: 0 });
});

test("closing line", () => {
  const counts = addCounts({ passed: 400, failed: 0, skipped: 0 }, { passed: 12, failed: 1, skipped: 0 });
  expect(closingLine(counts)).toBe("412 passed, 1 failed");
  expect(closingLine({ ...counts, skipped: 3 })).toBe("412 passed, 1 failed, 3 skipped");
});

test("what failed is named with why", () => {
  const report = {
    testResults: [
      { name: "a.test.ts", status: "passed", assertionResults: [{ fullName: "fine", status: "passed" }] },
      {
        name: "b.test.ts",
        status: "failed",
        assertionResults: [{ fullName: "adds up", status: "failed", failureMessages: ["expected 1\nto be 2"] }],
      },
      { name: "c.test.ts", status: "failed", message: "no such module", assertionResults: [] },
    ],
  };
  expect(failuresOf(JSON.stringify(report))).toEqual([
    "b.test.ts: adds up\n    expected 1\n    to be 2",
    "c.test.ts\n    no such module",
  ]);
  expect(failuresOf(undefined)).toEqual([]);
});
