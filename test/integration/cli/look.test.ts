/** The verbs that only look, as a user's shell sees them. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, describe, expect, test } from "vitest";
import { RunState } from "../../../proto/gen/runner/v1/common.ts";
import { BestResponse } from "../../../proto/gen/runner/v1/control.ts";
import { AppError } from "../../../shared/kernel/errors.ts";
import { type Answers, AT, aNode, aRun, aSweep, startControlServer } from "../../helpers/control-server.ts";
import { createExpRig, streamOf as stream } from "../../helpers/exp-rig.ts";

const rig = createExpRig();
afterAll(() => rig[Symbol.dispose]());
const { dir, tokenFile, withServer } = rig;

const FULL: Answers = {
  listRuns: () => stream({ runs: [aRun(1), aRun(2)] }),
  listSweeps: () => ({ sweeps: [aSweep()] }),
  listNodes: () => ({ nodes: [aNode()] }),
};
const EMPTY: Answers = {
  listRuns: () => stream(),
  listSweeps: () => ({ sweeps: [] }),
  listNodes: () => ({ nodes: [] }),
  best: () => BestResponse.fromPartial({ metric: "acc", goal: "maximize" }),
  getRun: () => ({ run: aRun(1, { metrics: {} }), attempts: [], events: [], templateJson: "", resourcesJson: "{}" }),
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
        .map((line) => line.replace(/\d+d(?:\d+h)?$/, "AGE")),
    ).toEqual(
      [
        "NAME      STATE      lr     acc  WHERE     TOOK  AGE",
        "digits.1.1  succeeded  0.1  0.901  gpu-01:3  1m    AGE",
        "digits.1.2  succeeded  0.2  0.902  gpu-01:3  1m    AGE",
      ].map((line, n) => (n === 0 ? expect.stringMatching(/^NAME +STATE +lr +acc +WHERE +TOOK +AGE$/) : line)),
    );
    expect(stdout).not.toContain("2 runs:");
  });

  test("ls in an order, with columns of one's own, in groups", async () => {
    const first = await withServer(FULL, [
      "ls",
      "digits.1",
      "--sort",
      "acc:desc",
      "-n",
      "1",
      "--cols",
      "ref,acc,where",
    ]);
    expect(first).toMatchObject({ code: 0, stdout: "NAME          acc  WHERE\ndigits.1.2  0.902  gpu-01:3\n" });
    // What is sorted is asked for as a whole.
    expect(first.calls.find(({ method }) => method === "listRuns")?.request).toMatchObject({ limit: 0 });
    const json = await withServer(FULL, ["ls", "digits.1", "--sort", "lr:desc", "--cols", "ref,lr", "--json"]);
    expect(JSON.parse(json.stdout)).toEqual([
      { ref: "digits.1.2", lr: 0.2 },
      { ref: "digits.1.1", lr: 0.1 },
    ]);
    const groups = await withServer(FULL, ["ls", "digits.1", "--group", "depth", "-q"]);
    expect(groups).toMatchObject({ code: 0, stdout: "digits.1.1 digits.1.2\n" });
    const wrong = await withServer(FULL, ["ls", "digits.1", "--sort", "ac"]);
    expect(wrong).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining("did you mean acc") });
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
      prunedAt: null,
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
        request: {
          refs: ["digits.1.1-5"],
          states: [RunState.RUN_STATE_FAILED, RunState.RUN_STATE_QUEUED],
          limit: 7,
          where: "",
        },
      },
    ]);
    expect(await withServer(FULL, ["ls", "--state", "done"])).toMatchObject({ code: 2, stdout: "" });
  });

  test("so does an expression, over all runs; what cannot be read is shown with a caret, and asks nobody", async () => {
    const { calls } = await withServer(FULL, ["ls", "--where", "lr < 0.01", "--json"]);
    expect(calls).toEqual([{ method: "listRuns", request: { refs: [], states: [], limit: 0, where: "lr < 0.01" } }]);
    const refused = await withServer(FULL, ["ls", "--where", "lr < 0.01 && acc"]);
    expect(refused).toMatchObject({ code: 2, stdout: "", calls: [] });
    expect(refused.stderr).toContain("\n1 | lr < 0.01 && acc\n  |           ^^ write and\n");
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
    expect(Object.keys(nodes[0])).toEqual(["name", "state", "labels", "devices", "seenAt", "containerEngine"]);
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
        runs: ["digits.1.1", "digits.1.2"],
        share: 0.75,
      },
    ]);
    expect((await withServer(FULL, ["gpus"])).stdout).toMatch(
      /gpu-01 +3 +A100 +80GB +busy +digits\.1\.1, digits\.1\.2 \(0\.25 free\)/,
    );
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
        bestValue: null,
        bestRef: null,
        etaMs: null,
      },
    ]);
  });

  test("sweeps with their best value and the time left, which they ask for", async () => {
    const asked: boolean[] = [];
    const live = { ref: "live.1", state: "running", total: 4, counts: { succeeded: 1, running: 3 } };
    const answers: Answers = {
      listSweeps: ({ progress }) => {
        asked.push(progress);
        return {
          sweeps: [
            aSweep({ ...live, bestValue: 0.25, bestRef: "live.1.3", etaMs: 90_000 }),
            aSweep({ bestValue: 0.5, bestRef: "digits.1.2", etaMs: 0 }),
          ],
        };
      },
    };
    const { stdout } = await withServer(answers, ["sweeps"]);
    expect(stdout).toMatch(/live\.1 +running +1\/4 .*0\.25 live\.1\.3 +~1m30s/);
    expect(stdout).toMatch(/digits\.1 +succeeded +2\/2 .*0\.5 digits\.1\.2 +- /);
    expect(stdout).not.toMatch(/PROGRESS|█/);
    expect(asked).toEqual([true]);
    const [first] = JSON.parse((await withServer(answers, ["sweeps", "--json"])).stdout);
    expect(first).toMatchObject({ bestValue: 0.25, bestRef: "live.1.3", etaMs: 90_000 });
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
        templateJson: '{"command":["python","a b.py"],"args":"flags","cwd":"/w","env":{}}',
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
    const main = join(import.meta.dirname, "../../../cli/main.ts");
    const args = [main, "logs", "digits.1.1", "--server", server.address, "--token-file", tokenFile];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { encoding: "buffer", cwd: dir });
    expect(stdout).toEqual(Buffer.concat(parts.map(({ data }) => data)));
    expect(stderr.toString()).toBe("");
    expect(server.calls).toEqual([
      { method: "logs", request: { ref: "digits.1.1", follow: false, attempt: 0, rank: 0, offset: 0, tailLines: 0 } },
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
      stderr: expect.stringContaining('has no metric "ac"; did you mean acc?'),
    });
  });

  test("best, why", async () => {
    const best: Answers = {
      best: () =>
        BestResponse.fromPartial({
          ...{ metric: "acc", goal: "maximize", reduce: "best", withoutValue: 1 },
          rows: [
            { run: aRun(2), value: 0.9, rank: 1, refs: ["digits.1.2", "digits.1.3"], deviation: 0.1, halfWidth: 0.25 },
            { run: aRun(4), value: 0.9, rank: 1, refs: ["digits.1.4"], groupParamsJson: '{"lr":0.4}', live: 1 },
          ],
        }),
    };
    expect(JSON.parse((await withServer(best, ["best", "digits", "--json"])).stdout)).toMatchObject([
      {
        ...{ rank: 1, value: 0.9, metric: "acc", goal: "maximize", ref: "digits.1.2", params: { lr: 0.2 } },
        ...{ n: 2, deviation: 0.1, ci95: [0.65, 1.15], refs: ["digits.1.2", "digits.1.3"] },
      },
      { rank: 1, n: 1, deviation: null, ci95: null, groupParams: { lr: 0.4 } },
    ]);
    const table = await withServer(best, ["best", "digits"]);
    expect(table.stdout.split("\n").map((line) => line.trimEnd())).toEqual([
      "RANK  NAME        acc  N   SD  95% CI        lr   WITHOUT",
      "   1  digits.1.2  0.9  2  0.1  0.65 to 1.15  -    -",
      "   1  digits.1.4  0.9  1    -  -             0.4  1 not over",
      "",
    ]);
    expect(table.stderr).toContain("left out: 1 that succeeded without a finite value of acc");
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

test("a reader that stops reading ends the program quietly", async () => {
  const data = Buffer.alloc(200_000, "line of output\n");
  await using server = await startControlServer({
    logs: () => stream(...Array.from({ length: 50 }, () => ({ offset: 0, data, attempt: 1, incomplete: "" }))),
  });
  const main = join(import.meta.dirname, "../../../cli/main.ts");
  const line = `"${process.execPath}" "${main}" logs digits.1.1 --server ${server.address} --token-file "${tokenFile}" | head -n 1; echo "\${PIPESTATUS[0]}"`;
  const { stdout, stderr } = await promisify(execFile)("bash", ["-c", line], { cwd: dir });
  expect({ stdout, stderr }).toEqual({ stdout: "line of output\n0\n", stderr: "" });
});
