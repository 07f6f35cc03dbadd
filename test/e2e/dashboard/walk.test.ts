/** Views that other tests see in one language only: all in both languages and themes, with nothing grave for axe-core. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectAccessible, picture, startBrowser, type TestBrowser } from "../../helpers/browser.ts";
import { type Fleet, startFleet } from "../../helpers/fleet.ts";

let fleet: Fleet;
let browser: TestBrowser;

const fileOf = (lr: number) => `name = "short"\nrun.command = ["true"]\nbase.lr = ${lr}\n`;

beforeAll(async () => {
  fleet = await startFleet({ agents: 1, cpuSlots: 2 });
  browser = await startBrowser();
  for (const lr of [1, 2]) await fleet.submit(fileOf(lr));
  await fleet.done("short.1", 60_000);
  await fleet.done("short.2", 60_000);
});

afterAll(async () => {
  await browser?.[Symbol.asyncDispose]();
  await fleet?.[Symbol.asyncDispose]();
});

describe.each([
  {
    language: "en",
    theme: "light",
    words: {
      filter: "Name",
      difference: "difference from short.1",
      runs: "2 runs",
      none: "There is no such page",
      token: "Access token",
      open: "Open",
      refused: "This token was refused.",
    },
  },
  {
    language: "zh",
    theme: "dark",
    words: {
      filter: "名称",
      difference: "与 short.1 的差异",
      runs: "2 个运行",
      none: "没有这个页面",
      token: "访问令牌",
      open: "打开",
      refused: "令牌被拒绝。",
    },
  },
] as const)("in $language, $theme", ({ language, theme, words }) => {
  const look = { language, theme };

  test("sweeps, and the file of one", async () => {
    await browser.visit(fleet, "/sweeps", look, async (page) => {
      await page.getByRole("link", { name: "short.2", exact: true }).waitFor();
      await expectAccessible(page);
      await picture(page, `sweeps-${language}-${theme}`);
      await page.getByRole("searchbox", { name: words.filter }).fill("nothing");
      await page.getByRole("link", { name: "short.2", exact: true }).waitFor({ state: "detached" });
      await page.goto(`http://${fleet.http}/sweeps/short.2?view=file`);
      await page.getByRole("checkbox", { name: words.difference }).check();
      await page.getByText("+ base.lr = 2").waitFor();
      await expectAccessible(page);
      await picture(page, `sweep-file-${language}-${theme}`);
    });
  });

  test("runs", async () => {
    await browser.visit(fleet, "/runs", look, async (page) => {
      await page.getByRole("link", { name: "short.2.1" }).waitFor();
      await page.getByText(words.runs, { exact: true }).waitFor();
      await expectAccessible(page);
      await picture(page, `all-runs-${language}-${theme}`);
    });
  });

  test("an address that leads nowhere", async () => {
    await browser.visit(fleet, "/usage/<b>x</b>", look, async (page) => {
      await page.getByRole("heading", { name: words.none }).waitFor();
      expect(await page.locator("main b").count()).toBe(0);
      await expectAccessible(page);
      await picture(page, `not-found-${language}-${theme}`);
    });
  });

  test("the question for the token, and a wrong one", async () => {
    await browser.visit(fleet, "/", { ...look, expected: ["401"] }, async (page) => {
      await page.getByRole("link", { name: "node-1" }).waitFor();
      await page.evaluate("sessionStorage.clear()");
      await page.reload();
      const field = page.getByLabel(words.token);
      await field.waitFor();
      await expectAccessible(page);
      await picture(page, `login-${language}-${theme}`);
      await field.fill("wrong");
      await page.getByRole("button", { name: words.open }).click();
      await page.getByRole("alert").getByText(words.refused).waitFor();
      await expectAccessible(page);
    });
  });
});
