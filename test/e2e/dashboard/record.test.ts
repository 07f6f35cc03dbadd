/** Code and environment of a run in a real browser: a repository with something that is not committed, and a real Python. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RunRecordAnswer } from "../../../shared/run/dashboard.ts";
import { expectAccessible, picture, startBrowser, type TestBrowser } from "../../helpers/browser.ts";
import { type Fleet, startFleet } from "../../helpers/fleet.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

const HOSTILE = "<img src=x onerror=pwn()>";

let fleet: Fleet;
let browser: TestBrowser;
let commit: string;
let project: string;

const git = (...args: string[]) => {
  const who = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"];
  return execFileSync("git", ["-C", project, ...who, ...args], { encoding: "utf8" }).trim();
};

beforeAll(async () => {
  fleet = await startFleet({ agents: 1, cpuSlots: 2 });
  browser = await startBrowser();
  project = join(fleet.dir, "project");
  mkdirSync(project);
  git("init", "-q", "-b", "trunk");
  git("remote", "add", "origin", "https://me:secret@example.org/lab/project.git");
  writeFileSync(join(project, "train.py"), "print('first')\n");
  git("add", ".");
  git("commit", "-q", "-m", "first");
  commit = git("rev-parse", "HEAD");
  writeFileSync(join(project, "train.py"), `print('edited')  # ${HOSTILE}\n`);
  writeFileSync(join(project, "new file.py"), "");
  await submitHere("made", "python3", 'code = "snapshot"');
});

/** The project as it is now, to its end, until its environment is known. */
async function submitHere(name: string, python: string, more = ""): Promise<void> {
  const file = join(project, "sweep.toml");
  writeFileSync(file, `name = "${name}"\n[run]\ncommand = [${JSON.stringify(python)}, "train.py"]\n${more}\n`);
  const { code, stderr } = await fleet.exp("submit", file, "--json");
  expect([code, code === 0 ? "" : stderr]).toEqual([0, ""]);
  await fleet.done(`${name}.1`, 60_000);
  await waitUntil(
    "the environment is known",
    async () => (await fleet.api<RunRecordAnswer>(`/runs/${name}.1.1/record`)).environments.length > 0,
    { boundMs: 60_000 },
  );
}

/** A Python of its own that has the packages, "name==version". */
function pythonWith(name: string, packages: readonly string[]): string {
  const folder = join(fleet.dir, name);
  const version = execFileSync("python3", ["-c", "import sys; print('python%d.%d' % sys.version_info[:2])"], {
    encoding: "utf8",
  }).trim();
  mkdirSync(join(folder, "bin"), { recursive: true });
  symlinkSync(
    execFileSync("python3", ["-c", "import sys; print(sys.executable)"], { encoding: "utf8" }).trim(),
    join(folder, "bin", "python"),
  );
  writeFileSync(join(folder, "pyvenv.cfg"), "include-system-site-packages = false\n");
  for (const one of packages) {
    const [title = "", number = ""] = one.split("==");
    const told = join(folder, "lib", version, "site-packages", `${title}-${number}.dist-info`);
    mkdirSync(told, { recursive: true });
    writeFileSync(join(told, "METADATA"), `Metadata-Version: 2.1\nName: ${title}\nVersion: ${number}\n`);
  }
  return join(folder, "bin", "python");
}

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
    await code.locator(".diff-added").first().waitFor();
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

describe("two runs beside each other", () => {
  beforeAll(async () => {
    await submitHere("left", pythonWith("old", ["lib.same==1.0", "lib.moved==1.26.4"]));
    git("commit", "-q", "-a", "-m", "second");
    git("checkout", "-q", "-b", "idea");
    writeFileSync(join(project, "train.py"), `print('other')  # ${HOSTILE}\n`);
    await submitHere("right", pythonWith("new", ["lib.same==1.0", "lib.moved==2.0.1"]));
  });

  test.each([
    {
      language: "en",
      theme: "light",
      words: {
        commit: "Commit",
        branch: "Branch",
        code: "Code: what was not committed",
        same: "also what is the same",
      },
    },
    {
      language: "zh",
      theme: "dark",
      words: { commit: "提交", branch: "分支", code: "代码：未提交的改动", same: "也显示相同的项" },
    },
  ] as const)("code and packages that differ, in $language", async ({ language, theme, words }) => {
    await browser.visit(fleet, "/compare?runs=left.1.1,right.1.1", { language, theme }, async (page) => {
      const cells = (name: string) =>
        page
          .locator("tr")
          .filter({ has: page.getByRole("rowheader", { name, exact: true }) })
          .getByRole("cell");
      await page.getByRole("rowheader", { name: "lib.moved" }).waitFor();
      expect(await cells("lib.moved").allInnerTexts()).toEqual(["1.26.4", "2.0.1"]);
      expect(await cells(words.commit).allInnerTexts()).toEqual([commit, git("rev-parse", "HEAD")]);
      expect(await cells(words.branch).allInnerTexts()).toEqual(["trunk", "idea"]);
      expect(await cells("lib.same").count()).toBe(0);
      await page.getByRole("checkbox", { name: words.same }).check();
      await cells("lib.same").first().waitFor();
      await page.getByText("exp diff left.1.1 right.1.1").waitFor();
      const code = page.getByRole("region", { name: words.code });
      await code.getByText("left.1.1 → right.1.1").click();
      await code.locator(".diff-added").first().waitFor();
      expect(await code.locator(".diff-added").allInnerTexts()).toContain(`+ +print('other')  # ${HOSTILE}\n`);
      expect(await code.locator(".diff-removed").allInnerTexts()).toContain("- -print('first')\n");
      expect(await page.locator("img").count()).toBe(0);
      await expectAccessible(page);
      await picture(page, `compare-record-${language}-${theme}`, true);
    });
  });

  test("a run with the same edit as the first has no difference to fold out", async () => {
    await browser.visit(fleet, "/compare?runs=left.1.1,made.1.1,right.1.1", {}, async (page) => {
      const code = page.getByRole("region", { name: "Code: what was not committed" });
      await code.waitFor();
      expect(await code.locator("summary").allInnerTexts()).toEqual(["left.1.1 → right.1.1"]);
      await page.getByText("exp ls left.1.1 made.1.1 right.1.1").waitFor();
    });
  });
});
