/** The fleet view in a real browser, over a real fleet. */
import { test } from "vitest";
import { expectAccessible, picture, startBrowser } from "../../helpers/browser.ts";
import { startFleet } from "../../helpers/fleet.ts";

test("the fleet, its devices, and the ways out of it", async () => {
  await using fleet = await startFleet({ agents: 2, gpus: "fake:4x80GB" });
  await using browser = await startBrowser();
  await browser.visit(fleet, "/", {}, async (page) => {
    await page.getByRole("heading", { name: "node-2" }).waitFor();
    await page.getByRole("status").filter({ hasText: "live" }).waitFor();
    await expectAccessible(page);
    await picture(page, "fleet-en-light");
    await page.keyboard.press("?");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
  });
  await browser.visit(fleet, "/", { language: "zh", theme: "dark" }, async (page) => {
    await page.getByRole("heading", { name: "集群" }).waitFor();
    await expectAccessible(page);
    await picture(page, "fleet-zh-dark");
  });
});
