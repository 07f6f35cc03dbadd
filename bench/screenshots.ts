/**
 * npm run screenshots: the pictures of README and docs, taken from a real fleet that trains examples/digits, into docs/images.
 * Needs a few minutes, and a browser, as scripts/browser.sh finds or fetches it.
 */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Page, startBrowser } from "../test/helpers/browser.ts";
import { type Fleet, startFleet } from "../test/helpers/fleet.ts";
import { waitUntil } from "../test/helpers/wait-until.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const IMAGES = join(ROOT, "docs", "images");
const WIDTH = 1200;
const HEIGHT = 760;
/** Training of one picture's worth of runs, on a machine that does other things too. */
const TRAINED_MS = 600_000;

mkdirSync(IMAGES, { recursive: true });
await using fleet = await startFleet({ agents: 3, gpus: "fake:4x80GB" });
const digits = join(ROOT, "examples", "digits");
const train = `python3 ${join(digits, "train.py")} \${args}`;
const done = await fleet.submit(
  sweep("digits", "epochs = 12\nbatch_size = 16", readFileSync(join(digits, "sweep.toml"), "utf8")),
);
await fleet.done(done.sweep, TRAINED_MS);
// Some that run and some that wait while the pictures are taken.
await fleet.submit(
  `name = "digits-long"\nseeds = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]\n[base]\nepochs = 100000\nlr = 0.03\n[run]\ncommand = "nice ${train}"\n[resources]\ngpus = 2\n[limits]\nstop_grace = "1s"\n`,
);
await waitUntil("six at work", async () => (await fleet.sweep("digits-long.1")).counts.running === 6, {
  boundMs: 60_000,
});
const best = (await fleet.api<{ rows: { run: { ref: string } }[] }>(`/sweeps/${done.sweep}/best`)).rows.map(
  ({ run }) => run.ref,
);
const first = best[0] ?? `${done.sweep}.1`;
await waitUntil(
  "an epoch of the longest",
  async () => (await fleet.runs("digits-long.1")).some(({ metrics }) => Object.keys(metrics).length > 0),
  { boundMs: TRAINED_MS },
);

await using browser = await startBrowser();
await take(fleet, "fleet", "/", ".device-busy", { height: 400 });
await take(fleet, "runs", `/runs?sweep=${done.sweep}`, ".table tbody a");
await take(fleet, "sweep", `/sweeps/${done.sweep}`, ".u-over");
await take(fleet, "sweep-explore", `/sweeps/${done.sweep}?view=explore`, ".parallel canvas");
await take(fleet, "run", `/runs/${first}?smooth=0.3`, ".u-over", { height: 1000 });
await take(fleet, "run-zh-dark", `/runs/${first}?smooth=0.3`, ".u-over", {
  height: 1000,
  theme: "dark",
  language: "zh",
});
await take(fleet, "compare", `/compare?runs=${best.slice(0, 4).join(",")}`, ".u-over");

/** The example's sweep, run from wherever it is, on the GPUs of this fleet. */
function sweep(name: string, base: string, text: string): string {
  return text
    .replace(/^name = .*$/m, `name = "${name}"`)
    .replace(/^batch_size = .*\nepochs = .*$/m, base)
    .replace(/^command = .*$/m, `command = "${train.replaceAll("$", "$$$$")}"\n\n[resources]\ngpus = 1`);
}

interface Look {
  readonly height?: number;
  readonly theme?: "light" | "dark";
  readonly language?: "en" | "zh";
}

async function take(site: Fleet, name: string, path: string, until: string, look: Look = {}): Promise<void> {
  const { height = HEIGHT, theme = "light", language = "en" } = look;
  await browser.visit(site, path, { width: WIDTH, height, theme, language }, async (page: Page) => {
    await page.locator(until).first().waitFor();
    await page.locator(".link-live").waitFor();
    // Whatever is still on its way: fonts, further pages, pictures of the second row.
    await page.waitForTimeout(1_500);
    await page.screenshot({ path: join(IMAGES, `${name}.png`) });
  });
  process.stdout.write(`docs/images/${name}.png\n`);
}
