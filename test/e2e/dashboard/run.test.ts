/** The page of a run, its output and its node in a real browser, over a fleet with real runs. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { program } from "../../helpers/attempts.ts";
import { expectAccessible, type Page, picture, startBrowser, type TestBrowser } from "../../helpers/browser.ts";
import { type Fleet, startFleet } from "../../helpers/fleet.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

/** About 4 MB of output: more than one part of the window. */
const LINES = 60_000;
const HOSTILE = "<img src=x onerror=pwn()>";

let fleet: Fleet;
let browser: TestBrowser;

beforeAll(async () => {
  fleet = await startFleet({ agents: 1, gpus: "fake:2x80GB", cpuSlots: 4 });
  browser = await startBrowser();
  await fleet.submit(`
    name = "curve"
    seeds = [1, 2]
    run.command = [${JSON.stringify(program("curve"))}, "0.1", "64", "adam", "\${seed}"]
    resources.gpus = 1
  `);
  await fleet.submit(`
    name = "hostile"
    [base]
    payload = ${JSON.stringify(`"><script>pwn()</script>${HOSTILE}`)}
    formula = "=1+1"
    [run]
    command = [${JSON.stringify(program("hostile"))}, "\${payload}"]
  `);
  await fleet.done("curve.1", 60_000);
  await fleet.done("hostile.1", 60_000);
  await fleet.submit(`
    name = "talk"
    run.command = [${JSON.stringify(program("talkative"))}, "${LINES}"]
    limits.stop_grace = "1s"
  `);
  await waitUntil("talk.1.1 runs", async () => (await fleet.runs("talk.1"))[0]?.state === "running", {
    boundMs: 30_000,
  });
});

afterAll(async () => {
  await browser?.[Symbol.asyncDispose]();
  await fleet?.[Symbol.asyncDispose]();
});

describe.each([
  { language: "en", theme: "light", metrics: "Metrics", devices: "Devices" },
  { language: "zh", theme: "dark", metrics: "指标", devices: "设备" },
] as const)("in $language, $theme", ({ language, theme, metrics, devices }) => {
  test("a finished run and its node", async () => {
    await browser.visit(fleet, "/runs/curve.1.1", { language, theme }, async (page) => {
      await page.getByRole("heading", { name: metrics }).waitFor();
      await page.locator(".u-over").first().waitFor();
      await expectAccessible(page);
      await picture(page, `run-${language}-${theme}`, true);
      await page.getByRole("link", { name: "node-1" }).first().click();
      await page.getByRole("heading", { name: devices }).waitFor();
      await page.getByRole("link", { name: "talk.1.1" }).first().waitFor();
      await expectAccessible(page);
      await picture(page, `node-${language}-${theme}`, true);
    });
  });
});

test("curves: over a metric, on log axes, smoothed, zoomed to what is exact, all in the address", async () => {
  await browser.visit(fleet, "/runs/curve.1.1", {}, async (page) => {
    const plot = page.locator(".u-over").first();
    await plot.waitFor();
    await page.getByRole("checkbox", { name: "log y" }).check();
    await page.getByRole("checkbox", { name: "without outliers" }).check();
    await page.getByRole("slider", { name: "Smooth" }).fill("0.6");
    await page.getByRole("combobox", { name: "Over" }).selectOption("time");
    await page.getByRole("combobox", { name: "Over" }).selectOption("step");
    await plot.waitFor();
    const box = await plot.boundingBox();
    if (!box) throw new Error("the chart has no place");
    await page.mouse.move(box.x + box.width * 0.25, box.y + 60);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.5, box.y + 60, { steps: 4 });
    await page.mouse.up();
    await page.getByRole("button", { name: "Whole range" }).waitFor();
    const query = new URL(page.url()).searchParams;
    expect([query.get("smooth"), query.get("logy"), query.get("clip")]).toEqual(["0.6", "1", "1"]);
    expect(Number(query.get("from"))).toBeGreaterThan(0);
    await picture(page, "run-zoomed");
    await page.reload();
    await page.getByRole("button", { name: "Whole range" }).click();
    expect(new URL(page.url()).searchParams.get("from")).toBeNull();
  });
});

test("from a point of a curve to the output of that moment, and to a time that is typed", async () => {
  await fleet.submit(`
    name = "paced"
    run.command = ["sh", "-c", "i=0; while [ $i -lt 24 ]; do i=$((i+1)); printf '{\\"e\\":\\"m\\",\\"t\\":%s,\\"s\\":%s,\\"v\\":{\\"loss\\":%s}}\\n' $(date +%s) $i $i >> $EXP_EVENTS; n=0; while [ $n -lt 200 ]; do n=$((n+1)); echo round $i line $n; done; sleep 0.5; done"]
  `);
  await fleet.done("paced.1", 60_000);
  await browser.visit(fleet, "/runs/paced.1.1", {}, async (page) => {
    await page.getByRole("log").getByText("round 24 line 200").waitFor();
    const plot = page.locator(".u-over").first();
    const box = await plot.boundingBox();
    if (!box) throw new Error("the chart has no place");
    await plot.click({ position: { x: box.width / 2, y: box.height / 2 } });
    await page.waitForURL(/[?&]at=\d+/);
    // What is shown is from the middle, give or take the time between two notes.
    await page
      .getByRole("log")
      .getByText(/^round (?:[5-9]|1[0-6]) line/)
      .first()
      .waitFor();
    expect(await page.getByRole("log").getByText("round 24 line 200").count()).toBe(0);

    const field = page.getByRole("textbox", { name: "At time" });
    await field.fill("soon");
    await page.getByRole("button", { name: "Go", exact: true }).click();
    await page.getByText("not a duration such as 1h30m").waitFor();
    await field.fill("0s");
    await page.getByRole("button", { name: "Go", exact: true }).click();
    await page.getByRole("log").getByText("round 1 line 1", { exact: true }).waitFor();
    expect(new URL(page.url()).searchParams.get("at")).toBe("0");
    await expectAccessible(page);
  });
});

test("star, tags and note", async () => {
  await browser.visit(fleet, "/runs/curve.1.2", {}, async (page) => {
    await page.getByRole("button", { name: "Favourite", pressed: false }).click();
    await page.getByRole("button", { name: "Favourite", pressed: true }).waitFor();
    await page.getByRole("button", { name: "Tags and note" }).click();
    await page.getByRole("textbox", { name: "Tags" }).fill("good, baseline");
    await page.getByRole("textbox", { name: "Note" }).fill(HOSTILE);
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.getByText("baseline").waitFor();
    await page.getByText(HOSTILE).waitFor();
    await page.reload();
    await page.getByText("baseline").waitFor();
    await expectAccessible(page);
  });
});

test("hostile names, values, keys and output are text", async () => {
  for (const path of ["/runs/hostile.1.1", "/runs?sweep=hostile.1", "/sweeps/hostile.1", "/events"]) {
    await browser.visit(fleet, path, {}, async (page) => {
      const dialogs: string[] = [];
      page.on("dialog", (dialog) => {
        dialogs.push(dialog.message());
        void dialog.dismiss();
      });
      await page.getByText("hostile.1").first().waitFor();
      if (path.startsWith("/runs/")) await lookAtHostile(page);
      expect(dialogs).toEqual([]);
      expect(await page.locator("img, iframe, object, embed, script:not([src])").count()).toBe(0);
      expect(await page.locator("a[href^='javascript:']").count()).toBe(0);
      expect(await page.title()).toBe("ExpFleet");
      expect(await page.locator("[onerror], [onclick], [onload]").count()).toBe(0);
    });
  }
});

async function lookAtHostile(page: Page): Promise<void> {
  const log = page.getByRole("log");
  await log.getByText("the end of the hostile output").waitFor();
  const shown = await log.innerText();
  for (const line of ["<script>pwn()</script>", HOSTILE, "click me", "after the title", "moved", "order gnp.exe"]) {
    expect(shown).toContain(line);
  }
  expect(shown).toContain("bar done");
  expect(shown).not.toMatch(/55%|javascript:|title taken|\u202e/);
  expect(await log.locator(".ansi-1.ansi-bold").innerText()).toBe("red line");
  for (const key of [HOSTILE, "'\"><script>pwn()</script>", "a,b", "javascript:pwn()"]) {
    await page.locator("figcaption", { hasText: key }).first().waitFor();
  }
  await page.getByRole("cell", { name: '"><script>' }).first().waitFor();
  await expectAccessible(page);
  await picture(page, "run-hostile", true);
}

test("output: follows, stays where one scrolls, is searched whole, comes back to its end", async () => {
  await browser.visit(fleet, "/runs/talk.1.1", {}, async (page) => {
    const log = page.getByRole("log");
    await log
      .getByText(/^step \d+$/)
      .last()
      .waitFor();
    await page.locator(".u-over").first().waitFor();
    const follow = page.getByRole("button", { name: "Follow" });
    await log.hover();
    await page.mouse.wheel(0, -3_000);
    await page.getByRole("button", { name: "Follow", pressed: false }).waitFor();
    const before = await log.evaluate((element) => element.scrollTop);
    const points = await page
      .getByText(/^\d+ points$/)
      .first()
      .innerText();
    await page.getByText(points, { exact: true }).first().waitFor({ state: "detached" });
    expect(await log.evaluate((element) => element.scrollTop)).toBe(before);

    await page.getByRole("searchbox", { name: "Search" }).fill("NEEDLE");
    await page.getByText("1 lines").waitFor();
    await page.getByRole("button", { name: "Next" }).click();
    await log.getByText("line 1000 needle").waitFor();
    await page.locator(".log-current").waitFor();
    await page.getByRole("searchbox", { name: "Search" }).fill("");
    await page.getByRole("button", { name: "Beginning" }).click();
    await log.getByText("line 1 ...").waitFor();
    await follow.click();
    await page.getByRole("button", { name: "Follow", pressed: true }).waitFor();
    await log
      .getByText(/^step \d+$/)
      .last()
      .waitFor();
    await picture(page, "run-live", true);
  });
});

test("a node is cordoned and opened again, with the command shown", async () => {
  const stateOf = async () => (await fleet.api<{ name: string; state: string }[]>("/nodes"))[0]?.state;
  await browser.visit(fleet, "/nodes/node-1", {}, async (page) => {
    await page.getByRole("button", { name: "Cordon", exact: true }).click();
    await page.getByText("exp cordon node-1").waitFor();
    await page.getByRole("button", { name: "Cordon it" }).click();
    await page.getByText("node-1 takes no new runs").waitFor();
    expect(await stateOf()).toBe("cordoned");
    await page.getByRole("button", { name: "Uncordon", exact: true }).click();
    await page.getByRole("button", { name: "Uncordon it" }).click();
    await page.getByRole("button", { name: "Cordon", exact: true }).waitFor();
    expect(await stateOf()).toBe("ready");
  });
});

test("a run is cancelled, and one that is not there is said to be none", async () => {
  await browser.visit(fleet, "/runs/talk.1.1", {}, async (page) => {
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.locator(".run-head").getByText("cancelled").first().waitFor();
    await page.getByRole("button", { name: "Retry" }).waitFor();
  });
  await browser.visit(fleet, "/runs/talk.1.9", { expected: ["404", "400"] }, async (page) => {
    await page.getByRole("alert").getByText("talk.1").waitFor();
    await page.getByRole("status").filter({ hasText: "live" }).waitFor();
  });
});
