/** The verbs as a user's shell sees them: the real program against a real gRPC server that answers as the test says. */
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { RunState } from "../../../proto/gen/runner/v1/common.ts";
import { NodeAction } from "../../../proto/gen/runner/v1/control.ts";
import { AppError } from "../../../shared/kernel/errors.ts";
import {
  type Answers,
  AT,
  aNode,
  aRun,
  aServer,
  aSweep,
  type ControlServer,
  startControlServer,
  TEST_TOKEN,
} from "../../helpers/control-server.ts";
import { type ProgramResult, runExp } from "../../helpers/program-process.ts";

const dir = mkdtempSync(join(tmpdir(), "exp-cli-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
const tokenFile = join(dir, "token");
writeFileSync(tokenFile, `${TEST_TOKEN}\n`);
writeFileSync(
  join(dir, "sweep.toml"),
  'name = "digits"\nseeds = [0, 1]\n[grid]\nlr = [0.1, 1.0]\n[run]\ncommand = ["python", "train.py", "${args}"]\n',
);
const ENV = { HOME: dir, XDG_CONFIG_HOME: join(dir, "config"), NO_COLOR: "", EXP_OUTPUT: "" };

const exp = (args: readonly string[], env = {}): Promise<ProgramResult> => runExp(args, dir, { ...ENV, ...env });

async function withServer(
  answers: Answers,
  args: readonly string[],
): Promise<ProgramResult & { calls: ControlServer["calls"] }> {
  await using server = await startControlServer(answers);
  const result = await exp([
    ...args.slice(0, 1),
    "--server",
    server.address,
    "--token-file",
    tokenFile,
    ...args.slice(1),
  ]);
  return { ...result, calls: server.calls };
}

async function* stream<T>(...parts: T[]): AsyncGenerator<T> {
  yield* parts;
}

const FULL: Answers = {
  listRuns: () => stream({ runs: [aRun(1), aRun(2)] }),
  listSweeps: () => ({ sweeps: [aSweep()] }),
  listNodes: () => ({ nodes: [aNode()] }),
};
const EMPTY: Answers = {
  listRuns: () => stream(),
  listSweeps: () => ({ sweeps: [] }),
  listNodes: () => ({ nodes: [] }),
  best: () => ({ metric: "acc", goal: "maximize", rows: [] }),
  getRun: () => ({ run: aRun(1, { metrics: {} }), attempts: [], events: [], templateJson: "{}", resourcesJson: "{}" }),
  metrics: () => stream(),
};

describe("lists", () => {
  test.each([
    ["ls"],
    ["sweeps"],
    ["nodes"],
    ["gpus"],
    ["best digits"],
    ["metrics digits.1.1"],
    ["metrics digits.1.1 --series"],
  ])("an empty %s is [] in JSON, and a word on stderr for people", async (line) => {
    const json = await withServer(EMPTY, [...line.split(" "), "--json"]);
    expect(json).toMatchObject({ code: 0, stdout: "[]\n", stderr: "" });
    const table = await withServer(EMPTY, line.split(" "));
    expect(table).toMatchObject({ code: 0, stdout: "" });
    expect(table.stderr).toMatch(/^no /);
  });

  test("ls: what differs, short names of devices, the objective; plain in a pipe", async () => {
    const { stdout, code } = await withServer(FULL, ["ls", "digits.1"]);
    expect(code).toBe(0);
    expect(
      stdout
        .split("\n")
        .slice(0, 3)
        .map((line) => line.replace(/\d+\w+ +-$/, "AGE -")),
    ).toEqual(
      [
        "NAME      STATE      lr     acc  WHERE     TOOK  AGE   WHY",
        "digits.1.1  succeeded  0.1  0.901  gpu-01:3  1m    AGE -",
        "digits.1.2  succeeded  0.2  0.902  gpu-01:3  1m    AGE -",
      ].map((line, n) => (n === 0 ? expect.stringMatching(/^NAME +STATE +lr +acc +WHERE +TOOK +AGE +WHY$/) : line)),
    );
    expect(stdout).not.toContain("2 runs:");
  });

  test("ls --json is the contract", async () => {
    const { stdout } = await withServer(FULL, ["ls", "--json", "-a"]);
    expect(JSON.parse(stdout)[0]).toEqual({
      id: `run_${"1".padStart(26, "0")}`,
      ref: "digits.1.1",
      sweep: "digits.1",
      index: 1,
      state: "succeeded",
      reason: "",
      params: { lr: 0.1, depth: 2 },
      priority: 0,
      attempt: 1,
      fence: 1,
      node: "gpu-01",
      devices: ["GPU-a"],
      exitCode: 0,
      createdAt: new Date(AT).toISOString(),
      startedAt: new Date(AT + 1000).toISOString(),
      finishedAt: new Date(AT + 61_000).toISOString(),
      metrics: { acc: 0.901 },
    });
  });

  test("ls hides what ended long ago, and says so", async () => {
    const live = aRun(2, { state: RunState.RUN_STATE_RUNNING, finishedAt: 0 });
    const answers: Answers = {
      ...FULL,
      listRuns: ({ states }: { states: RunState[] }) =>
        stream({ runs: states.includes(RunState.RUN_STATE_RUNNING) ? [live] : [aRun(1)] }),
    };
    const { stdout, stderr } = await withServer(answers, ["ls", "-o", "name"]);
    expect(stdout).toBe("digits.1.2\n");
    expect(stderr).toContain("-a shows all");
  });

  test("the filter reaches the coordinator; a wrong state is refused here", async () => {
    const { calls } = await withServer(FULL, ["ls", "digits.1.1-5", "--state", "failed,queued", "-n", "7", "--json"]);
    expect(calls).toEqual([
      {
        method: "listRuns",
        request: { refs: ["digits.1.1-5"], states: [RunState.RUN_STATE_FAILED, RunState.RUN_STATE_QUEUED], limit: 7 },
      },
    ]);
    expect(await withServer(FULL, ["ls", "--state", "done"])).toMatchObject({ code: 2, stdout: "" });
  });

  test.each([
    ["csv", "name,state,lr,acc,where"],
    ["md", "| NAME | STATE | lr | acc | WHERE | "],
    ["jsonl", '{"id":"run_'],
    ["name", "digits.1.1\ndigits.1.2\n"],
  ])("ls -o %s", async (format, start) => {
    expect((await withServer(FULL, ["ls", "digits.1", "-o", format])).stdout.slice(0, start.length)).toBe(start);
  });

  test("nodes and gpus", async () => {
    const nodes = JSON.parse((await withServer(FULL, ["nodes", "--json"])).stdout);
    expect(Object.keys(nodes[0])).toEqual(["name", "state", "labels", "devices", "seenAt"]);
    const gpus = JSON.parse((await withServer(FULL, ["gpus", "--json"])).stdout);
    expect(gpus).toEqual([
      {
        node: "gpu-01",
        uuid: "GPU-a",
        index: 3,
        model: "A100",
        memoryBytes: 80e9,
        state: "busy",
        run: "digits.1.1",
        foreign: [],
      },
    ]);
    expect((await withServer(FULL, ["gpus"])).stdout).toMatch(/gpu-01 +3 +A100 +80GB +busy +digits\.1\.1/);
  });

  test("sweeps --json is the contract", async () => {
    expect(JSON.parse((await withServer(FULL, ["sweeps", "--json"])).stdout)).toEqual([
      {
        ref: "digits.1",
        name: "digits",
        state: "succeeded",
        total: 2,
        counts: { succeeded: 2 },
        reused: 0,
        createdAt: new Date(AT).toISOString(),
      },
    ]);
  });
});

describe("one thing", () => {
  test("show tells a sweep from its only run", async () => {
    const answers: Answers = {
      listSweeps: () => ({ sweeps: [aSweep()] }),
      getRun: () => ({
        run: aRun(1),
        attempts: [],
        events: [{ at: AT, kind: "requeued", text: "lost" }],
        templateJson: '{"command":["python","a b.py"]}',
        resourcesJson: '{"gpus":1}',
      }),
    };
    expect(JSON.parse((await withServer(answers, ["show", "digits.1", "--json"])).stdout)).toMatchObject({
      ref: "digits.1",
      objective: { metric: "acc", goal: "maximize" },
    });
    expect(JSON.parse((await withServer(answers, ["show", "digits.1.1", "--json"])).stdout)).toMatchObject({
      ref: "digits.1.1",
      resources: { gpus: 1 },
      events: [{ at: new Date(AT).toISOString(), kind: "requeued", text: "lost" }],
    });
    expect((await withServer(answers, ["show", "digits.1.1"])).stdout).toContain("command   python 'a b.py'");
  });

  test("logs into a pipe are the bytes and nothing else", async () => {
    const bytes = Buffer.from([0, 255, 27, 91, 10, 13, 200]);
    const parts = [bytes, Buffer.from("end without newline")].map((data) => ({
      offset: 0,
      data,
      attempt: 1,
      incomplete: "",
    }));
    await using server = await startControlServer({ logs: () => stream(...parts) });
    const { promisify } = await import("node:util");
    const { execFile } = await import("node:child_process");
    const main = join(import.meta.dirname, "../../../cli/main.ts");
    const args = [main, "logs", "digits.1.1", "--server", server.address, "--token-file", tokenFile];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { encoding: "buffer", cwd: dir });
    expect(stdout).toEqual(Buffer.concat(parts.map(({ data }) => data)));
    expect(stderr.toString()).toBe("");
    expect(server.calls).toEqual([
      { method: "logs", request: { ref: "digits.1.1", follow: false, attempt: 0, offset: 0, tailLines: 0 } },
    ]);
  });

  test("logs say on stderr what is missing, and go on after the coordinator was away", async () => {
    let calls = 0;
    const answers: Answers = {
      logs: async function* ({ offset }: { offset: number }) {
        calls += 1;
        if (calls === 1) {
          yield { offset, data: Buffer.from("first "), attempt: 1, incomplete: "" };
          throw new AppError("unavailable", "restarting");
        }
        yield { offset, data: Buffer.from(`from ${offset}`), attempt: 1, incomplete: "" };
        yield { offset, data: Buffer.alloc(0), attempt: 1, incomplete: "4 of 20 bytes never came" };
      },
    };
    const { stdout, stderr, code } = await withServer(answers, ["logs", "digits.1.1", "-f"]);
    expect({ stdout, stderr, code }).toEqual({
      stdout: "first from 6",
      stderr: "incomplete: 4 of 20 bytes never came\n",
      code: 0,
    });
  });

  test("metrics: last values, the series as CSV, an unknown key", async () => {
    const answers: Answers = {
      getRun: () => ({
        run: aRun(1, { metrics: { acc: 0.5, loss: Number.NaN } }),
        attempts: [],
        events: [],
        templateJson: "",
        resourcesJson: "",
      }),
      metrics: () =>
        stream({
          points: [
            { key: "acc", value: 0.25, step: 1, at: AT / 1000 },
            { key: "acc", value: 0.5, step: 2, at: 0 },
          ],
        }),
    };
    expect(JSON.parse((await withServer(answers, ["metrics", "digits.1.1", "--json"])).stdout)).toEqual([
      { key: "acc", value: 0.5 },
      { key: "loss", value: "NaN" },
    ]);
    expect((await withServer(answers, ["metrics", "digits.1.1", "--csv"])).stdout).toBe(
      `key,step,value,at\nacc,1,0.25,${new Date(AT).toISOString()}\nacc,2,0.5,\n`,
    );
    expect(await withServer(answers, ["metrics", "digits.1.1", "ac"])).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('has no metric "ac"; it has acc'),
    });
  });

  test("best, why", async () => {
    const best: Answers = {
      best: () => ({ metric: "acc", goal: "maximize", rows: [{ run: aRun(2), value: 0.902, rank: 1 }] }),
    };
    expect(JSON.parse((await withServer(best, ["best", "digits", "--json"])).stdout)).toMatchObject([
      { rank: 1, value: 0.902, metric: "acc", goal: "maximize", ref: "digits.1.2", params: { lr: 0.2 } },
    ]);
    const why: Answers = {
      why: () => ({
        run: aRun(1, { state: RunState.RUN_STATE_QUEUED }),
        reason: "no device is free",
        needs: "1 GPU",
        nodes: [{ node: "gpu-01", reason: "all busy \u001b[2J" }],
        ahead: 3,
      }),
    };
    const { stdout } = await withServer(why, ["why", "digits.1.1"]);
    expect(stdout).toMatch(/^digits\.1\.1 {2}queued, submitted .* ago: no device is free\n {2}needs {4}1 GPU\n/);
    expect(stdout).toContain("  gpu-01  all busy \\x1b[2J\n  ahead    3 runs\n");
  });
});

const WATCHED = { total: 4, catchingUp: 0, done: false, bestRef: "", bestValue: 0, bestMetric: "" };

describe("changes", () => {
  const submitted = { sweep: "digits.1", total: 4, fresh: 3, reused: 1 };

  test("submit sends the file as it is, under an id", async () => {
    const { stdout, stderr, calls } = await withServer({ submit: () => submitted }, [
      "submit",
      "sweep.toml",
      "--json",
      "--priority",
      "-3",
    ]);
    expect(JSON.parse(stdout)).toEqual({ sweep: "digits.1", total: 4, new: 3, reused: 1 });
    expect(stderr).toBe("");
    expect(calls).toMatchObject([
      {
        method: "submit",
        request: {
          submitId: expect.stringMatching(/^[0-9a-f-]{36}$/),
          force: false,
          priority: -3,
          source: { path: "sweep.toml", directory: dir },
        },
      },
    ]);
  });

  test("submit is repeated under the same id while the coordinator restarts", async () => {
    let calls = 0;
    const answers: Answers = {
      submit: () => {
        calls += 1;
        if (calls < 3) throw new AppError("unavailable", "restarting");
        return submitted;
      },
    };
    const result = await withServer(answers, ["submit", "sweep.toml"]);
    expect(result).toMatchObject({ code: 0, stdout: "digits.1: 4 runs, 3 new, 1 completed before\n" });
    expect(result.stderr).toMatch(/^next: exp wait digits\.1 --server /);
    expect(new Set(result.calls.map(({ request }) => (request as { submitId: string }).submitId)).size).toBe(1);
  });

  test.each([
    [{ succeeded: 4 }, 0],
    [{ succeeded: 3, failed: 1 }, 1],
    [{ succeeded: 3, cancelled: 1 }, 1],
    [{ succeeded: 3, skipped: 1 }, 0],
  ])("submit --wait that ends with %j exits %i", async (counts, code) => {
    const watch = () => stream({ ...WATCHED, counts: { queued: 4 } }, { ...WATCHED, counts, done: true });
    const result = await withServer({ submit: () => submitted, watch }, ["submit", "sweep.toml", "--wait", "--json"]);
    expect(result.code).toBe(code);
    expect(JSON.parse(result.stdout)).toEqual({ sweep: "digits.1", total: 4, new: 3, reused: 1, counts });
    expect(result.stderr).toContain("digits.1: 0 of 4 runs ended; 4 queued\n");
    expect(result.stderr).toContain("digits.1: 4 of 4 runs ended; ");
  });

  test("wait: an absent coordinator is waited for, a time limit is exit 124", async () => {
    let calls = 0;
    const watch = async function* () {
      calls += 1;
      yield { ...WATCHED, counts: { running: 4 }, done: false };
      if (calls === 1) throw new AppError("unavailable", "restarting");
      yield { ...WATCHED, counts: { succeeded: 4 }, done: true };
    };
    expect(await withServer({ watch }, ["wait", "digits.1"])).toMatchObject({
      code: 0,
      stdout: "4 runs: 4 succeeded\n",
    });
    const forever = async function* () {
      yield { ...WATCHED, counts: { running: 4 }, done: false };
      await new Promise((resolve) => setTimeout(resolve, 3_000));
    };
    const late = await withServer({ watch: forever }, ["wait", "digits.1", "--timeout", "1s"]);
    expect(late).toMatchObject({
      code: 124,
      stderr: expect.stringContaining("4 of 4 runs have not ended after 1s; they go on"),
    });
    const failed = () => stream({ ...WATCHED, counts: { failed: 4 }, done: true });
    expect((await withServer({ watch: failed }, ["wait", "digits.1", "--for", "terminal"])).code).toBe(0);
    expect((await withServer({ watch: failed }, ["wait", "digits.1"])).code).toBe(1);
  });

  test("cancel: many need --yes; nothing to cancel is exit 6", async () => {
    const runs = Array.from({ length: 21 }, (_, i) => aRun(i + 1, { state: RunState.RUN_STATE_QUEUED }));
    const answers: Answers = {
      listRuns: () => stream({ runs }),
      cancel: () => ({ cancelled: 21, stopping: 0, unchanged: 1 }),
    };
    const refused = await withServer(answers, ["cancel", "digits.1"]);
    expect(refused).toMatchObject({
      code: 6,
      stdout: "",
      stderr: expect.stringContaining("21 runs would be cancelled; --yes"),
    });
    expect(refused.calls.map(({ method }) => method)).toEqual(["listRuns"]);
    expect(await withServer(answers, ["cancel", "digits.1", "-y"])).toMatchObject({
      code: 0,
      stdout: "21 cancelled, 1 had ended before\n",
    });
    const none: Answers = { listRuns: () => stream(), cancel: () => ({ cancelled: 0, stopping: 0, unchanged: 4 }) };
    expect((await withServer(none, ["cancel", "digits.1"])).code).toBe(6);
  });

  test("retry, and nodes of which one is unknown", async () => {
    const retry: Answers = { retry: () => ({ requeued: 2, unchanged: 1 }) };
    expect((await withServer(retry, ["retry", "digits.1"])).stdout).toBe(
      "2 runs queued again, 1 left alone (live or succeeded)\n",
    );
    const updateNode = ({ name }: { name: string }) => {
      if (name === "x") throw new AppError("not_found", "no node x");
      return { node: aNode({ state: "draining" }) };
    };
    const result = await withServer({ updateNode }, ["drain", "gpu-01", "x"]);
    expect(result).toMatchObject({ code: 7, stderr: "error[not_found]: no node x\n" });
    expect(result.calls[0]?.request).toEqual({ name: "gpu-01", action: NodeAction.NODE_ACTION_DRAIN });
    expect((await withServer({ updateNode }, ["cordon", "x"])).code).toBe(3);
  });
});

describe("refusals", () => {
  test.each([
    [["frobnicate"], 2],
    [["ls", "--frobnicate"], 2],
    [["ls", "-n", "three"], 2],
    [["submit"], 2],
    [["submit", "no-such.toml"], 2],
    [["submit", "sweep.toml", "--gpus", "1"], 2],
    [["ls", "--server", "nowhere"], 2],
    [["ls", "--server", "127.0.0.1:1", "--token-file", "/no/such"], 4],
    [["ls", "--server", "127.0.0.1:1"], 5],
    [["ls"], 5],
    [["ls", "--context", "lab"], 3],
  ])("%j is one line and exit %i; in JSON an object on stderr", async (args, code) => {
    const text = await exp(args);
    expect(text).toMatchObject({ code, stdout: "" });
    expect(text.stderr).toMatch(/^error\[[\w.-]+\]: [^\n]+\n$/);
    const json = await exp([...args, "--json"]);
    expect(json).toMatchObject({ code, stdout: "" });
    expect(JSON.parse(json.stderr)).toEqual({
      error: expect.objectContaining({ code: expect.any(String), id: expect.any(String), message: expect.any(String) }),
    });
  });

  test("a wrong token is exit 4, an unknown reference exit 3 with the nearest", async () => {
    await using server = await startControlServer({});
    writeFileSync(join(dir, "wrong"), "something else");
    expect(await exp(["ls", "--server", server.address, "--token-file", "wrong"])).toMatchObject({ code: 4 });
    const why: Answers = {
      why: () => {
        throw new AppError("not_found", 'no sweep or run is called "digist.1"', {
          id: "ref.unknown",
          hint: "did you mean digits.1?",
        });
      },
    };
    expect(await withServer(why, ["why", "digist.1"])).toMatchObject({
      code: 3,
      stderr: 'error[ref.unknown]: no sweep or run is called "digist.1"; did you mean digits.1?\n',
    });
  });

  test("plan works without a coordinator and says that reuse was not checked", async () => {
    const result = await exp(["plan", "sweep.toml", "--show", "2", "--json"]);
    expect(result.code).toBe(0);
    expect(JSON.parse(result.stdout)).toEqual({
      name: "digits",
      total: 4,
      new: 4,
      reused: 0,
      reuseChecked: false,
      axes: [
        { key: "lr", size: 2 },
        { key: "seed", size: 2 },
      ],
      points: [
        {
          index: 1,
          params: { lr: 0.1, seed: 0 },
          argv: ["python", "train.py", "--lr", "0.1", "--seed", "0"],
          reusedFrom: null,
        },
        {
          index: 2,
          params: { lr: 0.1, seed: 1 },
          argv: ["python", "train.py", "--lr", "0.1", "--seed", "1"],
          reusedFrom: null,
        },
      ],
    });
    expect((await exp(["plan", "sweep.toml"])).stdout).toContain("not checked");
    expect((await exp(["plan", "sweep.toml", "--server", "127.0.0.1:1"])).code).toBe(5);
  });

  test("a bad sweep file is shown with its place", async () => {
    writeFileSync(join(dir, "bad.toml"), 'name = "x"\n[grdi]\na = [1]\n[run]\ncommand = "true"\n');
    const { code, stderr } = await exp(["plan", "bad.toml"]);
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /^error\[spec\.unknown-table\]: .*\n {2}--> bad\.toml:2:\d+\n2 \| \[grdi\]\n {2}\| +\^+ did you mean \[grid\]\?/,
    );
  });
});

describe("remembered coordinators", () => {
  test("login, use, forget; the file is the user's alone", async () => {
    await using server = await startControlServer({ getServer: () => aServer(), listNodes: () => ({ nodes: [] }) });
    expect(await exp(["nodes"])).toMatchObject({ code: 5 });
    expect(await exp(["login", server.address, "--token-file", "wrong-name"])).toMatchObject({ code: 4 });
    expect(await exp(["login", server.address, "--token-file", tokenFile, "--name", "lab"])).toMatchObject({ code: 0 });
    const file = join(dir, "config/exp/contexts.json");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(await exp(["nodes", "--json"])).toMatchObject({ code: 0, stdout: "[]\n" });
    expect(await exp(["nodes", "--json", "--context", "lab"])).toMatchObject({ code: 0 });
    expect(await exp(["nodes", "--json", "--server", server.address])).toMatchObject({ code: 0 });
    expect(JSON.parse((await exp(["context", "ls", "--json"])).stdout)).toEqual([
      { name: "lab", address: server.address, current: true },
    ]);
    expect(await exp(["context", "use", "other"])).toMatchObject({ code: 3, stderr: expect.stringContaining("lab") });
    expect(await exp(["context", "rm", "lab"])).toMatchObject({ code: 0 });
    expect(await exp(["nodes"])).toMatchObject({ code: 5 });
  });

  test("a doctor that finds a silent node is red", async () => {
    const answers: Answers = {
      getServer: () => aServer(),
      listNodes: () => ({ nodes: [aNode({ state: "unknown" })] }),
    };
    const { code, stdout } = await withServer(answers, ["doctor"]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^ok {3}coordinator: /m);
    expect(stdout).toMatch(/^bad {2}nodes: silent: gpu-01 {2}fix: exp-agent status/m);
  });
});

test("a reader that stops reading ends the program quietly", async () => {
  const data = Buffer.alloc(200_000, "line of output\n");
  await using server = await startControlServer({
    logs: () => stream(...Array.from({ length: 50 }, () => ({ offset: 0, data, attempt: 1, incomplete: "" }))),
  });
  const { promisify } = await import("node:util");
  const { execFile } = await import("node:child_process");
  const main = join(import.meta.dirname, "../../../cli/main.ts");
  const line = `"${process.execPath}" "${main}" logs digits.1.1 --server ${server.address} --token-file "${tokenFile}" | head -n 1; echo "\${PIPESTATUS[0]}"`;
  const { stdout, stderr } = await promisify(execFile)("bash", ["-c", line], { cwd: dir });
  expect({ stdout, stderr }).toEqual({ stdout: "line of output\n0\n", stderr: "" });
});
