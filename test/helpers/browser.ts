/**
 * A real browser that looks at the dashboard of a fleet as a user would. A visit fails on anything that a user would not
 * forgive: an error on the console, one of the page's own, a request to any other place, which it could not reach either; what
 * it saw then is kept as a picture. The browser is gone when its block ends, however that ends.
 */
import { mkdtempSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BrowserContext, chromium, type Page } from "playwright-core";

export type { Page } from "playwright-core";

/** As a fleet of fleet.ts. */
export interface Site {
  /** "host:port" */
  readonly http: string;
  readonly tokenFile: string;
}

export interface VisitOptions {
  readonly language?: "en" | "zh";
  readonly theme?: "light" | "dark";
  /** Errors of the console that the test brings about; each is a part of the text. */
  readonly expected?: readonly string[];
  readonly width?: number;
  readonly height?: number;
}

export interface TestBrowser extends AsyncDisposable {
  /** Opens `path` of the site, with its token, in a profile of its own, and lets `look` go on from there. */
  visit(site: Site, path: string, options: VisitOptions, look: (page: Page) => Promise<void>): Promise<void>;
}

/** Every name but those of this machine is unknown: what the page shows, it shows without a network. */
const NO_NETWORK = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost";
/** For one step of the page; a machine that is busy with other tests is slow. */
const STEP_MS = 20_000;
/** Of axe-core's findings, those that keep somebody out. */
const GRAVE: ReadonlySet<string> = new Set(["serious", "critical"]);

export async function startBrowser(): Promise<TestBrowser> {
  const browser = await chromium.launch({
    executablePath: browserPath(),
    headless: true,
    // It refuses to work for root and on hosts without user namespaces, and the pages are our own.
    chromiumSandbox: false,
    args: ["--disable-dev-shm-usage", "--disable-gpu", "--no-first-run", "--disable-background-networking", NO_NETWORK],
  });
  return {
    visit: async (site, path, options, look) => {
      const { width = 1280, height = 900, theme = "light", language = "en" } = options;
      const context = await browser.newContext({
        viewport: { width, height },
        colorScheme: theme,
        locale: language === "zh" ? "zh-CN" : "en-GB",
        reducedMotion: "reduce",
      });
      try {
        await visitOnce(context, site, path, options, look);
      } finally {
        await context.close();
      }
    },
    [Symbol.asyncDispose]: () => browser.close(),
  };
}

/** Throws where none was found (find-browser.ts): a test that needs one does not pass without. */
function browserPath(): string {
  const { CHROME_PATH, EXP_NO_BROWSER } = process.env;
  if (CHROME_PATH) return CHROME_PATH;
  throw new Error(`no browser for the tests of the dashboard:\n${EXP_NO_BROWSER ?? "scripts/browser.sh finds one"}`);
}

async function visitOnce(
  context: BrowserContext,
  site: Site,
  path: string,
  { expected = [] }: VisitOptions,
  look: (page: Page) => Promise<void>,
): Promise<void> {
  const origin = `http://${site.http}`;
  const page = await context.newPage();
  page.setDefaultTimeout(STEP_MS);
  const problems: string[] = [];
  const note = (text: string) => {
    if (!expected.some((part) => text.includes(part))) problems.push(text);
  };
  page.on("console", (message) => {
    if (message.type() === "error") note(`console: ${message.text()} (${message.location().url})`);
  });
  page.on("pageerror", (error) => note(`page: ${error.stack ?? error.message}`));
  context.on("request", (request) => {
    const url = new URL(request.url());
    if (/^https?:|^wss?:/.test(url.protocol) && url.origin !== origin) note(`request to ${url.href}`);
  });
  const token = readFileSync(site.tokenFile, "utf8").trim();
  const asked: Promise<void>[] = [];
  context.on("request", (request) => {
    // A request that ends with its page says nothing more.
    asked.push(
      request.allHeaders().then(
        (headers) => noteToken(request.url(), headers),
        () => undefined,
      ),
    );
  });
  /** The token goes by its own header and by nothing else. */
  const noteToken = (url: string, headers: { readonly [name: string]: string }) => {
    const { authorization: _, ...others } = headers;
    for (const [name, value] of Object.entries({ ...others, "the address": url.replace(/#.*/s, "") })) {
      if (value.includes(token)) note(`the token is in ${name} of a request to ${url.replace(/[?#].*/s, "")}`);
    }
  };
  try {
    await page.goto(`${origin}${path}#t=${token}`);
    await look(page);
    await Promise.all(asked);
    if (problems.length > 0) throw new Error(`the page had problems:\n${problems.join("\n")}`);
  } catch (error) {
    const picture = join(mkdtempSync(join(tmpdir(), "exp-page-")), "failure.png");
    await page.screenshot({ path: picture }).catch(() => {});
    const said = problems.length > 0 ? `\nproblems so far:\n${problems.join("\n")}` : "";
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${reason}${said}\nat ${page.url()}; a picture of it: ${picture}`, { cause: error });
  }
}

interface AxeFinding {
  readonly id: string;
  readonly impact: string | null;
  readonly help: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
}

let axeSource: string | undefined;

/** Throws where axe-core finds anything grave in what the page shows now. */
export async function expectAccessible(page: Page): Promise<void> {
  axeSource ??= readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  await page.evaluate(axeSource);
  const { violations } = (await page.evaluate("axe.run()")) as { violations: readonly AxeFinding[] };
  const grave = violations.filter(({ impact }) => GRAVE.has(impact ?? ""));
  if (grave.length === 0) return;
  const lines = grave.map(
    ({ id, help, nodes }) =>
      `${id}: ${help}\n${nodes
        .slice(0, 3)
        .map((node) => `  ${node.html.slice(0, 200)}\n  ${node.failureSummary ?? ""}`)
        .join("\n")}`,
  );
  throw new Error(`axe-core at ${page.url()}:\n${lines.join("\n")}`);
}

/** Picture of the page for people to look at, where EXP_PICTURES names a directory; nothing otherwise. `whole`: not cut. */
export async function picture(page: Page, name: string, whole = false): Promise<void> {
  const directory = process.env.EXP_PICTURES;
  if (directory === undefined || directory === "") return;
  await page.screenshot({ path: join(directory, `${name}.png`), fullPage: whole });
}
