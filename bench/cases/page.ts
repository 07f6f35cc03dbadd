/**
 * The page in a real browser: a table of 100,000 runs until it is usable, sorted, filtered, scrolled; a run with 1,000,000
 * points until its curve is drawn; an output of 50 MB scrolled and searched. Held against what the page promises.
 */
import { type Page, startBrowser } from "../../test/helpers/browser.ts";
import { startPageFleet } from "./page-fleet.ts";
import { fixed, median, quantile, type Row } from "./stats.ts";

const POINTS = 1_000_000;
const OUTPUT_BYTES = 50 * 1024 * 1024;
const ROUNDS = 5;
const SCROLL_FRAMES = 300;
/** One notch of a wheel in each frame: four rows. */
const SCROLL_PX = 120;
/** Whether a row within the scrolled `element` is drawn without its values. */
const WAITING_ROW = `[...element.querySelectorAll("tbody tr[aria-rowindex]")].some((row) =>
  row.lastElementChild.textContent === "…" &&
  row.offsetTop + row.offsetHeight > element.scrollTop + 30 && row.offsetTop < element.scrollTop + element.clientHeight)`;

export async function page(): Promise<Row[]> {
  await using fleet = await startPageFleet();
  const points = `for i in range(${POINTS}): f.write('{"e":"m","s":%d,"v":{"loss":%.6f}}\\\\n' % (i, math.sin(i / 5e4) + i % 7 / 50))`;
  const { sweep: curve } = await fleet.submit(`
    name = "points"
    run.command = ["python3", "-c", "import math, os\\nwith open(os.environ['EXP_EVENTS'], 'a') as f:\\n  ${points.replaceAll('"', '\\"')}"]
  `);
  const { sweep: output } = await fleet.submit(`
    name = "output"
    run.command = ["sh", "-c", "yes 'epoch 12 step 3456 loss 0.123456 grad_norm 1.2345 lr 0.000300' | head -c ${OUTPUT_BYTES - 100}; echo; echo needle"]
  `);
  await fleet.done(curve, 300_000);
  await fleet.done(output, 300_000);
  const rows: Row[] = [];
  const add = (what: string, times: readonly number[], target: string) =>
    rows.push({ what, value: `${fixed(median(times), 0)} ms`, against: target });

  await using browser = await startBrowser();
  const origin = `http://${fleet.http}`;
  await browser.visit(fleet, "/settings", {}, async (page) => {
    await page.getByRole("heading", { name: "Server" }).waitFor();
    const firstRow = ".table tbody a";
    const opened: number[] = [];
    const fleetOpened: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      opened.push(
        await timed(page, () => page.goto(`${origin}/runs`), `document.querySelector(${JSON.stringify(firstRow)})`),
      );
      fleetOpened.push(
        await timed(page, () => page.goto(`${origin}/`), "document.querySelectorAll('.device').length > 400"),
      );
    }
    add("fleet of 50 nodes x 8 GPUs drawn, from an empty tab", fleetOpened, "1,000 ms");
    add("table of 100,000 runs usable, from an empty tab", opened, "1,000 ms");

    await page.goto(`${origin}/runs`);
    await page.locator(firstRow).first().waitFor();
    const sorted: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const before = await page.locator(firstRow).first().innerText();
      const head = page.getByRole("button", { name: /^lr|^param|^seed/ }).first();
      sorted.push(
        await timed(
          page,
          () => head.click(),
          `document.querySelector(${JSON.stringify(firstRow)})?.innerText !== ${JSON.stringify(before)}`,
        ),
      );
    }
    add("sort by a parameter, until other rows are drawn", sorted, "300 ms");
    const filtered: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      await page.locator("[data-filter]").fill(`lr < 0.0${10 + round} and state == 'succeeded'`);
      const before = await page.locator("h1").locator("..").innerText();
      filtered.push(
        await timed(
          page,
          () => page.keyboard.press("Enter"),
          `document.querySelector("h1").parentElement.innerText !== ${JSON.stringify(before)}`,
        ),
      );
    }
    add("filter, until the new count is shown", filtered, "300 ms");

    await page.goto(`${origin}/runs`);
    await page.locator(firstRow).first().waitFor();
    const scroll = await scrolled(page, ".table-scroll", WAITING_ROW);
    rows.push({
      what: `table scrolled ${SCROLL_FRAMES} x ${SCROLL_PX} px: frames with a row that waits for its data`,
      value: `${fixed(100 * scroll.blank, 1)} %`,
      against: `frames: median ${fixed(scroll.median, 1)} ms, 99 % within ${fixed(scroll.late, 1)} ms`,
    });

    const drawn: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      await page.goto(`${origin}/settings`);
      drawn.push(
        await timed(
          page,
          () => page.goto(`${origin}/runs/${curve}.1`),
          "document.querySelector('.u-over') && document.querySelector('.charts .hint')?.innerText.includes('1,000,000')",
        ),
      );
    }
    rows.push({
      what: "curve of 1,000,000 points drawn, the first time",
      value: `${fixed(drawn[0] ?? Number.NaN, 0)} ms`,
      against: "read from the disk",
    });
    add("curve of 1,000,000 points drawn, from an empty tab", drawn.slice(1), "500 ms");

    await page.goto(`${origin}/runs/${output}.1`);
    await page.getByRole("log").getByText("needle").waitFor();
    const heapBefore = await heapOf(page);
    await page.getByRole("button", { name: "Beginning" }).click();
    await until(
      page,
      "document.querySelector('.log-line')?.getBoundingClientRect().top > 0 && document.querySelector('.log-scroll').scrollTop < 100",
    );
    const log = await scrolled(page, ".log-scroll", "document.querySelectorAll('.log-line').length < 20", 4_000, 600);
    rows.push({
      what: "output of 50 MB scrolled 600 x 4,000 px: frames",
      value: `${fixed(log.median, 1)} ms`,
      against: `99 % within ${fixed(log.late, 1)} ms; empty: ${fixed(100 * log.blank, 1)} %`,
    });
    rows.push({
      what: "memory of the tab meanwhile",
      value: `+${fixed((await heapOf(page)) - heapBefore)} MB`,
      against: "at most 8 MB of an output are held",
    });
    const found: number[] = [];
    await page.getByRole("searchbox", { name: "Search" }).focus();
    found.push(
      await timed(
        page,
        () => page.getByRole("searchbox", { name: "Search" }).fill("needle"),
        "document.querySelector('.log [role=status]')?.innerText.trim() === '1 lines'",
      ),
    );
    add("search through 50 MB, until it is over", found, "");
  });
  return rows;
}

/** Time from `act` until the condition holds in the page. */
async function timed(page: Page, act: () => Promise<unknown>, condition: string): Promise<number> {
  const started = performance.now();
  await act();
  await until(page, condition);
  return performance.now() - started;
}

/** Looked at in every frame. By evaluate, which the page's own policy does not hinder. */
async function until(page: Page, condition: string): Promise<void> {
  await page.evaluate(`new Promise((resolve) => {
    const look = () => ((${condition}) ? resolve() : requestAnimationFrame(look));
    look();
  })`);
}

/** Scrolls an element frame by frame; how long the frames took, and the share of those in which `blank` held. */
async function scrolled(page: Page, selector: string, blank: string, px = SCROLL_PX, frames = SCROLL_FRAMES) {
  const { times, blanks } = (await page.evaluate(`new Promise((resolve) => {
    const element = document.querySelector(${JSON.stringify(selector)});
    const times = [];
    let blanks = 0;
    let before = performance.now();
    const frame = (now) => {
      times.push(now - before);
      before = now;
      if (${blank}) blanks += 1;
      if (times.length > ${frames}) return resolve({ times, blanks });
      element.scrollTop += ${px};
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  })`)) as { times: number[]; blanks: number };
  return { median: median(times), late: quantile(times, 0.99), blank: blanks / times.length };
}

/** MB of the page's script, after what nobody uses was let go. */
async function heapOf(page: Page): Promise<number> {
  const session = await page.context().newCDPSession(page);
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize, backingStorageSize = 0 } = (await session.send("Runtime.getHeapUsage")) as {
    usedSize: number;
    backingStorageSize?: number;
  };
  await session.detach();
  return (usedSize + backingStorageSize) / 1024 ** 2;
}
