/** What one does by the page with a node, a run and several runs at once, over a real fleet; files of programs do nothing there. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ArtifactView } from "../../../shared/run/artifacts.ts";
import { program } from "../../helpers/attempts.ts";
import { expectAccessible, type Page, picture, startBrowser, type TestBrowser } from "../../helpers/browser.ts";
import { type Fleet, startFleet } from "../../helpers/fleet.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

const MARKUP = "<img src=x onerror=pwn()>";

let fleet: Fleet;
let browser: TestBrowser;

/** fails.1 has failed, hostile.1 has ended, work.1 has both slots, and wait.1 waits. */
beforeAll(async () => {
  fleet = await startFleet({ agents: 1, cpuSlots: 2 });
  browser = await startBrowser();
  await fleet.submit('name = "fails"\nrun.command = ["false"]\n');
  await fleet.submit(`name = "hostile"\nrun.command = [${JSON.stringify(program("hostile"))}]\n`);
  await fleet.done("fails.1", 60_000);
  await fleet.done("hostile.1", 60_000);
  for (const [name, seeds] of [
    ["work", [1, 2]],
    ["wait", [1, 2, 3, 4, 5, 6]],
  ] as const) {
    const seedList = JSON.stringify(seeds);
    await fleet.submit(
      `name = "${name}"\nseeds = ${seedList}\nrun.command = ["sleep", "600"]\nlimits.stop_grace = "1s"\n`,
    );
  }
  await waitUntil("both slots are taken", async () => (await fleet.sweep("work.1")).counts.running === 2, {
    boundMs: 30_000,
  });
});

afterAll(async () => {
  await browser?.[Symbol.asyncDispose]();
  await fleet?.[Symbol.asyncDispose]();
});

const statesOf = async (ref: string) => (await fleet.runs(ref)).map(({ state }) => state).join(" ");

async function becomes(ref: string, states: string): Promise<void> {
  let last = "";
  await waitUntil(
    `${ref} is ${states}`,
    async () => {
      last = await statesOf(ref);
      return last === states;
    },
    { boundMs: 30_000, seen: () => last },
  );
}

/** Answers the next question of the page, and says what it was. */
function answering(page: Page, yes: boolean): Promise<string> {
  return new Promise((resolve) => {
    page.once("dialog", (dialog) => {
      resolve(dialog.message());
      void (yes ? dialog.accept() : dialog.dismiss());
    });
  });
}

test("a failed run is tried again", async () => {
  await browser.visit(fleet, "/runs/fails.1.1", {}, async (page) => {
    await page.locator(".run-head").getByText("failed").first().waitFor();
    await page.getByRole("button", { name: "Retry" }).click();
    await page.locator(".run-head").getByText("queued").first().waitFor();
    await becomes("fails.1", "queued");
  });
});

test("several runs of the table: held, let go, cancelled only after a question", async () => {
  await browser.visit(fleet, "/runs?sweep=wait.1&sort=ref", {}, async (page) => {
    for (const n of [1, 2, 3]) await page.getByRole("checkbox", { name: `wait.1.${n}`, exact: true }).check();
    await page.getByText("3 selected").waitFor();
    await page.getByText("exp pause wait.1.1-3").waitFor();
    await page.getByRole("button", { name: "Hold" }).click();
    await becomes("wait.1", "held held held queued queued queued");
    await page.getByRole("button", { name: "Let go" }).click();
    await becomes("wait.1", "queued queued queued queued queued queued");
    await page.getByRole("checkbox", { name: "wait.1.1", exact: true }).uncheck();
    const refused = answering(page, false);
    await page.getByRole("button", { name: "Cancel", exact: true }).click();
    expect(await refused).toContain("Cancel 2 runs?");
    const meant = answering(page, true);
    await page.getByRole("button", { name: "Cancel", exact: true }).click();
    await meant;
    await becomes("wait.1", "queued cancelled cancelled queued queued queued");
    await page.getByRole("status").getByText("2 runs").waitFor();
    await page.getByRole("button", { name: "Retry" }).click();
    await becomes("wait.1", "queued queued queued queued queued queued");
  });
});

test("several runs of the queue: held, let go, cancelled", async () => {
  await browser.visit(fleet, "/queue", {}, async (page) => {
    for (const n of [4, 5]) await page.getByRole("checkbox", { name: `wait.1.${n}`, exact: true }).check();
    await page.getByText("2 selected").waitFor();
    const bar = page.locator(".toolbar");
    await bar.getByRole("button", { name: "Hold" }).click();
    await becomes("wait.1", "queued queued queued held held queued");
    await bar.getByRole("button", { name: "Let go" }).click();
    await becomes("wait.1", "queued queued queued queued queued queued");
    await expectAccessible(page);
    const meant = answering(page, true);
    await bar.getByRole("button", { name: "Cancel", exact: true }).click();
    expect(await meant).toContain("Cancel 2 runs?");
    await becomes("wait.1", "queued queued queued cancelled cancelled queued");
    await page.getByRole("link", { name: "wait.1.4" }).waitFor({ state: "detached" });
  });
});

test("a node is drained, and opened again", async () => {
  const stateOf = async () => (await fleet.api<{ state: string }[]>("/nodes"))[0]?.state;
  await browser.visit(fleet, "/nodes/node-1", {}, async (page) => {
    await page.getByRole("button", { name: "Drain", exact: true }).click();
    await page.getByText("exp drain node-1").waitFor();
    await page.getByRole("button", { name: "Drain it" }).click();
    await waitUntil("draining", async () => (await stateOf()) === "draining");
    await page.getByRole("button", { name: "Cordon", exact: true }).waitFor({ state: "detached" });
    // What runs there goes on.
    expect(await statesOf("work.1")).toBe("running running");
    expect((await fleet.exp("cancel", "work.1", "--yes")).code).toBe(0);
    await becomes("work.1", "cancelled cancelled");
    expect(await statesOf("fails.1")).toBe("queued");
    await page.getByRole("button", { name: "Uncordon", exact: true }).click();
    await page.getByRole("button", { name: "Uncordon it" }).click();
    await waitUntil("its run is placed and fails again", async () => (await fleet.runs("fails.1"))[0]?.attempt === 2, {
      boundMs: 30_000,
    });
  });
});

test("files that a browser would run are listed, saved, and never shown", async () => {
  const kept = () => fleet.api<ArtifactView[]>("/runs/hostile.1.1/artifacts");
  await waitUntil(
    "all three are stored",
    async () => (await kept()).filter(({ state }) => state === "stored").length === 3,
    { boundMs: 30_000, seen: kept },
  );
  const token = readFileSync(fleet.tokenFile, "utf8").trim();
  for (const { id } of await kept()) {
    const answer = await fetch(`http://${fleet.http}/api/v1/runs/hostile.1.1/artifacts/${id}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(answer.headers.get("content-type")).toBe("application/octet-stream");
    expect(answer.headers.get("content-disposition")).toMatch(/^attachment/);
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
    expect(await answer.text()).toContain("pwn()");
  }
  await browser.visit(fleet, "/runs/hostile.1.1", {}, async (page) => {
    const dialogs: string[] = [];
    page.on("dialog", (dialog) => {
      dialogs.push(dialog.message());
      void dialog.dismiss();
    });
    for (const name of ["x.svg", "x.html", MARKUP]) {
      const saved = page.waitForEvent("download");
      await page
        .getByRole("button", { name: `Save: ${name}`, exact: true })
        .first()
        .click();
      expect(readFileSync(await (await saved).path(), "utf8")).toContain("pwn()");
    }
    await page.getByRole("rowheader", { name: MARKUP }).first().waitFor();
    expect(dialogs).toEqual([]);
    expect(await page.locator("img, iframe, object, embed, script:not([src])").count()).toBe(0);
    expect(await page.locator("svg").count()).toBe(0);
    expect(await page.locator("[onerror], [onclick], [onload]").count()).toBe(0);
    expect(await page.title()).toBe("ExpFleet");
    await expectAccessible(page);
    await picture(page, "run-hostile-artifacts", true);
  });
});
