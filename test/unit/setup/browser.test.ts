/** scripts/browser.sh: which browser it picks on which machine, what it takes of the fetched package, and what it says where there is none. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { brotliCompressSync } from "node:zlib";
import { beforeEach, expect, test } from "vitest";
import { pathOfTool, runWith, useToolFolder, writeProgram } from "../../helpers/fake-tools.ts";

const SCRIPTS = resolve(import.meta.dirname, "../../../scripts");
const PINNED = "153.0.0";

const made = useToolFolder();
let folder: string;
let path: string;
let cache: string;

beforeEach(() => {
  ({ folder, path } = made);
  for (const tool of ["tar", "gzip"]) symlinkSync(pathOfTool(tool), join(path, tool));
  symlinkSync(process.execPath, join(path, "node"));
  // What it says, whatever machine this is.
  rmSync(join(path, "uname"));
  writeProgram(join(path, "uname"), 'case $1 in -s) echo Linux ;; -m) echo "${MACHINE:-x86_64}" ;; esac');
  cache = join(folder, "cache");
});

function find(env: Record<string, string> = {}) {
  const all = { PATH: path, EXP_CACHE_DIR: cache, ...env };
  const { status, stdout, stderr } = runWith(all, "/bin/sh", join(SCRIPTS, "browser.sh"));
  return { status, path: stdout.trimEnd(), stderr };
}

/** A package as the real one is laid out, with this as its program. */
function makePackage(program: string): { archive: string; sha512: string } {
  const bin = join(folder, "package", "bin");
  const [libs, fonts] = [join(folder, "libs"), join(folder, "fonts")];
  for (const made of [bin, join(libs, "lib"), join(fonts, "fonts")]) mkdirSync(made, { recursive: true });
  writeFileSync(join(libs, "lib", "libnss3.so"), "library");
  writeFileSync(join(fonts, "fonts", "sans.ttf"), "font");
  const tar = (from: string, name: string) => execFileSync("tar", ["-cf", "-", "-C", from, name]);
  writeFileSync(join(bin, "chromium.br"), brotliCompressSync(Buffer.from(program)));
  writeFileSync(join(bin, "al2023.tar.br"), brotliCompressSync(tar(libs, "lib")));
  writeFileSync(join(bin, "fonts.tar.br"), brotliCompressSync(tar(fonts, "fonts")));
  const archive = join(folder, "package.tgz");
  execFileSync("tar", ["-czf", archive, "-C", folder, "package"]);
  return { archive, sha512: createHash("sha512").update(readFileSync(archive)).digest("hex") };
}

test.each(["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"])("%s on PATH is taken", (name) => {
  const browser = writeProgram(join(path, name), "exit 0");
  expect(find()).toEqual({ status: 0, path: browser, stderr: "" });
});

test("CHROME_PATH wins; one that is not there is an error, never a silent change to another", () => {
  writeProgram(join(path, "chromium"), "exit 0");
  const own = writeProgram(join(folder, "own"), "exit 0");
  expect(find({ CHROME_PATH: own })).toEqual({ status: 0, path: own, stderr: "" });
  const wrong = find({ CHROME_PATH: join(folder, "none") });
  expect(wrong).toMatchObject({ status: 1, path: "" });
  expect(wrong.stderr).toContain("there is no such program");
});

test("one that was fetched before is taken without a word", () => {
  const cached = writeProgram(join(cache, "chromium", PINNED, "chrome"), "exit 0");
  expect(find()).toEqual({ status: 0, path: cached, stderr: "" });
});

test("the package is asked for by its version, and refused with another hash; nothing of it stays", () => {
  const { archive } = makePackage("#!/bin/sh\n");
  writeProgram(join(path, "npm"), `echo "$*" >${folder}/asked; cp ${archive} fetched.tgz`);
  const result = find();
  expect(readFileSync(join(folder, "asked"), "utf8")).toBe(`pack --silent @sparticuz/chromium@${PINNED}\n`);
  expect(result).toMatchObject({ status: 1, path: "" });
  expect(result.stderr).toMatch(/could not be used: the package has the hash [0-9a-f]{16}\.\.\., and not the one/);
  expect(readdirSync(join(cache, "chromium"))).toEqual([]);
});

test.each([
  { what: "no npm answers", env: {}, npm: "echo 'npm error network' >&2; exit 1", says: "npm error network" },
  {
    what: "there is no package for the machine",
    env: { MACHINE: "aarch64" },
    npm: "exit 0",
    says: "none for Linux-aarch64",
  },
])("none where $what: exit 1, and the ways to get one", ({ env, npm, says }) => {
  writeProgram(join(path, "npm"), npm);
  const result = find(env);
  expect(result).toMatchObject({ status: 1, path: "" });
  expect(result.stderr).toContain(says);
  expect(result.stderr).toContain("Install one (Debian: apt-get install chromium), or name one in CHROME_PATH.");
});

test("of a package with the right hash the program starts, with the libraries beside it", () => {
  const { archive, sha512 } = makePackage('#!/bin/sh\necho "$LD_LIBRARY_PATH $*"\n');
  const dest = join(folder, "unpacked");
  const env = { PATH: path };
  const unpacked = runWith(env, "node", join(SCRIPTS, "unpack-chromium.ts"), archive, sha512, dest);
  expect({ status: unpacked.status, stderr: unpacked.stderr }).toEqual({ status: 0, stderr: "" });
  expect(runWith(env, join(dest, "chrome"), "--version", "a b").stdout).toBe(`${dest}/lib --version a b\n`);
  expect(existsSync(join(dest, "lib", "libnss3.so"))).toBe(true);
  expect(existsSync(join(dest, "fonts", "sans.ttf"))).toBe(true);
  expect(existsSync(join(dest, "package"))).toBe(false);
});
