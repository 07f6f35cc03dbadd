/** What runs ran on, as it is told to the coordinator: each environment whole once, and made once however many runs share it. */
import { hash as hashOf } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createEnvironmentNotes, type EnvironmentNotesOptions } from "../../../agent/code/environment-notes.ts";
import { createEnvironmentTexts, type EnvironmentTextsOptions } from "../../../agent/code/environment-text.ts";
import type { PythonFacts } from "../../../agent/code/python-facts.ts";
import type { NotedEnvironment } from "../../../proto/gen/runner/v1/store.ts";
import { AppError } from "../../../shared/kernel/errors.ts";
import { fence } from "../../../shared/kernel/ids.ts";
import type { RunEnvironment } from "../../../shared/run/provenance.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

const HOST = {
  hostname: "gpu-01",
  os: "Debian 12",
  kernel: "6.1",
  arch: "x64",
  cpuModel: "EPYC",
  cpuCount: 64,
  memoryBytes: 2 ** 38,
  driverVersion: "550.54.15",
  diskBytes: 0,
  containerEngine: "",
};
const NOWHERE = { CUDA_HOME: "/nowhere" };

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "exp-environment-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function facts(packages: readonly string[] = ["torch==2.9.0"]): PythonFacts {
  return { executable: "/venv/bin/python", version: "3.12.1", implementation: "CPython", packages };
}

function options(python: PythonFacts, parts: Partial<EnvironmentTextsOptions> = {}): EnvironmentTextsOptions {
  return {
    host: HOST,
    gpus: () => ["H100", "H100"],
    cuda: () => Promise.resolve("12.4"),
    askPython: () => Promise.resolve(python),
    ...parts,
  };
}

test("driver, CUDA and toolkit; variables that can change results and those that are allowed, never a secret", async () => {
  writeFileSync(join(dir, "version.json"), JSON.stringify({ cuda: { name: "CUDA SDK", version: "12.4.1" } }));
  const textOf = createEnvironmentTexts(options(facts()));
  const env = { CUDA_HOME: dir, OMP_NUM_THREADS: "4", DATA_VERSION: "7", WORDS: "no", MY_TOKEN: "t", NCCL_AUTH: "a" };
  const { text, hash } = await textOf("python", env, ["DATA_VERSION", "MY_TOKEN"]);
  expect(hash).toBe(hashOf("sha256", text, "hex"));
  const environment = JSON.parse(text) as RunEnvironment;
  expect(environment).toMatchObject({
    python: { executable: "/venv/bin/python", version: "3.12.1", implementation: "CPython" },
    packages: ["torch==2.9.0"],
    host: { driver: "550.54.15", cuda: "12.4", cuda_toolkit: "12.4.1", gpus: "2x H100" },
    problem: null,
  });
  expect(environment.variables).toEqual({ DATA_VERSION: "7", OMP_NUM_THREADS: "4" });
});

test("without GPUs, toolkit and Python; with a Python that does not answer", async () => {
  const cuda = () => Promise.resolve("");
  const askPython = () => Promise.reject(new Error("no Python"));
  const textOf = createEnvironmentTexts(options(facts(), { cuda, askPython, gpus: () => [] }));
  mkdirSync(join(dir, "version.json"));
  const bare = JSON.parse((await textOf(undefined, { CUDA_HOME: dir }, [])).text) as RunEnvironment;
  expect([bare.python, bare.problem]).toEqual([null, null]);
  expect(Object.keys(bare.host)).not.toContain("cuda");
  expect(Object.keys(bare.host)).not.toContain("cuda_toolkit");
  const silent = JSON.parse((await textOf("python", NOWHERE, [])).text) as RunEnvironment;
  expect([silent.python, silent.problem]).toEqual([null, "no Python"]);
});

test("a thousand equal runs read the list of packages once", async () => {
  let written = 0;
  const packages = Object.assign(["torch==2.9.0"], {
    toJSON: () => {
      written += 1;
      return ["torch==2.9.0"];
    },
  });
  const textOf = createEnvironmentTexts(options(facts(packages)));
  const texts = new Set<string>();
  for (let run = 0; run < 1_000; run++) {
    const env = { ...NOWHERE, EXP_RUN_ID: `run_${run}`, LANG: "C" };
    texts.add((await textOf("python", env, ["LEVEL"])).hash);
  }
  expect([texts.size, written]).toEqual([1, 1]);
  texts.add((await textOf("python", { ...NOWHERE, LANG: "C", LEVEL: "1" }, ["LEVEL"])).hash);
  texts.add((await textOf("python", { ...NOWHERE, LANG: "C", LEVEL: "1" }, [])).hash);
  expect([texts.size, written]).toEqual([2, 2]);
});

function notesOf(send: EnvironmentNotesOptions["send"], parts: Partial<EnvironmentNotesOptions> = {}) {
  const silent = { debug: () => undefined };
  return createEnvironmentNotes({
    imageDigest: () => Promise.resolve(undefined),
    ...options(facts(["x".repeat(400_000)])),
    allowedOf: () => ["LEVEL"],
    send,
    monotonicMs: () => performance.now(),
    logger: silent,
    ...parts,
  });
}

test("runs alike that start together share one look, and a later one looks again", async () => {
  const told: NotedEnvironment[] = [];
  let nowMs = 0;
  let asked = 0;
  const askPython = async () => facts([`torch==2.${asked++}`]);
  const send = async (batch: readonly NotedEnvironment[]) => void told.push(...batch);
  const notes = notesOf(send, { askPython, monotonicMs: () => nowMs });
  try {
    const add = (number: number, level: string, python = "python") =>
      notes.add({ fence: fence(number), argv: ["true"], env: { ...NOWHERE, LEVEL: level, SEED: `${number}` }, python });
    for (let number = 1; number <= 10; number++) add(number, "1");
    await waitUntil("ten are told", () => told.length === 10);
    expect([asked, new Set(told.map(({ hash }) => hash)).size]).toEqual([1, 1]);
    nowMs = 999;
    add(11, "2");
    add(12, "1", "python3.12");
    add(13, "1");
    await waitUntil("three more are told", () => told.length === 13);
    expect(asked).toBe(3);
    nowMs = 1_000;
    add(14, "1");
    await waitUntil("the last is told", () => told.length === 14);
    expect(asked).toBe(4);
  } finally {
    notes.close();
  }
});

test("each environment is told whole once, no call is large, and all of them again where the other side forgot", async () => {
  const calls: (readonly NotedEnvironment[])[] = [];
  const known = new Set<string>();
  const notes = notesOf(async (batch) => {
    for (const { hash, environmentJson } of batch) {
      if (environmentJson !== "") known.add(hash);
      if (!known.has(hash)) throw new AppError("not_found", "never heard of it");
    }
    calls.push(batch);
  });
  try {
    const add = (number: number, level: string) =>
      notes.add({ fence: fence(number), argv: ["true"], env: { ...NOWHERE, LEVEL: level }, python: "python" });
    for (let number = 1; number <= 12; number++) add(number, String(number % 6));
    const told = () => calls.flat();
    await waitUntil("all are told", () => told().length === 12);
    expect(told().filter(({ environmentJson }) => environmentJson !== "")).toHaveLength(6);
    for (const batch of calls) {
      expect(batch.reduce((sum, { environmentJson }) => sum + environmentJson.length, 0)).toBeLessThan(1_500_000);
    }
    known.clear();
    add(13, "1");
    await waitUntil("it is told again", () => told().length === 13);
    expect(told().at(-1)).toMatchObject({ fence: 13, environmentJson: expect.stringContaining('"LEVEL":"1"') });
  } finally {
    notes.close();
  }
});
