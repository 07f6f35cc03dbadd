/** What is refused, and how; and the coordinators that are remembered. */
import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { AppError } from "../../../shared/kernel/errors.ts";
import { type Answers, aNode, aServer, startControlServer } from "../../helpers/control-server.ts";
import { createExpRig } from "../../helpers/exp-rig.ts";

const rig = createExpRig();
afterAll(() => rig[Symbol.dispose]());
const { dir, tokenFile, exp, withServer } = rig;

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
    expect(JSON.parse(result.stdout)).toMatchObject({
      name: "digits",
      total: 4,
      new: 4,
      reused: 0,
      reuseChecked: false,
      axes: [
        { key: "lr", size: 2 },
        { key: "seed", size: 2 },
      ],
      steps: ["grid", "seeds"],
      order: "listed",
      shuffleSeed: 0,
      needs: [{ request: "1 device", runs: 4, timeSeconds: null, fitNow: null, fitEver: null, nodes: [] }],
      warnings: [],
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
    const { stdout } = await exp(["plan", "sweep.toml"]);
    expect(stdout.split("\n").slice(1, 4)).toEqual([
      "  order    grid, seeds; as listed",
      "  reuse    not checked: no coordinator was asked",
      "  needs    each 1 device",
    ]);
    expect((await exp(["plan", "sweep.toml", "--server", "127.0.0.1:1"])).code).toBe(5);
  });

  test("plan says what each run asks for, and how the queue is shuffled, without a coordinator", async () => {
    const text = `name = "big"
order = "shuffled"
shuffle_seed = 7
run.command = ["true", "\${args}"]
[grid]
m = ["s", "l"]
k = [1, 2]
[resources]
gpus = { expr = "4 if m == 'l' else 1" }
[limits]
time = "6h"
`;
    writeFileSync(join(dir, "big.toml"), text);
    const { stdout } = await exp(["plan", "big.toml", "--where", "m == 's' or k == 1", "--show", "0"]);
    expect(stdout.split("\n").slice(1)).toEqual([
      "  order    grid, where; shuffled (shuffle_seed 7)",
      "  reuse    not checked: no coordinator was asked",
      "  needs    1 run: 4 GPUs, <= 6h",
      "           2 runs: 1 GPU, <= 6h",
      "",
    ]);
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
