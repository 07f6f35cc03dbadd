/** The built page: how much script its first load takes, and that nothing in it leads elsewhere. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";

const DIST = fileURLToPath(new URL("../../../dashboard/dist", import.meta.url));
/** Of script, compressed: the page of any address, loaded anew. */
const FIRST_LOAD_BYTES_MAX = 90_000;
const scripts = readdirSync(DIST).filter((name) => name.endsWith(".js"));

const textOf = (name: string) => readFileSync(join(DIST, name), "utf8");

/** What a script needs before it runs, itself included. */
function closure(name: string, found = new Set<string>()): Set<string> {
  if (found.has(name)) return found;
  found.add(name);
  for (const [, from = ""] of textOf(name).matchAll(/\b(?:from|import)\s*["'`]\.\/([^"'`]+)["'`]/g))
    closure(from, found);
  return found;
}

const views = [...textOf("app.js").matchAll(/\bimport\(\s*["'`]\.\/([^"'`]+)["'`]\s*\)/g)].map(([, name = ""]) => name);

describe("first load", () => {
  test("the frame does not bring the views along", () => {
    expect(views.length).toBeGreaterThan(10);
    for (const view of views) expect(closure("app.js")).not.toContain(view);
  });

  test.each(views)("%s", (view) => {
    const names = [...new Set([...closure("app.js"), ...closure(view)])];
    const sizes = names.map((name) => gzipSync(textOf(name), { level: 9 }).length);
    const total = sizes.reduce((sum, size) => sum + size, 0);
    expect(total, names.map((name, i) => `${name}: ${sizes[i]}`).join(", ")).toBeLessThan(FIRST_LOAD_BYTES_MAX);
  });
});

test.each([...scripts, "app.css", "index.html"])("%s names no other place and runs no text", (name) => {
  const text = textOf(name);
  // Names of XML namespaces look like addresses; nothing is fetched from them.
  const addresses = [...text.matchAll(/\b(?:https?:)?\/\/[a-z0-9-]+\.[a-z][\w.-]*[^\s"'`)]*/gi)].map(
    ([address]) => address,
  );
  expect(addresses.filter((address) => !address.startsWith("http://www.w3.org/"))).toEqual([]);
  expect(text).not.toMatch(/\beval\(|\bnew Function\(|@import|url\(/);
});

test("the page has no script, style or handler of its own", () => {
  const html = textOf("index.html");
  expect(html).not.toMatch(/<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)/);
});
