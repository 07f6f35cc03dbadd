/** Runs, sweeps, queue and comparison in a real browser, over a fleet with real runs. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectAccessible, type Page, picture, startBrowser, type TestBrowser } from "../../helpers/browser.ts";
import { CURVE_RUNS, curveSpec, startCurveFleet } from "../../helpers/curve-fleet.ts";
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

/** Rows of the table that the page shows. */
async function rowsOf(page: Page): Promise<string[]> {
  const rows = await page.locator(".table tbody tr:not([style])").allInnerTexts();
  return rows.filter((text) => text.trim() !== "");
}

test("the table of runs: filter, sort, fold, choose, compare", async () => {
  await browser.visit(fleet, "/runs?sweep=curves.1", { expected: ["400"] }, async (page) => {
    await page.getByText(`${CURVE_RUNS} runs`).waitFor();
    await expectAccessible(page);
    await picture(page, "runs-en-light");

    await page.keyboard.press("/");
    await page.keyboard.type("state == 'fa");
    await page.getByRole("listbox", { name: "Filter" }).getByRole("option", { name: "failed" }).waitFor();
    await page.keyboard.press("Tab");
    await page.keyboard.type("' and opt");
    await page.getByRole("listbox", { name: "Filter" }).getByRole("option", { name: "optim" }).waitFor();
    await picture(page, "runs-completion");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.keyboard.type(" == 'sgd'");
    await page.keyboard.press("Enter");
    await page.getByText("4 runs").waitFor();
    expect(new URL(page.url()).searchParams.get("where")).toBe("state == 'failed' and optim == 'sgd'");

    await page.getByRole("combobox", { name: "Filter" }).fill("learning_rate > 1");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").getByText("learning_rate").waitFor();

    await page.getByRole("combobox", { name: "Filter" }).fill("");
    await page.keyboard.press("Enter");
    await page.getByText(`${CURVE_RUNS} runs`).waitFor();
    await page.getByRole("button", { name: "loss" }).click();
    await page.getByRole("columnheader", { name: "loss" }).and(page.locator("[aria-sort=ascending]")).waitFor();
    await waitUntil("sorted rows", async () => {
      const losses = (await rowsOf(page)).map((row) =>
        Number(/\t(\d+\.\d+)\t/.exec(row.replace(/^.*?(adam|sgd)/, ""))?.[1]),
      );
      return losses.length > 3 && losses.every((loss, i) => i === 0 || loss >= (losses[i - 1] ?? 0));
    });

    await page.getByRole("checkbox", { name: "Fold seeds" }).check();
    await page.getByText(`${CURVE_RUNS / 2} rows`).waitFor();
    await page.getByText("±").first().waitFor();
    await picture(page, "runs-folded-en-light");
    await page.getByRole("checkbox", { name: "Fold seeds" }).uncheck();
    await page.getByText(`${CURVE_RUNS} runs`).waitFor();

    await page.keyboard.press("j");
    await page.keyboard.press("x");
    await page.keyboard.press("j");
    await page.keyboard.press("x");
    await page.getByText("2 selected").waitFor();
    await page.getByRole("link", { name: "Compare" }).click();
    await page.getByRole("heading", { name: "Compare" }).waitFor();
    await page.locator(".u-over").first().waitFor();
    await page.goBack();
    await page.getByText(`${CURVE_RUNS} runs`).waitFor();
  });
});

test("rows that are pinned stay above, whatever the filter; rows are coloured by a column", async () => {
  await browser.visit(fleet, "/runs?sweep=curves.1", {}, async (page) => {
    await page.getByText(`${CURVE_RUNS} runs`).waitFor();
    const above = page.locator(".table-above tr");
    for (const ref of ["curves.1.2", "curves.1.5"])
      await page.getByRole("checkbox", { name: ref, exact: true }).check();
    await page.getByRole("button", { name: "Pin", exact: true }).click();
    await above.nth(1).waitFor();
    expect(new URL(page.url()).searchParams.get("pin")).toBe("curves.1.2,curves.1.5");
    await page.getByRole("button", { name: "Clear" }).click();

    await page.getByRole("combobox", { name: "Filter" }).fill("index == 1");
    await page.keyboard.press("Enter");
    await page.getByText("1 runs").waitFor();
    expect((await above.allInnerTexts()).map((text) => text.split("\t")[1])).toEqual(["curves.1.5", "curves.1.2"]);
    // The row of the cursor, by its key.
    await page.locator(".table-scroll").focus();
    await page.keyboard.press("j");
    await page.keyboard.press("p");
    await above.nth(2).waitFor();
    await page.keyboard.press("p");
    await above.nth(2).waitFor({ state: "detached" });

    await page.getByRole("combobox", { name: "Filter" }).fill("");
    await page.keyboard.press("Enter");
    await page.getByRole("combobox", { name: "Colour by" }).selectOption({ label: "optim" });
    const legend = page.getByRole("list", { name: "Colours of optim" });
    await legend.getByText("sgd").waitFor();
    await legend.getByText("adam").waitFor();
    const colourOf = (row: ReturnType<Page["locator"]>) => row.locator(".swatch").first().getAttribute("style");
    await page.locator(".table-above .swatch").first().waitFor();
    const rows = page.locator(".table tbody:not(.table-above) tr:has(.swatch)");
    const colours = new Map<string, Set<string | null>>();
    for (const row of await rows.all()) {
      const kind = /adam|sgd/.exec(await row.innerText())?.[0] ?? "";
      colours.set(kind, (colours.get(kind) ?? new Set()).add(await colourOf(row)));
    }
    expect([...colours.keys()].sort()).toEqual(["adam", "sgd"]);
    expect([...colours.values()].map(({ size }) => size)).toEqual([1, 1]);
    expect(new Set([...colours.values()].flatMap((set) => [...set])).size).toBe(2);
    await page.getByRole("combobox", { name: "Colour by" }).selectOption({ label: "lr" });
    await page.getByRole("list", { name: "Colours of lr" }).waitFor();
    await expectAccessible(page);
    await picture(page, "runs-pinned-coloured");
    await page.reload();
    await page.getByRole("list", { name: "Colours of lr" }).waitFor();
    await above.nth(1).waitFor();
  });
});

test("sweeps: what each has come to, by name", async () => {
  // The command line says the same of them.
  const { stdout } = await fleet.exp("sweeps", "--json");
  const [finished, begun] = JSON.parse(stdout) as { bestValue: number; bestRef: string; etaMs: number }[];
  const best = Math.min(
    ...(await fleet.runs("curves.1")).flatMap(({ state, metrics: { loss } }) =>
      state === "succeeded" && typeof loss === "number" ? [loss] : [],
    ),
  );
  expect(finished).toMatchObject({ bestValue: best, bestRef: expect.stringMatching(/^curves\.1\.\d+$/), etaMs: 0 });
  expect(begun).toMatchObject({ ref: "long.1", bestValue: null, bestRef: null, etaMs: null });
  await browser.visit(fleet, "/sweeps", {}, async (page) => {
    await page.getByRole("link", { name: "curves.1", exact: true }).waitFor();
    await page.getByText("32 of 32").waitFor();
    await page.getByText(/^loss/).waitFor();
    await expectAccessible(page);
    await picture(page, "sweeps-en-light");
    await page.keyboard.press("/");
    await page.keyboard.type("lon");
    await page.getByRole("link", { name: "curves.1", exact: true }).waitFor({ state: "detached" });
    await page.getByRole("link", { name: "long.1" }).click();
    await page.getByRole("heading", { name: "long.1" }).waitFor();
    await page.getByText("No run has logged a metric yet.").waitFor();
  });
});

describe.each([
  { language: "en", theme: "light", board: "Leaderboard", axes: "Parallel coordinates", trees: "Rests on" },
  { language: "zh", theme: "dark", board: "排行榜", axes: "平行坐标", trees: "依据" },
] as const)("a sweep in $language, $theme", ({ language, theme, board, axes, trees }) => {
  test("overview", async () => {
    await browser.visit(fleet, "/sweeps/curves.1", { language, theme }, async (page) => {
      await page.getByRole("heading", { name: board }).waitFor();
      await page.locator(".u-over").waitFor();
      await expectAccessible(page);
      await picture(page, `sweep-overview-${language}-${theme}`, true);
    });
  });

  test("explore", async () => {
    await browser.visit(fleet, "/sweeps/curves.1?view=explore", { language, theme }, async (page) => {
      await page.getByRole("heading", { name: axes }).waitFor();
      await page.getByText(trees).waitFor();
      await expectAccessible(page);
      await picture(page, `sweep-explore-${language}-${theme}`, true);
    });
  });

  test("compare", async () => {
    await browser.visit(fleet, "/compare?runs=curves.1.1,curves.1.4,curves.1.9", { language, theme }, async (page) => {
      await page.locator(".u-over").nth(1).waitFor();
      await page.getByRole("rowheader", { name: "optim" }).waitFor();
      await expectAccessible(page);
      await picture(page, `compare-${language}-${theme}`, true);
    });
  });

  test("compare, over the clock, seeds folded into bands", async () => {
    const refs = "curves.1.1,curves.1.2,curves.1.3,curves.1.4";
    await browser.visit(fleet, `/compare?runs=${refs}&x=wall`, { language, theme }, async (page) => {
      const charts = page.locator(".chart");
      await charts.nth(1).waitFor();
      expect(await charts.first().locator(".u-legend .u-series").count()).toBe(5);
      await page
        .getByRole("combobox")
        .filter({ has: page.locator("option[value=wall]") })
        .selectOption("step");
      await page
        .getByRole("combobox")
        .filter({ has: page.locator("option[value=seed]") })
        .selectOption("seed");
      const named = charts.first().locator(".u-legend .u-series:not(.band-edge) .u-label");
      await named.filter({ hasText: "optim=sgd (2)" }).waitFor();
      expect(await named.allInnerTexts()).toEqual(["x", "optim=adam (2)", "optim=sgd (2)"]);
      await page
        .getByRole("combobox")
        .filter({ has: page.locator("option[value=deviation]") })
        .selectOption("deviation");
      await named.filter({ hasText: "optim=sgd (2)" }).click();
      await charts.first().locator(".u-legend .u-off").nth(2).waitFor({ state: "attached" });
      expect(await charts.first().locator(".u-legend .u-off").count()).toBe(3);
      expect(new URL(page.url()).search).toContain("fold=seed&band=deviation");
      await expectAccessible(page);
      await picture(page, `compare-bands-${language}-${theme}`, true);
    });
  });

  test("queue and runs", async () => {
    await browser.visit(fleet, "/queue", { language, theme }, async (page) => {
      await page.getByRole("link", { name: "long.1.8" }).waitFor();
      await expectAccessible(page);
      await picture(page, `queue-${language}-${theme}`);
      await page.goto(`http://${fleet.http}/runs`);
      await page.getByRole("link", { name: "long.1.8" }).waitFor();
      await picture(page, `runs-${language}-${theme}`);
    });
  });
});

test("a part of an axis is marked by dragging, and becomes an expression", async () => {
  await browser.visit(fleet, "/sweeps/curves.1?view=explore", {}, async (page) => {
    const canvas = page.locator(".parallel canvas");
    await canvas.waitFor();
    const box = await canvas.boundingBox();
    if (!box) throw new Error("the picture has no place");
    // The first axis of four is lr; its lower half holds 0.001 and 0.01.
    await page.mouse.move(box.x + box.width / 8, box.y + box.height - 2);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width / 8, box.y + box.height / 2, { steps: 4 });
    await page.mouse.up();
    await page.getByText("16 of 32 runs marked").waitFor();
    await picture(page, "parallel-marked");
    await page.reload();
    await page.getByText("16 of 32 runs marked").waitFor();
    await page.getByRole("button", { name: "lr: turn over" }).click();
    await page.getByText("16 of 32 runs marked").waitFor();
    await page.getByRole("link", { name: "as a table" }).click();
    await page.getByText("16 runs").waitFor();
    expect(new URL(page.url()).searchParams.get("where")).toBe("0.001 <= lr <= 0.01");
  });
});

test("the file of a sweep, and what is different from the one before", async () => {
  await fleet.submit(curveSpec([0.001, 0.01, 0.1, 2]));
  await browser.visit(fleet, "/sweeps/curves.2?view=file", {}, async (page) => {
    await page.getByText("lr = [0.001,0.01,0.1,2]").waitFor();
    await page.getByRole("checkbox", { name: "difference from curves.1" }).check();
    await page.getByText("- lr = [0.001,0.01,0.1,1]").waitFor();
    await page.getByText("+ lr = [0.001,0.01,0.1,2]").waitFor();
    await expectAccessible(page);
    await picture(page, "sweep-file");
  });
});

test("an edited file is applied: what changes first, then the change", async () => {
  await fleet.submit(`
    name = "edited"
    run.command = ["sleep", "600"]
    limits.stop_grace = "1s"
    hold = true
    [grid]
    lr = [1, 2]
  `);
  await browser.visit(fleet, "/sweeps/edited.1?view=file", { language: "zh", theme: "dark" }, async (page) => {
    await page.getByRole("button", { name: "编辑并应用" }).click();
    const field = page.getByRole("textbox", { name: "修改后的文件" });
    await field.fill((await field.inputValue()).replace("[1, 2]", "[2, 3, 4]"));
    await page.getByRole("button", { name: "会有哪些变化？" }).click();
    await page.getByText("新增 2 个运行").waitFor();
    await page.getByText("+ lr=3").waitFor();
    await page.getByText("- lr=1").waitFor();
    await expectAccessible(page);
    await picture(page, "sweep-apply-zh-dark", true);
    expect((await fleet.sweep("edited.1")).total).toBe(2);
    await page.getByRole("button", { name: "应用", exact: true }).click();
    await page.getByRole("status").getByText("2 runs added").waitFor();
  });
  const params = (await fleet.runs("edited.1")).map((run) => [run.params.lr, run.state]);
  expect(params).toEqual([
    [1, "cancelled"],
    [2, "held"],
    [3, "held"],
    [4, "held"],
  ]);
  expect((await fleet.exp("cancel", "edited.1", "--yes")).code).toBe(0);
});

test("values that are markup stay text", async () => {
  const markup = "<img src=x onerror=alert(1)>";
  await fleet.submit(`
    name = "hostile"
    run.command = ["true"]
    hold = true
    [grid]
    kind = ["${markup}", "'\\"><script>alert(2)</script>"]
    width = [1, 2]
  `);
  await browser.visit(fleet, "/sweeps/hostile.1?view=runs", {}, async (page) => {
    const nothingRan = async () => expect(await page.locator("img, script:not([src])").count()).toBe(0);
    await page.getByRole("link", { name: "hostile.1.4" }).waitFor();
    await page.getByText(markup).first().waitFor();
    await nothingRan();
    await page.getByRole("link", { name: "Explore" }).click();
    await page.getByRole("heading", { name: "Parallel coordinates" }).waitFor();
    await nothingRan();
    await page.goto(`http://${fleet.http}/compare?runs=hostile.1.1,hostile.1.4`);
    await page.getByRole("cell", { name: markup }).waitFor();
    await nothingRan();
  });
  expect((await fleet.exp("cancel", "hostile.1", "--yes")).code).toBe(0);
});

test("the queue: priority and hold, by buttons and by keys", async () => {
  const stateOf = async (ref: string) => (await fleet.runs("long.1")).find((run) => run.ref === ref);
  await browser.visit(fleet, "/queue", {}, async (page) => {
    await page.getByRole("link", { name: "long.1.8" }).waitFor();
    await page.getByRole("button", { name: "long.1.8: raise the priority" }).click();
    await page.getByRole("button", { name: "long.1.8: raise the priority" }).click();
    await waitUntil("a higher priority", async () => (await stateOf("long.1.8"))?.priority === 2);
    await waitUntil("the first place", async () => (await rowsOf(page))[0]?.includes("long.1.8"), {
      seen: () => "see the picture",
    });
    // The row of the button is that of the cursor, and the cursor went along with it.
    await page.getByText("exp why long.1.8").waitFor();
    await page.keyboard.press("-");
    await waitUntil("a lower priority", async () => (await stateOf("long.1.8"))?.priority === 1);
    await page.keyboard.press("h");
    await waitUntil("held", async () => (await stateOf("long.1.8"))?.state === "held");
    const row = page.getByRole("row").filter({ hasText: "long.1.8" });
    await row.getByRole("button", { name: "Let go" }).click();
    await waitUntil("queued", async () => (await stateOf("long.1.8"))?.state === "queued");
  });
});

test("the queue: what is asked for while an answer is on its way is not lost", async () => {
  const runOf = async () => (await fleet.runs("long.1")).find(({ ref }) => ref === "long.1.7");
  await browser.visit(fleet, "/queue", {}, async (page) => {
    const answers: (() => void)[] = [];
    await page.route("**/actions/priority", async (route) => {
      await new Promise<void>((resolve) => answers.push(resolve));
      await route.continue();
    });
    const raise = page.getByRole("button", { name: "long.1.7: raise the priority" });
    await raise.click();
    await waitUntil("a change under way", async () => answers.length === 1);
    await page.keyboard.press("h");
    await raise.click();
    answers[0]?.();
    await waitUntil("held", async () => (await runOf())?.state === "held");
    await waitUntil("the second change under way", async () => answers.length === 2);
    answers[1]?.();
    await waitUntil("both steps", async () => (await runOf())?.priority === 2);
    await page.unroute("**/actions/priority");
  });
});

test("a whole sweep is cancelled only after a question", async () => {
  await browser.visit(fleet, "/sweeps/long.1", {}, async (page) => {
    const asked: string[] = [];
    page.once("dialog", (dialog) => {
      asked.push(dialog.message());
      void dialog.dismiss();
    });
    await page.getByRole("button", { name: "Cancel" }).click();
    expect(asked).toEqual(["Cancel 8 runs? Those at work are stopped."]);
    expect((await fleet.sweep("long.1")).counts.cancelled).toBeUndefined();
    page.once("dialog", (dialog) => void dialog.accept());
    await page.getByRole("button", { name: "Cancel" }).click();
    await waitUntil("cancelled", async () => (await fleet.sweep("long.1")).counts.cancelled === 8, { boundMs: 30_000 });
    await page.getByText("8 – cancelled").waitFor();
  });
});
