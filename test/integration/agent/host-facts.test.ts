import { availableParallelism, hostname, release, totalmem } from "node:os";
import { expect, it } from "vitest";
import { hostFacts } from "../../../agent/device/host-facts.ts";

it("tells what this machine is", async () => {
  const facts = await hostFacts("550.54.15");
  expect(facts).toMatchObject({
    hostname: hostname(),
    kernel: release(),
    memoryBytes: totalmem(),
    driverVersion: "550.54.15",
  });
  expect(facts.cpuCount).toBeGreaterThanOrEqual(availableParallelism());
  expect(facts.os).not.toBe("");
});
