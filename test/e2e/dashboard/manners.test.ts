/** What holds for every view: each action says its command, each table has a CSV button. */
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
