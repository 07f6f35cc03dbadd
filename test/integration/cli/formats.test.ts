/** Every command that lists gives valid output in every format, with rows and without. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { Writable } from "node:stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FORMATS } from "../../../cli/config.ts";
import { runProgram } from "../../../cli/program.ts";
import { BestResponse } from "../../../proto/gen/runner/v1/control.ts";
import { systemClock } from "../../../shared/kernel/clock.ts";
import {
  AT,
  aNode,
  aRun,
  aSweep,
  type ControlServer,
  startControlServer,
  TEST_TOKEN,
} from "../../helpers/control-server.ts";
import { streamOf } from "../../helpers/exp-rig.ts";

const HOSTILE = '学習 | "率",\n\u001b[31m=1+1';
const run = (n: number) => aRun(n, { reason: HOSTILE, paramsJson: JSON.stringify({ lr: n, name: HOSTILE }) });
const token = (name: string, role: string, patch: object = {}) => ({
  ...{ name, role, createdAt: AT, expiresAt: AT + 1, node: "", usedAt: 0, usedBy: "", ...patch },
});
const TOKENS = [token("alice", "user"), token("join-1", "join", { node: "gpu-07", usedAt: AT, usedBy: "gpu-07" })];
const full = {
  listRuns: () => streamOf({ runs: [run(1), run(2)] }),
  listSweeps: () => ({ sweeps: [aSweep(), aSweep({ ref: "other.3" })] }),
  listNodes: () => ({ nodes: [aNode({ labels: { zone: HOSTILE } })] }),
  listQueue: () => ({ total: 0, runs: [] }),
  updateNode: () => ({ node: aNode() }),
  listTokens: () => ({ tokens: TOKENS }),
  best: () =>
    BestResponse.fromPartial({
      ...{ metric: "acc", goal: "maximize", reduce: "best" },
      rows: [{ run: run(2), value: 0.9, rank: 1, groupParamsJson: '{"lr":2}', refs: ["digits.1.2"] }],
    }),
  getRun: () => ({ run: run(1), attempts: [], events: [], templateJson: "", resourcesJson: "{}" }),
  metrics: () => streamOf({ points: [{ key: HOSTILE, value: 1, step: 2, at: 0 }] }),
  prune: () => streamOf({ runs: [{ ref: "digits.1.1", state: run(1).state, finishedAt: AT, bytes: 5 }], kept: [] }),
  events: () =>
    streamOf({ events: [{ seq: 1, at: AT, kind: "run.failed", run: "digits.1.1", node: "", text: HOSTILE }] }),
};
const empty = {
  ...full,
  listRuns: () => streamOf(),
  listSweeps: () => ({ sweeps: [] }),
  listNodes: () => ({ nodes: [] }),
  best: () => BestResponse.fromPartial({ metric: "acc", goal: "maximize" }),
  getRun: () => ({ ...full.getRun(), run: aRun(1, { metrics: {} }) }),
  metrics: () => streamOf(),
  prune: () => streamOf(),
  events: () => streamOf(),
  listTokens: () => ({ tokens: [] }),
};

/** Each list of the program. Those without `canBeEmpty` answer what was asked about. */
const LISTS: readonly { readonly line: string; readonly module: string; readonly canBeEmpty: boolean }[] = [
  { line: "ls", module: "ls", canBeEmpty: true },
  { line: "ls --sort name --cols ref,name,reason,metrics.acc", module: "ls", canBeEmpty: true },
  { line: "ls --group lr,params.name", module: "ls", canBeEmpty: true },
  { line: "sweeps", module: "sweeps", canBeEmpty: true },
  { line: "nodes", module: "nodes", canBeEmpty: true },
  { line: "gpus", module: "gpus", canBeEmpty: true },
  { line: "best digits", module: "best", canBeEmpty: true },
  { line: "metrics digits.1.1", module: "metrics", canBeEmpty: true },
  { line: "metrics digits.1.1 --series", module: "metrics", canBeEmpty: true },
  { line: "pivot digits.1 --rows lr --cols name --value acc", module: "pivot", canBeEmpty: true },
  { line: "prune digits.1", module: "prune", canBeEmpty: true },
  { line: "events", module: "events", canBeEmpty: true },
  { line: "token ls", module: "token", canBeEmpty: true },
  { line: "cordon gpu-01", module: "node-actions", canBeEmpty: false },
];
/** Lists that have tests of their own for what they give: they need more of a fleet than answers, or answer otherwise. */
const ELSEWHERE = new Set(["top", "context"]);

const dir = mkdtempSync(join(tmpdir(), "exp-formats-"));
const servers: ControlServer[] = [];
beforeAll(async () => {
  writeFileSync(join(dir, "token"), TEST_TOKEN, { mode: 0o600 });
  servers.push(await startControlServer(full), await startControlServer(empty));
});
afterAll(async () => {
  for (const server of servers) await server[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true, force: true });
});

async function exp(server: ControlServer | undefined, line: string, ...more: string[]) {
  const said = { out: "", err: "" };
  const into = (name: "out" | "err") =>
    new Writable({
      write(chunk, _encoding, done) {
        said[name] += String(chunk);
        done();
      },
    });
  const flags = ["--server", server?.address ?? "127.0.0.1:1", "--token-file", join(dir, "token")];
  const code = await runProgram([...line.split(" "), ...flags, ...more], {
    host: {
      clock: systemClock,
      self: { executable: "exp", args: [] },
      pid: process.pid,
      onSignal: () => () => undefined,
      ask: async () => undefined,
      readStdin: async () => "",
      openScreen: () => {
        throw new Error("there is no terminal");
      },
    },
    out: into("out"),
    err: into("err"),
    env: { HOME: dir },
    terminal: { stdinIsTty: false, stdoutIsTty: false, stderrIsTty: false, columns: undefined },
    cwd: dir,
  });
  return { code, ...said };
}

/** Rows of a CSV text, by RFC 4180. Throws for a stray quote. */
function csvRows(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  for (let at = 0; at < text.length; ) {
    const cell = /^(?:"((?:[^"]|"")*)"|([^",\r\n]*))([,\n])/.exec(text.slice(at));
    if (!cell) throw new Error(`no cell at ${at}: ${text.slice(at, at + 40)}`);
    row.push(cell[1]?.replaceAll('""', '"') ?? cell[2] ?? "");
    at += cell[0].length;
    if (cell[3] === "\n") {
      rows.push(row);
      row = [];
    }
  }
  return rows;
}

const isRecord = (value: unknown) => typeof value === "object" && value !== null && !Array.isArray(value);

/** What holds in each format for a list of `rows` rows. */
const CHECKS: { readonly [format in (typeof FORMATS)[number]]: (text: string, rows: number) => void } = {
  json(text, rows) {
    const value = JSON.parse(text) as unknown[];
    expect(value).toHaveLength(rows);
    expect(value.every(isRecord)).toBe(true);
    if (rows === 0) expect(text).toBe("[]\n");
  },
  jsonl(text, rows) {
    const lines = text.split("\n").slice(0, -1);
    expect(lines).toHaveLength(rows);
    expect(lines.every((line) => isRecord(JSON.parse(line)))).toBe(true);
  },
  csv(text, rows) {
    const cells = csvRows(text);
    expect(cells).toHaveLength(rows + 1);
    expect(new Set(cells.map(({ length }) => length)).size).toBe(1);
    expect(cells.flat().every((cell) => !/^[=+@]/.test(cell))).toBe(true);
  },
  md(text, rows) {
    const lines = text.split("\n").slice(0, -1);
    expect(lines).toHaveLength(rows + 2);
    const columns = lines.map((line) => line.replaceAll("\\|", "").split("|").length);
    expect(new Set(columns).size).toBe(1);
    expect(lines[1]).toMatch(/^\|( -{3}:? \|)+$/);
  },
  name(text, rows) {
    expect(text.split("\n").slice(0, -1)).toHaveLength(rows);
  },
  table: (text, rows) => checkTable(text, rows),
  wide: (text, rows) => checkTable(text, rows),
};

function checkTable(text: string, rows: number): void {
  expect(text.split("\n").slice(0, -1)).toHaveLength(rows === 0 ? 0 : rows + 1);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: nothing may move the cursor.
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  expect(text).not.toContain("…");
}

describe.each(LISTS)("exp $line", ({ line, canBeEmpty }) => {
  test.each(FORMATS)("-o %s", async (format) => {
    const { code, out, err } = await exp(servers[0], line, "-o", format);
    expect([code, code === 0 ? "" : err]).toEqual([0, ""]);
    const rows = JSON.parse((await exp(servers[0], line, "--json")).out).length;
    expect(rows).toBeGreaterThan(0);
    CHECKS[format](out, rows);
    if (!canBeEmpty) return;
    const without = await exp(servers[1], line, "-o", format);
    expect(without.code).toBe(0);
    CHECKS[format](without.out, 0);
    expect(without.err).toMatch(format === "table" || format === "wide" ? /^no / : /^$/);
  });

  test("an error in JSON is one object on stderr, and stdout is empty", async () => {
    const { code, out, err } = await exp(undefined, line, "--json");
    expect([code, out]).toEqual([5, ""]);
    expect(JSON.parse(err)).toMatchObject({ error: { code: "unavailable" } });
    expect(err.split("\n")).toHaveLength(2);
  });
});

test("no list is left out of this test", () => {
  const directory = join(import.meta.dirname, "../../../cli/commands");
  const listing = readdirSync(directory)
    .filter((file) => /\bout\.list\(/.test(readFileSync(join(directory, file), "utf8")))
    .map((file) => basename(file, ".ts"));
  const tested = new Set([...LISTS.map(({ module }) => module), ...ELSEWHERE]);
  expect(listing.filter((name) => !tested.has(name))).toEqual([]);
});

test("EXP_OUTPUT and -q are the same as the flags; a wrong one is refused", async () => {
  expect((await exp(servers[0], "ls", "-q")).out).toBe("digits.1.1\ndigits.1.2\n");
  const wrong = await exp(servers[0], "ls", "-o", "yaml");
  expect([wrong.code, wrong.out]).toEqual([2, ""]);
});
