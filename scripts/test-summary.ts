/** [P] Counts over all steps of a test run: what vitest reports as JSON, and steps that are one check each. */

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export const NO_COUNTS: Counts = { passed: 0, failed: 0, skipped: 0 };

export function addCounts(a: Counts, b: Counts): Counts {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped };
}

/** The part of vitest's JSON report that is read here. */
interface Report {
  readonly numPassedTests?: unknown;
  readonly numFailedTests?: unknown;
  readonly numPendingTests?: unknown;
  readonly numTodoTests?: unknown;
  readonly testResults?: readonly {
    readonly name?: unknown;
    readonly status?: unknown;
    readonly message?: unknown;
    readonly assertionResults?: readonly {
      readonly fullName?: unknown;
      readonly status?: unknown;
      readonly failureMessages?: readonly unknown[];
    }[];
  }[];
}

/**
 * Counts of one vitest run. A file that failed apart from its tests (it does not load, or its
 * set-up fails) counts as one failed test, and so does a run that failed though
 * each of its tests passed (an error outside of tests, a time-out, no report at all).
 * @param reportText vitest's JSON report; undefined where it wrote none
 * @param isOk whether vitest itself exited with 0
 */
export function countReport(reportText: string | undefined, isOk: boolean): Counts {
  const report = parseReport(reportText);
  const filesFailed = (report.testResults ?? []).filter(
    (file) => file.status === "failed" && !(file.assertionResults ?? []).some((test) => test.status === "failed"),
  ).length;
  const failed = asCount(report.numFailedTests) + filesFailed;
  return {
    passed: asCount(report.numPassedTests),
    failed: failed === 0 && !isOk ? 1 : failed,
    skipped: asCount(report.numPendingTests) + asCount(report.numTodoTests),
  };
}

const MESSAGE_LINES = 12;

/** What failed, and the first lines of why: to stand at the end, where it is seen. */
export function failuresOf(reportText: string | undefined): string[] {
  return (parseReport(reportText).testResults ?? []).flatMap(({ name, status, message, assertionResults = [] }) => {
    if (status !== "failed") return [];
    const failed = assertionResults.filter((test) => test.status === "failed");
    if (failed.length === 0) return [`${name}\n${firstLines(message)}`];
    return failed.map(
      ({ fullName, failureMessages = [] }) => `${name}: ${fullName}\n${firstLines(failureMessages[0])}`,
    );
  });
}

function firstLines(text: unknown): string {
  const lines = String(text ?? "").split("\n");
  return lines
    .slice(0, MESSAGE_LINES)
    .map((line) => `    ${line}`)
    .join("\n");
}

/** The closing line: `412 passed, 0 failed`, with `, 3 skipped` where there are any. */
export function closingLine({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

/** A report that is missing or cut off counts nothing; the exit code tells of the failure. */
function parseReport(text: string | undefined): Report {
  if (text === undefined) return {};
  try {
    return JSON.parse(text) as Report;
  } catch {
    return {};
  }
}

function asCount(value: unknown): number {
  return typeof value === "number" && Number.isInteger(value) && value > 0 ? value : 0;
}
