/** Submitting, events, usage and settings in a real browser, over a real fleet. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectAccessible, picture, startBrowser, type TestBrowser } from "../../helpers/browser.ts";
import { type Fleet, startFleet } from "../../helpers/fleet.ts";

let fleet: Fleet;
let browser: TestBrowser;
const channels = mkdtempSync(join(tmpdir(), "exp-channels-"));
const SECRET = "hook-secret-77c1";

beforeAll(async () => {
  const file = join(channels, "channels.toml");
  writeFileSync(file, `[webhook.ci]\nurl = "http://127.0.0.1:9/${SECRET}"\nsecret = "${SECRET}"\n`, { mode: 0o600 });
  fleet = await startFleet({ agents: 1, cpuSlots: 2, coordinatorFlags: ["--channels", file] });
  browser = await startBrowser();
  await fleet.submit('name = "short"\nseeds = [1, 2]\nrun.command = ["sleep", "0.2"]\n');
  await fleet.done("short.1", 60_000);
});

afterAll(async () => {
  await browser?.[Symbol.asyncDispose]();
  await fleet?.[Symbol.asyncDispose]();
  rmSync(channels, { recursive: true, force: true });
});

test("a sweep file is pasted, mended where it is wrong, looked at, submitted", async () => {
  await browser.visit(fleet, "/submit", { expected: ["400"] }, async (page) => {
    const text = page.getByRole("textbox", { name: "or its text" });
    await text.fill('name = "pasted"\nruns.command = ["true"]\n');
    await page.getByRole("textbox", { name: "Directory on the hosts" }).fill(fleet.dir);
    await page.getByRole("button", { name: "Check" }).click();
    const problem = page.getByRole("alert");
    await problem.getByText("sweep.toml:2").waitFor();
    expect(await problem.innerText()).toContain("^");
    await expectAccessible(page);
    await picture(page, "submit-wrong");

    await text.fill(
      'name = "pasted"\nseeds = [1, 2]\nbase.size = "<b>bold</b>"\nrun.command = ["sleep", "0.1", "${size}"]\n',
    );
    await page.getByRole("button", { name: "Check" }).click();
    await page.getByText("2 new").waitFor();
    await page.getByText("Expanded in the order base, seeds; runs queue in the order: listed.").waitFor();
    await page.getByRole("cell", { name: "<b>bold</b>", exact: true }).first().waitFor();
    await page.getByText("exp submit sweep.toml").waitFor();
    await expectAccessible(page);
    await picture(page, "submit-plan", true);
    await page.getByRole("button", { name: "Submit 2 runs" }).click();
    await page.waitForURL("**/sweeps/pasted.1");
    expect((await fleet.runs("pasted.1")).map(({ params }) => params.size)).toEqual(["<b>bold</b>", "<b>bold</b>"]);
  });
});

test("a sweep file is chosen; what was typed is not lost by accident", async () => {
  const file = join(fleet.dir, "chosen.toml");
  writeFileSync(file, 'name = "chosen"\nrun.command = ["true"]\n');
  await browser.visit(fleet, "/submit", {}, async (page) => {
    await page.getByLabel("A sweep file of yours").setInputFiles(file);
    await page.getByText("exp submit chosen.toml").waitFor();
    const asked = new Promise<string>((resolve) => {
      page.once("dialog", (dialog) => {
        resolve(dialog.message());
        void dialog.dismiss();
      });
    });
    await page.getByRole("link", { name: "Fleet" }).click();
    expect(await asked).toContain("not kept");
    expect(new URL(page.url()).pathname).toBe("/submit");
  });
});

test("events by kind, in the address and in a file", async () => {
  await browser.visit(fleet, "/events", {}, async (page) => {
    await page.getByText("node-joined").last().waitFor();
    await page.getByRole("combobox", { name: "Kind" }).selectOption("submitted");
    await page.getByText("short.1: 2 runs").waitFor();
    expect(await page.locator(".events strong").allInnerTexts()).not.toContain("node-joined");
    expect(new URL(page.url()).search).toBe("?kind=submitted");
    const saved = page.waitForEvent("download");
    await page.getByRole("button", { name: "CSV" }).click();
    expect((await saved).suggestedFilename()).toBe("events.csv");
  });
});

describe.each([
  { language: "en", theme: "light", hours: "Hours", look: "Appearance", works: "works", any: "any" },
  { language: "zh", theme: "dark", hours: "小时", look: "外观", works: "正常", any: "全部" },
] as const)("in $language, $theme", ({ language, theme, hours, look, works, any }) => {
  test("usage, events, submit, settings", async () => {
    await browser.visit(fleet, "/usage", { language, theme }, async (page) => {
      await page.getByRole("columnheader", { name: hours }).waitFor();
      await page.getByRole("link", { name: "short.1" }).waitFor();
      await expectAccessible(page);
      await picture(page, `usage-${language}-${theme}`);
      await page.goto(`http://${fleet.http}/events`);
      await page.getByRole("combobox").filter({ hasText: any }).waitFor();
      await page.getByRole("link", { name: "node-1" }).first().waitFor();
      await expectAccessible(page);
      await picture(page, `events-${language}-${theme}`);
      await page.goto(`http://${fleet.http}/submit`);
      await page.getByRole("textbox").first().waitFor();
      await expectAccessible(page);
      await picture(page, `submit-${language}-${theme}`);
      await page.goto(`http://${fleet.http}/settings`);
      await page.getByRole("heading", { name: look }).waitFor();
      await page.getByText(works, { exact: true }).first().waitFor();
      await page.getByRole("row").filter({ hasText: "webhook" }).getByRole("rowheader", { name: "ci" }).waitFor();
      expect(await page.content()).not.toContain(SECRET);
      await expectAccessible(page);
      await picture(page, `settings-${language}-${theme}`);
    });
  });
});

test("the token of the tab is forgotten", async () => {
  await browser.visit(fleet, "/settings", {}, async (page) => {
    expect(page.url()).not.toContain("#t=");
    await page.getByRole("button", { name: "Forget it" }).click();
    await page.getByLabel("Access token").waitFor();
    await page.reload();
    await page.getByLabel("Access token").waitFor();
  });
});
