/**
 * Builds the dashboard into dashboard/dist: one script, split by view, and one style sheet. Does nothing where the result is
 * newer than every source. `--force` builds in any case.
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { argv } from "node:process";
import { fileURLToPath } from "node:url";
import { build } from "rolldown";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const SOURCE = join(ROOT, "dashboard");
const TARGET = join(SOURCE, "dist");
/** Written last: its time is that of a whole build. */
const LAST = join(TARGET, "index.html");
/** Besides the page's own files, what it takes from others. */
const INPUTS = [
  join(SOURCE, "app"),
  join(SOURCE, "styles"),
  join(SOURCE, "index.html"),
  join(ROOT, "shared"),
  join(ROOT, "package-lock.json"),
];

if (argv.includes("--force") || !isFresh()) await buildAll();

function isFresh(): boolean {
  return existsSync(LAST) && Math.max(...INPUTS.map(newest)) <= statSync(LAST).mtimeMs;
}

function newest(path: string): number {
  const own = statSync(path);
  if (!own.isDirectory()) return own.mtimeMs;
  return Math.max(own.mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name))));
}

async function buildAll(): Promise<void> {
  // Beside its place first: a coordinator may be reading the old one, and another set-up may be building too.
  const made = `${TARGET}.${process.pid}`;
  mkdirSync(made, { recursive: true });
  try {
    await build({
      input: { app: join(SOURCE, "app", "main.tsx") },
      cwd: SOURCE,
      platform: "browser",
      tsconfig: join(SOURCE, "tsconfig.json"),
      logLevel: "warn",
      output: {
        dir: made,
        format: "esm",
        minify: true,
        sourcemap: false,
        entryFileNames: "[name].js",
        chunkFileNames: "[name]-[hash].js",
      },
    });
    const styles = readdirSync(join(SOURCE, "styles"))
      .filter((name) => name.endsWith(".css"))
      .sort()
      .map((name) => readFileSync(join(SOURCE, "styles", name), "utf8"));
    const plot = readFileSync(join(ROOT, "node_modules", "uplot", "dist", "uPlot.min.css"), "utf8");
    writeFileSync(join(made, "app.css"), [plot, ...styles].join("\n"));
    cpSync(join(SOURCE, "index.html"), join(made, "index.html"));
    rmSync(TARGET, { recursive: true, force: true });
    renameSync(made, TARGET);
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}
