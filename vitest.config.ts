/**
 * The test levels as vitest projects: `vitest run --project unit`. Each level has its own folder, its own bounds on time, and
 * as many files at once as its tests bear on two cores. A test that needs longer than its level allows says so itself.
 */
import { defineConfig, type TestProjectConfiguration } from "vitest/config";

interface Level {
  readonly name: string;
  readonly include: readonly string[];
  readonly timeoutMs: number;
  /** Test files at once. */
  readonly workers: number;
  /** Whether its tests start a real nats-server and a coordinator with its page. */
  readonly nats: boolean;
}

const LEVELS: readonly Level[] = [
  { name: "unit", include: ["test/unit/**", "test/tidy.test.ts"], timeoutMs: 30_000, workers: 2, nats: false },
  { name: "contract", include: ["test/contract/**"], timeoutMs: 30_000, workers: 2, nats: true },
  { name: "compat", include: ["test/compat/**"], timeoutMs: 120_000, workers: 2, nats: false },
  { name: "sim", include: ["test/sim/**"], timeoutMs: 180_000, workers: 2, nats: false },
  { name: "integration", include: ["test/integration/**"], timeoutMs: 60_000, workers: 2, nats: true },
  { name: "e2e", include: ["test/e2e/**"], timeoutMs: 240_000, workers: 1, nats: true },
];

function project({ name, include, timeoutMs, workers, nats }: Level): TestProjectConfiguration {
  return {
    test: {
      name,
      include: include.map((glob) => (glob.endsWith("**") ? `${glob}/*.test.ts` : glob)),
      pool: "forks",
      maxWorkers: workers,
      // Those of the other levels may also fail by waiting in vain for what they are about.
      expect: { requireAssertions: name === "unit" },
      testTimeout: timeoutMs,
      hookTimeout: timeoutMs,
      globalSetup: [
        ...(nats ? ["test/helpers/find-nats-server.ts", "test/helpers/build-dashboard.ts"] : []),
        ...(name === "e2e" ? ["test/helpers/find-browser.ts"] : []),
      ],
    },
  };
}

export default defineConfig({
  test: {
    projects: LEVELS.map(project),
    passWithNoTests: false,
    // A left-over timer, socket or process shows as a run that does not end; this bounds it and fails.
    teardownTimeout: 10_000,
  },
});
