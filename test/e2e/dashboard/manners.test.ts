/** What holds for every view: each action says its command, each table has a CSV button. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Page, startBrowser, type TestBrowser } from "../../helpers/browser.ts";
import { startCurveFleet } from "../../helpers/curve-fleet.ts";
import type { Fleet } from "../../helpers/fleet.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

let fleet: Fleet;
let browser: TestBrowser;

beforeAll(async () => {
  fleet = await startCurveFleet();
  browser = await startBrowser();
});

afterAll(async () => {
  await browser?.[Symbol.asyncDispose]();
  await fleet?.[Symbol.asyncDispose]();
});

const runOf = async (ref: string) => (await fleet.runs("long.1")).find((run) => run.ref === ref);
const priorityOf = async (ref: string) => (await runOf(ref))?.priority;

/** Carries out a command that the page shows. */
async function type(page: Page, command: string): Promise<void> {
  await page.getByText(command, { exact: true }).first().waitFor();
  const { code, stderr } = await fleet.exp(...command.split(" ").slice(1));
  expect([code, code === 0 ? "" : stderr]).toEqual([0, ""]);
}

test("a run: priority, hold, star, each by button and by the command beside it", async () => {
  await browser.visit(fleet, "/runs/long.1.8", {}, async (page) => {
    await page.getByRole("spinbutton", { name: "Priority" }).fill("-5");
    await page.getByRole("button", { name: "Set", exact: true }).click();
    await waitUntil("priority -5", async () => (await priorityOf("long.1.8")) === -5);
    await page.getByRole("spinbutton", { name: "Priority" }).fill("-4");
    await type(page, "exp edit long.1.8 --priority=-4");
    await waitUntil("priority -4", async () => (await priorityOf("long.1.8")) === -4);
    await type(page, "exp edit long.1.8 --favourite");
    await page.getByRole("button", { name: "Favourite", pressed: true }).waitFor();
    await type(page, "exp edit long.1.8 --no-favourite");
    await type(page, "exp pause long.1.8");
    await page.getByRole("button", { name: "Let go" }).waitFor();
    await page.getByText("exp cancel long.1.8", { exact: true }).waitFor();
    await type(page, "exp resume long.1.8");
    await page.getByRole("button", { name: "Hold" }).waitFor();
  });
});

test("several runs of the table, and a whole sweep, get a priority", async () => {
  await browser.visit(fleet, "/runs?sweep=long.1", {}, async (page) => {
    for (const ref of ["long.1.6", "long.1.7"]) await page.getByRole("checkbox", { name: ref, exact: true }).check();
    await page.getByRole("spinbutton", { name: "Priority" }).fill("2");
    await page.getByText("exp edit long.1.6-7 --priority 2").waitFor();
    await page.getByText("exp retry long.1.6-7").waitFor();
    await page.getByRole("button", { name: "Set", exact: true }).click();
    await page.getByRole("status").getByText("2 runs at priority 2").waitFor();
    await page.goto(`http://${fleet.http}/sweeps/long.1`);
    await page.getByRole("spinbutton", { name: "Priority" }).fill("3");
    await page.getByText("exp cancel long.1", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Set", exact: true }).click();
    await waitUntil("all at 3", async () => (await fleet.runs("long.1")).every(({ priority }) => priority === 3));
  });
});

test("the queue: the row of the cursor says what its keys do", async () => {
  await browser.visit(fleet, "/queue", {}, async (page) => {
    await page.getByText("exp ls --state queued --state held").waitFor();
    await page.getByRole("link", { name: "long.1.8" }).waitFor();
    await page.keyboard.press("j");
    const ref = await page.locator(".command code").first().innerText();
    expect(ref).toMatch(/^exp why long\.1\.\d$/);
    const run = ref.slice("exp why ".length);
    await type(page, `exp edit ${run} --priority ${((await priorityOf(run)) ?? 0) + 1}`);
    await page.getByText(`exp pause ${run}`, { exact: true }).waitFor();
    await page.keyboard.press("?");
    await page.getByRole("dialog").getByText("hold a run or let it go, in the queue").waitFor();
  });
});

test("a stream with other topics goes on from the last event of the one before", async () => {
  await browser.visit(fleet, "/runs?sweep=long.1", {}, async (page) => {
    await page.getByRole("status").filter({ hasText: "live" }).waitFor();
    const asked: { readonly topics: string; readonly last: string | undefined }[] = [];
    page.on("request", (request) => {
      const url = new URL(request.url());
      if (url.pathname !== "/api/v1/stream") return;
      asked.push({ topics: url.searchParams.get("topics") ?? "", last: request.headers()["last-event-id"] });
    });
    // An event has come, and with it an id.
    await fleet.exp("edit", "long.1.8", "--priority", "9");
    await page.getByRole("link", { name: "long.1.1", exact: true }).click();
    await page.getByRole("button", { name: "Favourite" }).waitFor();
    await waitUntil("another stream", () => asked.length > 0, { seen: () => asked });
    expect(asked.at(-1)?.topics).toContain("run:long.1.1");
    expect(asked.at(-1)?.last).toMatch(/^\d+\.\d+$/);
    await fleet.exp("edit", "long.1.1", "--favourite");
    await page.getByRole("button", { name: "Favourite", pressed: true }).waitFor();
    await fleet.exp("edit", "long.1.1", "--no-favourite");
    await page.getByRole("button", { name: "Favourite", pressed: false }).waitFor();
  });
});

/**
 * Looks in the page, legends of charts left out: a table is without where the smallest part around it that has a CSV button
 * has more tables than buttons.
 */
const LOOK_AT_TABLES = `(() => {
  const tables = [...document.querySelectorAll("main table:not(.u-legend)")];
  const isCsv = (one) => one.textContent.trim() === "CSV";
  const without = tables.filter((table) => {
    for (let around = table.parentElement; around; around = around.parentElement) {
      const buttons = [...around.querySelectorAll("button")].filter(isCsv).length;
      if (buttons > 0) return around.querySelectorAll("table:not(.u-legend)").length > buttons;
    }
    return true;
  });
  return { tables: tables.length, without: without.map((table) => table.textContent.slice(0, 80)) };
})()`;

function tablesOf(page: Page): Promise<{ tables: number; without: string[] }> {
  return page.evaluate(LOOK_AT_TABLES) as Promise<{ tables: number; without: string[] }>;
}

test("beside each table of each view is a CSV button", async () => {
  expect((await fleet.exp("cancel", "long.1", "--yes")).code).toBe(0);
  await fleet.submit('name = "waits"\nhold = true\nrun.command = ["true"]\n');
  await fleet.submit(`
    name = "keeps"
    base.lr = 0.1
    run.command = ["sh", "-c", "echo kept > best.ckpt"]
    capture.artifacts = ["*.ckpt"]
  `);
  await fleet.done("keeps.1", 60_000);
  /** Address, and how many tables must be there at least. */
  const views: [path: string, tables: number][] = [
    ["/queue", 1],
    ["/runs", 1],
    ["/sweeps", 1],
    ["/sweeps/curves.1", 1],
    ["/sweeps/curves.1?view=explore", 1],
    ["/sweeps/curves.1?view=runs", 1],
    ["/runs/keeps.1.1", 4],
    ["/runs/curves.1.1", 2],
    ["/compare?runs=curves.1.1,curves.1.4", 1],
    ["/nodes/node-1", 3],
    ["/usage?kind=cpu", 1],
    ["/settings", 1],
  ];
  await browser.visit(fleet, "/", {}, async (page) => {
    for (const [path, least] of views) {
      await page.goto(`http://${fleet.http}${path}`);
      await waitUntil(`the tables of ${path}`, async () => (await tablesOf(page)).tables >= least, {
        boundMs: 20_000,
        seen: () => path,
      });
      // What is folded has tables too.
      for (const summary of await page.locator("details.unfold summary").all()) await summary.click();
      expect([path, (await tablesOf(page)).without]).toEqual([path, []]);
    }
    await page.goto(`http://${fleet.http}/submit`);
    await page.getByRole("textbox", { name: "or its text" }).fill('name = "p"\nrun.command = ["true"]\n');
    await page.getByRole("textbox", { name: "Directory on the hosts" }).fill(fleet.dir);
    await page.getByRole("button", { name: "Check" }).click();
    const saved = page.waitForEvent("download");
    await page.getByRole("button", { name: "CSV" }).click();
    expect(readFileSync(await (await saved).path(), "utf8")).toContain("index,reused_from,command\r\n");
    expect((await tablesOf(page)).without).toEqual([]);
  });
});
