/** The verbs that change something, or wait for it. */
import { afterAll, describe, expect, test } from "vitest";
import { RunState } from "../../../proto/gen/runner/v1/common.ts";
import { NodeAction } from "../../../proto/gen/runner/v1/control.ts";
import { AppError } from "../../../shared/kernel/errors.ts";
import { type Answers, aNode, aRun } from "../../helpers/control-server.ts";
import { createExpRig, streamOf as stream } from "../../helpers/exp-rig.ts";

const rig = createExpRig();
afterAll(() => rig[Symbol.dispose]());
const { dir, withServer } = rig;

const WATCHED = { total: 4, catchingUp: 0, done: false, bestRef: "", bestValue: 0, bestMetric: "" };

describe("changes", () => {
  const submitted = { sweep: "digits.1", total: 4, fresh: 3, reused: 1, warnings: [] };

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
    const given = Promise.withResolvers<void>();
    const forever = async function* () {
      yield { ...WATCHED, counts: { running: 4 }, done: false };
      await given.promise;
    };
    const late = await withServer({ watch: forever }, ["wait", "digits.1", "--timeout", "1s"]);
    expect(late).toMatchObject({
      code: 124,
      stderr: expect.stringContaining("4 of 4 runs have not ended after 1s; they go on"),
    });
    given.resolve();
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

  test.each([
    {
      what: "pause",
      answer: { pause: () => ({ held: 2, running: 1, unchanged: 3 }) },
      args: ["pause", "digits.1"],
      says: "2 held, 1 go on, and are held should they come back to the queue, 3 left alone (over, or held before)\n",
      code: 0,
    },
    {
      what: "pause of what is over",
      answer: { pause: () => ({ held: 0, running: 0, unchanged: 3 }) },
      args: ["pause", "digits.1"],
      says: "0 held, 3 left alone (over, or held before)\n",
      code: 6,
    },
    {
      what: "resume",
      answer: { resume: () => ({ queued: 2, unchanged: 0 }) },
      args: ["resume", "digits.1"],
      says: "2 runs let go\n",
      code: 0,
    },
    {
      what: "edit",
      answer: { edit: () => ({ changed: 1, unchanged: 1 }) },
      args: ["edit", "digits.1", "--priority", "-3"],
      says: "1 run changed, 1 left alone (over, or so before)\n",
      code: 0,
    },
    { what: "edit without a change", answer: {}, args: ["edit", "digits.1"], says: "", code: 2 },
  ] as const)("$what", async ({ answer, args, says, code }) => {
    const result = await withServer(answer, args);
    expect(result).toMatchObject({ code, stdout: says });
    if (args[0] === "edit" && code === 0)
      expect(result.calls[0]?.request).toMatchObject({ refs: ["digits.1"], priority: -3 });
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
