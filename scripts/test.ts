/**
 * test.ts [check|all|long]: the steps of a stage one after another, all of them even where one fails, and a closing line
 * `N passed, M failed`. Exit 1 where anything failed. scripts/test.sh starts it under the right Node.
 *
 * check: types, lint, generated code, unit (with the house rules), 60 s of simulation
 * all:   check, then contract, compat, integration, e2e
 * long:  all, with a longer simulation and longer fault loops (EXP_TEST_LONG=1)
 */
import { spawn } from "node:child_process";
import { globSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { addCounts, type Counts, closingLine, countReport, failuresOf, NO_COUNTS } from "./test-summary.ts";

type Stage = "check" | "all" | "long";

interface Step {
  readonly name: string;
  readonly command: readonly string[];
  /** Where the step is a vitest level: the file with its report. Other steps count as one test. */
  readonly report?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly limitMs: number;
}

const REPORTS = ".cache/test-reports";
const MINUTE_MS = 60_000;
/** Of the output of a step, to be shown again where it fails. */
const PIECES_KEPT = 20;
const OUTPUT_KEPT = 3_000;
const SIM_SECONDS: Readonly<Record<Stage, number>> = { check: 60, all: 60, long: 900 };

function check(name: string, ...command: string[]): Step {
  return { name, command, limitMs: 3 * MINUTE_MS };
}

function level(name: string, limitMinutes: number, env: Readonly<Record<string, string>> = {}): Step[] {
  if (globSync(`test/${name}/**/*.test.ts`).length === 0) return [];
  const report = `${REPORTS}/${name}.json`;
  const command = [
    "vitest",
    "run",
    "--project",
    name,
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${report}`,
  ];
  return [{ name, command, report, env, limitMs: limitMinutes * MINUTE_MS }];
}

function stepsOf(stage: Stage): readonly Step[] {
  const isLong = stage === "long";
  const slower = isLong ? 6 : 1;
  const long: Record<string, string> = isLong ? { EXP_TEST_LONG: "1" } : {};
  const steps = [
    check("types", "tsc", "-p", "."),
    check("types of the page", "tsc", "-p", "dashboard"),
    check("lint", "biome", "check", "--diagnostic-level=warn", "."),
    check("generated code", "sh", "scripts/gen.sh", "--check"),
    ...level("unit", 6),
    ...level("sim", 4 * slower, { EXP_SIM_SECONDS: String(SIM_SECONDS[stage]), ...long }),
  ];
  if (stage === "check") return steps;
  return [
    ...steps,
    ...level("contract", 3),
    ...level("compat", 6 * slower, long),
    ...level("integration", 12 * slower, long),
    // A quiet machine takes 8 minutes; the limit is for a hang, not for a slow machine.
    ...level("e2e", 25 * slower, long),
  ];
}

/** Runs a step with its output shown; resolves to whether it exited with 0 within its limit. */
function run({ name, command, env, limitMs }: Step, seen: string[]): Promise<boolean> {
  const [program = "", ...args] = command;
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, ...env } });
    child.stdout.on("data", (data: Buffer) => {
      process.stdout.write(data);
      seen.push(data.toString());
      if (seen.length > PIECES_KEPT) seen.shift();
    });
    const limit = setTimeout(() => {
      console.error(`${name}: not done after ${limitMs / MINUTE_MS} minutes, stopped`);
      child.kill("SIGTERM");
      // vitest ends its workers on TERM; one that hangs in native code needs the hard way.
      setTimeout(() => child.kill("SIGKILL"), 10_000).unref();
    }, limitMs);
    const forward = (signal: NodeJS.Signals) => child.kill(signal);
    process.once("SIGTERM", forward).once("SIGINT", forward);
    const finish = (isOk: boolean) => {
      clearTimeout(limit);
      process.off("SIGTERM", forward).off("SIGINT", forward);
      resolve(isOk);
    };
    child.once("error", (error) => {
      console.error(`${name}: ${program} does not start: ${error.message}`);
      finish(false);
    });
    child.once("close", (code, signal) => {
      if (signal === "SIGINT" || code === 130) isInterrupted = true;
      finish(code === 0);
    });
  });
}

function readReport(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // A step that died before it wrote one; its exit code counts.
    return undefined;
  }
}

async function runStep(step: Step, failures: string[]): Promise<Counts> {
  console.log(`\n== ${step.name}`);
  const startedMs = performance.now();
  const seen: string[] = [];
  const isOk = await run(step, seen);
  const report = step.report && readReport(step.report);
  const counts = step.report ? countReport(report, isOk) : { ...NO_COUNTS, passed: isOk ? 1 : 0, failed: isOk ? 0 : 1 };
  if (counts.failed > 0) {
    const named = failuresOf(report);
    const shown = named.length > 0 ? named : [seen.join("").slice(-OUTPUT_KEPT)];
    failures.push(...shown.map((text) => `${step.name}: ${text}`));
  }
  console.log(`${step.name}: ${closingLine(counts)} (${((performance.now() - startedMs) / 1000).toFixed(1)} s)`);
  return counts;
}

let isInterrupted = false;
const stage = process.argv[2] ?? "all";
if (stage !== "check" && stage !== "all" && stage !== "long") {
  console.error(`test.ts: no stage "${stage}"; there are check, all and long`);
  process.exitCode = 2;
} else {
  rmSync(REPORTS, { recursive: true, force: true });
  mkdirSync(REPORTS, { recursive: true });
  let total = NO_COUNTS;
  const failedSteps: string[] = [];
  const failures: string[] = [];
  for (const step of stepsOf(stage)) {
    if (isInterrupted) break;
    const counts = await runStep(step, failures);
    if (counts.failed > 0) failedSteps.push(step.name);
    total = addCounts(total, counts);
  }
  if (failedSteps.length > 0) console.log(`\n${failures.join("\n\n")}\n\nfailed: ${failedSteps.join(", ")}`);
  if (isInterrupted) console.log("\ninterrupted: not every step was run");
  console.log(`\n${closingLine(total)}`);
  process.exitCode = isInterrupted ? 130 : total.failed > 0 || total.passed === 0 ? 1 : 0;
}
