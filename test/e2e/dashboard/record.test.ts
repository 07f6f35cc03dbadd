/** Code and environment of a run in a real browser: a repository with something that is not committed, and a real Python. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { RunRecordAnswer } from "../../../shared/run/dashboard.ts";
import { expectAccessible, picture, startBrowser, type TestBrowser } from "../../helpers/browser.ts";
import { type Fleet, startFleet } from "../../helpers/fleet.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

const HOSTILE = "<img src=x onerror=pwn()>";

let fleet: Fleet;
let browser: TestBrowser;
let commit: string;

beforeAll(async () => {
  fleet = await startFleet({ agents: 1, cpuSlots: 2 });
  browser = await startBrowser();
  const project = join(fleet.dir, "project");
  mkdirSync(project);
  const git = (...args: string[]) => {
    const who = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"];
    return execFileSync("git", ["-C", project, ...who, ...args], { encoding: "utf8" }).trim();
  };
  git("init", "-q", "-b", "trunk");
  git("remote", "add", "origin", "https://me:secret@example.org/lab/project.git");
  writeFileSync(join(project, "train.py"), "print('first')\n");
  git("add", ".");
  git("commit", "-q", "-m", "first");
  commit = git("rev-parse", "HEAD");
  writeFileSync(join(project, "train.py"), `print('edited')  # ${HOSTILE}\n`);
  writeFileSync(join(project, "new file.py"), "");
  const file = join(project, "sweep.toml");
  writeFileSync(file, 'name = "made"\n[run]\ncommand = ["python3", "train.py"]\ncode = "snapshot"\n');
  const { code, stderr } = await fleet.exp("submit", file, "--json");
  expect([code, code === 0 ? "" : stderr]).toEqual([0, ""]);
  await fleet.done("made.1", 60_000);
  await waitUntil(
    "the environment is known",
    async () => (await fleet.api<RunRecordAnswer>("/runs/made.1.1/record")).environments.length > 0,
    { boundMs: 60_000 },
  );
});

afterAll(async () => {
  await browser?.[Symbol.asyncDispose]();
  await fleet?.[Symbol.asyncDispose]();
});

test.each([
  {
    language: "en",
    theme: "light",
    words: { code: "Code", diff: /^Not committed: 1 files, \+1 −1/, fresh: /^New files: 2/ },
  },
  { language: "zh", theme: "dark", words: { code: "代码", diff: /^未提交的改动：1 个文件/, fresh: /^新文件：2 个/ } },
] as const)("commit, difference, copy and Python, in $language", async ({ language, theme, words }) => {
  await browser.visit(fleet, "/runs/made.1.1", { language, theme }, async (page) => {
    const code = page.locator("section").filter({ has: page.getByRole("heading", { name: words.code, exact: true }) });
    await code.getByText(commit).waitFor();
    await code.getByText("trunk").waitFor();
    await code.getByText("https://example.org/lab/project.git").waitFor();
    await code.getByText("exp code made.1.1 --out DIRECTORY").waitFor();
    await code.getByText(words.diff).click();
    expect(await code.locator(".diff-removed").allInnerTexts()).toEqual(["-print('first')\n"]);
    expect(await code.locator(".diff-added").allInnerTexts()).toEqual([`+print('edited')  # ${HOSTILE}\n`]);
    await code.getByText(words.fresh).click();
    await code.getByText("new file.py").waitFor();
    await page.getByText(/^CPython 3\./).waitFor();
    await expectAccessible(page);
    await picture(page, `record-${language}-${theme}`, true);
  });
});

test("packages: searched, and saved as a table", async () => {
  const { environments } = await fleet.api<RunRecordAnswer>("/runs/made.1.1/record");
  const packages = environments[0]?.environment.packages ?? [];
  const [first = ""] = packages;
  expect(first).toContain("==");
  await browser.visit(fleet, "/runs/made.1.1", {}, async (page) => {
    await page.getByText(`Packages: ${packages.length}`).click();
    const list = page.getByRole("region", { name: /^Packages/ });
    expect(await list.locator("tr").count()).toBe(packages.length);
    await page.getByRole("searchbox", { name: "Packages with" }).fill(first);
    await page.getByText("1 packages").waitFor();
    expect(await list.locator("tr").allInnerTexts()).toEqual([first.replace("==", "\t")]);
    const saved = page.waitForEvent("download");
    await list.locator("..").getByRole("button", { name: "CSV" }).click();
    const lines = readFileSync(await (await saved).path(), "utf8")
      .trim()
      .split("\r\n");
    expect(lines[0]).toBe("package,version");
    expect(lines).toHaveLength(packages.length + 1);
  });
});
