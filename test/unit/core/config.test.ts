/** Settings of the coordinator that only make sense within bounds. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { coordinatorConfigOf, loadCoordinatorConfig } from "../../../coordinator/config.ts";

function shortRunMs(text: string): number {
  const dir = mkdtempSync(join(tmpdir(), "exp-config-"));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const file = join(dir, "bus.json");
  const user = { user: "u", password: "p" };
  writeFileSync(file, JSON.stringify({ servers: ["nats://127.0.0.1:1"], coordinator: user, agent: user }), {
    mode: 0o600,
  });
  const flags = { data: dir, "bus-credentials": file, "short-run": text };
  const { values } = loadCoordinatorConfig({ flags, env: {}, envPrefix: "EXP_COORDINATOR", file: undefined });
  return coordinatorConfigOf(values).core.shortRunMs;
}

test.each([
  ["0s", 0],
  ["1s", 1_000],
  ["30s", 30_000],
])("short-run %s", (text, ms) => expect(shortRunMs(text)).toBe(ms));

test("short-run beyond what a host waits for", () => {
  expect(() => shortRunMs("31s")).toThrow("short-run must be at most 30000ms");
});
