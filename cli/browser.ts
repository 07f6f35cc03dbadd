/**
 * Starts the user's browser at a page that needs a token. Arguments of a process are seen by everybody on the machine, so the
 * browser is given a file that only the user can read, and the file leads on to the page.
 */
import { randomBytes } from "node:crypto";
import { chmod, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { execa } from "execa";
import type { Environment } from "./config.ts";
import { pause } from "./follow.ts";

/** What starts a browser returns at once, or is the browser itself. */
const STARTED_MS = 2_000;
const FILE = /^open-[0-9a-f]+\.html$/;

export interface BrowserPlace {
  readonly environment: Environment;
  readonly platform: NodeJS.Platform;
  /** Of this user alone; made where it is not there. */
  readonly directory: string;
}

/** Why no browser was started; undefined where one was, or where there is no screen to show it on. */
export async function openInBrowser(url: string, place: BrowserPlace): Promise<string | undefined> {
  const { environment, platform, directory } = place;
  const isMac = platform === "darwin";
  // Over SSH there is no screen, and xdg-open would start a browser in the terminal.
  if (!isMac && !environment.DISPLAY && !environment.WAYLAND_DISPLAY) return undefined;
  const file = await writeRedirect(directory, url);
  const opener = isMac ? "open" : "xdg-open";
  const child = execa(opener, [pathToFileURL(file).href], {
    detached: true,
    cleanup: false,
    stdio: "ignore",
    reject: false,
    env: environment,
  });
  const result = await Promise.race([child, pause(STARTED_MS)]);
  return result?.failed ? `no browser: ${opener} ${result.exitCode ?? "is not there"}` : undefined;
}

/** The files of earlier calls go: their browsers have read them. */
async function writeRedirect(directory: string, url: string): Promise<string> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await chmod(directory, 0o700);
  const old = (await readdir(directory)).filter((name) => FILE.test(name));
  await Promise.all(old.map((name) => rm(join(directory, name), { force: true })));
  const file = join(directory, `open-${randomBytes(8).toString("hex")}.html`);
  await writeFile(file, redirectPage(url), { mode: 0o600, flag: "wx" });
  return file;
}

/** A page that leads to `url` and says so to nobody. */
export function redirectPage(url: string): string {
  const text = url.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0; url=${text}">
<title>ExpFleet</title>
<a href="${text}">to the dashboard</a>
</html>
`;
}
