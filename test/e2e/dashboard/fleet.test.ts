/** The fleet view in a real browser, over a real fleet. */
import { expect, test } from "vitest";
import type { FleetNode } from "../../../shared/run/dashboard.ts";
import { expectAccessible, picture, startBrowser } from "../../helpers/browser.ts";
import { startFleet } from "../../helpers/fleet.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

test("the fleet, its devices, and the ways out of it", async () => {
  await using fleet = await startFleet({ agents: 2, gpus: "fake:4x80GB" });
  await using browser = await startBrowser();
  await fleet.submit(`
    name = "work"
    seeds = [0, 1]
    run.command = ["sleep", "600"]
    resources.gpus = 1
    limits.stop_grace = "1s"
  `);
  const busy = async () =>
    (await fleet.api<FleetNode[]>("/nodes")).flatMap(({ devices }) => devices.filter(({ run }) => run !== null));
  await waitUntil(
    "hosts say how busy both devices are",
    async () => (await busy()).filter(({ use }) => use?.utilizationPercent != null).length === 2,
    { boundMs: 60_000 },
  );
  const [device] = await busy();
  // As the fake driver has it: whatever is measured tells the index of the device.
  expect(device?.use).toMatchObject({
    gpu: 0,
    utilizationPercent: 50 + (device?.index ?? 0),
    memoryBytes: (device?.memoryBytes ?? 0) / 2,
    powerWatts: 100 + (device?.index ?? 0),
    temperatureCelsius: 40 + (device?.index ?? 0),
  });
  const nodeOf = async (ref: string) =>
    (await fleet.api<FleetNode[]>("/nodes")).find(({ devices }) => devices.some(({ runs }) => runs.includes(ref)))
      ?.name;
  await browser.visit(fleet, "/", {}, async (page) => {
    await page.getByRole("heading", { name: "node-2" }).waitFor();
    await page.getByRole("status").filter({ hasText: "live" }).waitFor();
    const cell = page.getByRole("link", { name: /runs our work, run work\.1\.1,.* % busy, \d+ GB of \d+ GB in use/ });
    await cell.getByText("°C").first().waitFor();
    expect(await page.locator(".device-read").count()).toBe(2);
    expect(await page.locator(".device-free .device-fill").count()).toBe(0);
    await expectAccessible(page);
    await picture(page, "fleet-en-light");
    await cell.hover();
    const card = page.getByRole("tooltip");
    await card.getByText(/since \d{4}-/).waitFor();
    await card.getByRole("img", { name: "How busy it was in the last ten minutes" }).waitFor();
    await expectAccessible(page);
    await picture(page, "fleet-card-en-light");
    await page.mouse.move(0, 0);
    await card.waitFor({ state: "detached" });
    await cell.focus();
    await card.waitFor();
    await page.keyboard.press("Escape");
    await card.waitFor({ state: "detached" });
    await page.keyboard.press("?");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
  });
  await fleet.submit(`
    name = "halves"
    seeds = [0, 1]
    run.command = ["sleep", "601"]
    resources = { gpus = 1, gpu_share = 0.4 }
    limits.stop_grace = "1s"
  `);
  await browser.visit(fleet, "/", {}, async (page) => {
    const shared = page.getByRole("link", { name: /run halves\.1\.1, run halves\.1\.2, 0\.8 of it in use/ });
    await shared.hover();
    const card = page.getByRole("tooltip");
    await card.getByText("halves.1.1").waitFor();
    await card.getByText("halves.1.2").waitFor();
    await card.getByText("0.8 of it in use").waitFor();
    await expectAccessible(page);
    await picture(page, "fleet-shared-en-light");
  });
  await browser.visit(fleet, `/nodes/${await nodeOf("halves.1.1")}`, {}, async (page) => {
    await page.getByRole("link", { name: "halves.1.1" }).first().waitFor();
    await page.getByRole("link", { name: "halves.1.2" }).first().waitFor();
  });
  await fleet.submit(`
    name = "both"
    run.command = "echo this is rank \${run.rank}; sleep 602"
    resources = { nodes = 2, gpus = 1 }
    limits.stop_grace = "1s"
  `);
  await browser.visit(fleet, "/runs/both.1.1", {}, async (page) => {
    await page.getByText("this is rank 0").waitFor();
    const ranks = page.getByRole("navigation", { name: "nodes of the run" });
    await ranks.getByRole("button", { name: /rank 1, node-2/ }).click();
    await page.getByText("this is rank 1").waitFor();
    await page.getByText("exp logs both.1.1 --rank 1 -f").waitFor();
    await page.getByText(/node-1: GPU-\S+; node-2: GPU-/).waitFor();
    await expectAccessible(page);
    await picture(page, "run-ranks-en-light");
  });
  await browser.visit(fleet, "/", { language: "zh", theme: "dark" }, async (page) => {
    await page.getByRole("heading", { name: "集群" }).waitFor();
    await page.getByRole("link", { name: /运行 work\.1\.2.*利用率/ }).hover();
    await page.getByRole("tooltip").getByRole("img", { name: "最近十分钟的利用率" }).waitFor();
    await expectAccessible(page);
    await picture(page, "fleet-zh-dark");
  });
});
