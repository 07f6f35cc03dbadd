/** What comes before a command, with real shells: setup, umask, input file, Python, files of parameters. */
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { buildEnvironment, type RunFacts } from "../../../agent/process/environment.ts";
import { preparePrelude, readStage } from "../../../agent/process/prelude.ts";
import { readShimLog, spawnShim } from "../../../agent/process/shim.ts";
import { AppError } from "../../../shared/kernel/errors.ts";
import { renderCommand } from "../../../shared/spec/template.ts";
import type { ParamValue, RunTemplate } from "../../../shared/spec/types.ts";
import { useAttemptHost } from "../../helpers/attempts.ts";

const host = useAttemptHost();

interface Ended {
  readonly code: number | undefined;
  readonly output: string;
  readonly stage: string | undefined;
  readonly dir: string;
}

/** Runs a template to its end as an agent does. */
async function run(more: Partial<RunTemplate>, params: Record<string, ParamValue> = {}, env = {}): Promise<Ended> {
  const { dir } = host.newDir();
  const template: RunTemplate = { command: ["true"], args: "flags", cwd: host.workdir, env: {}, ...more };
  const rendered = renderCommand(template, new Map(Object.entries(params)), {
    run: { id: "run_1", name: "a.1.1", index: 1, dir },
    sweep: "a.1",
    node: "node-1",
    gpus: 0,
  });
  if ("problem" in rendered) throw new Error(rendered.problem);
  const hostEnv = { PATH: process.env.PATH, HOME: host.workdir, ...env };
  const prelude = preparePrelude(dir, rendered, hostEnv);
  prelude.writeFiles();
  const whole = buildEnvironment({
    base: hostEnv,
    template: rendered.env,
    run: facts(dir),
    device: {},
    pythonPath: undefined,
    interpreter: prelude.interpreter,
  });
  await spawnShim({ dir, argv: prelude.argv, cwd: rendered.cwd, env: whole, cgroup: undefined }).exited;
  return {
    code: readShimLog(dir).exit?.code,
    output: readFileSync(join(dir, "output.log"), "utf8"),
    stage: readStage(dir),
    dir,
  };
}

function facts(dir: string): RunFacts {
  const none = { resumeFrom: undefined, seed: undefined, url: undefined };
  const paths = { runDir: dir, artifactDir: dir, checkpointDir: dir, configPath: dir, eventsPath: dir };
  return { runId: "run_1", runRef: "a.1.1", sweepRef: "a.1", attempt: 1, fence: 1, ...paths, ...none };
}

function put(name: string, text: string, mode = 0o644): string {
  const path = join(host.workdir, name);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

describe("setup", () => {
  const show = ["sh", "-c", 'echo "$A:$PWD:$1:$#"', "sh", "a b", ""];

  test("what it exports is there for the command, its directory and arguments are not", async () => {
    const ended = await run({ command: show, setup: "export A=1\nmkdir -p sub\ncd sub\nset -- x y z\necho ready" });
    expect(ended).toMatchObject({ code: 0, stage: undefined, output: `ready\n1:${host.workdir}:a b:2\n` });
  });

  const failing: [setup: string, code: number][] = [
    ["exit 3", 3],
    ["false\necho not here", 1],
    ["set +e; true; (exit 4)", 4],
    ["exit 0", 0],
    ["exec true", 0],
    ["no-such-program", 127],
    ["echo 'open", 2],
    ["kill -9 $$$$", 137],
    ["exit 77", 77],
    ["return 5", 5],
  ];
  test.each(failing)("%j fails the attempt", async (setup, code) => {
    const ended = await run({ command: ["echo", "the command ran"], setup });
    expect(ended.stage).toBe("setup");
    expect(ended.output).not.toContain("the command ran");
    expect(ended.code === code || (code === 2 && (ended.code ?? 0) > 0)).toBe(true);
  });

  test("a command that fails after it is its own failure", async () => {
    expect(await run({ command: ["sh", "-c", "exit 3"], setup: "true" })).toMatchObject({ code: 3, stage: undefined });
  });

  test("its values are quoted", async () => {
    const ended = await run({ command: ["printenv", "A"], setup: "A=${note}; export A" }, { note: "$(echo x); 'y'" });
    expect(ended.output).toBe("$(echo x); 'y'\n");
  });

  test("nothing of ours is left in the shell that becomes the command", async () => {
    const ended = await run({ command: "set | grep -c ^_exp_", setup: "true" });
    expect(ended.output).toBe("0\n");
  });
});

describe("umask", () => {
  test("is that of the command", async () => {
    const { dir } = await run({ command: ["sh", "-c", 'umask; echo x >"$EXP_RUN_DIR/f"'], umask: 0o027 });
    expect(statSync(join(dir, "f")).mode & 0o777).toBe(0o640);
  });
});

describe("stdin", () => {
  test("is the file, from the directory of the command", async () => {
    put("in.txt", "one\ntwo\n");
    expect(await run({ command: ["cat"], stdin: "in.txt" })).toMatchObject({ code: 0, output: "one\ntwo\n" });
  });

  test("is nothing otherwise", async () => expect((await run({ command: ["cat"] })).output).toBe(""));

  test("the setup may make it", async () => {
    const ended = await run({ command: ["cat"], stdin: "made.txt", setup: "echo made >made.txt" });
    expect(ended).toMatchObject({ code: 0, output: "made\n", stage: undefined });
  });

  test("a file that is not there is told before the start, and after a setup", async () => {
    await expect(run({ command: ["cat"], stdin: "none.txt" })).rejects.toThrow(
      `its input file ${host.workdir}/none.txt does not exist on this host`,
    );
    const ended = await run({ command: ["cat"], stdin: "none.txt", setup: "true" });
    expect(ended).toMatchObject({ stage: "stdin" });
    expect(ended.code).not.toBe(0);
  });
});

describe("parameters", () => {
  const params = { lr: 0, "optim.name": "adam's" };

  test("in a file", async () => {
    const ended = await run({ command: "cat ${args}", args: "file:conf/p.yaml" }, params);
    expect(ended.output).toBe('lr: 0\noptim:\n  name: "adam\'s"\n');
    expect(statSync(join(ended.dir, "conf/p.yaml")).mode & 0o777).toBe(0o600);
  });

  test("in variables", async () => {
    const command = ["sh", "-c", 'echo "$LR $OPTIM_NAME $OTHER"'];
    const ended = await run({ command, args: "env", env: { OTHER: "${lr + 1}" } }, params);
    expect(ended.output).toBe("0 adam's 1\n");
  });
});

describe("Python", () => {
  const script = (name: string) => `#!/bin/sh\necho ${name} "$@"\n`;

  test("of a virtual environment", async () => {
    put("venv/bin/python", script("venv"), 0o755);
    const ended = await run({ command: "python -V; echo $VIRTUAL_ENV", interpreter: { kind: "venv", path: "venv" } });
    expect(ended.output).toBe(`venv -V\n${host.workdir}/venv\n`);
  });

  test("that the setup makes", async () => {
    const setup = "mkdir -p new/bin; printf '#!/bin/sh\\necho made\\n' >new/bin/python; chmod +x new/bin/python";
    const ended = await run({ command: ["python"], setup, interpreter: { kind: "venv", path: "new" } });
    expect(ended).toMatchObject({ code: 0, output: "made\n" });
  });

  test("that the setup does not make", async () => {
    const ended = await run({ setup: "true", interpreter: { kind: "venv", path: "none" } });
    expect(ended).toMatchObject({ code: 127, stage: "python" });
    expect(ended.output).toBe(`the Python of this run is not there: ${host.workdir}/none/bin/python\n`);
  });

  test("by the path of a program, whatever its name", async () => {
    put("it's/python3.99", script("own"), 0o755);
    put("it's/torchrun", script("torchrun"), 0o755);
    const command = "python a; python3 'b c'; torchrun";
    const ended = await run({ command, interpreter: { kind: "python", path: "it's/python3.99" } });
    expect(ended.output).toBe("own a\nown b c\ntorchrun\n");
  });

  test("by name", async () => {
    const ended = await run({
      command: ["python", "-c", "print(1)"],
      interpreter: { kind: "python", path: "python3" },
    });
    expect(ended.output).toBe("1\n");
  });

  test("of conda, with its activation scripts", async () => {
    const prefix = join(host.workdir, "miniconda3/envs/ml");
    put("miniconda3/envs/ml/bin/python", script("conda"), 0o755);
    put("miniconda3/envs/ml/conda-meta/history", "");
    put("miniconda3/envs/ml/etc/conda/activate.d/a.sh", "export ACTIVATED=$CONDA_PREFIX\n");
    const command = "python; echo $ACTIVATED $CONDA_DEFAULT_ENV";
    const ended = await run({ command, interpreter: { kind: "conda", path: "ml" } });
    expect(ended.output).toBe(`conda\n${prefix} ml\n`);
    const byPath = await run({ command, interpreter: { kind: "conda", path: prefix } });
    expect(byPath.output).toBe(`conda\n${prefix} ${prefix}\n`);
  });

  test("of conda, as noted in its list of environments", async () => {
    put("elsewhere/ml2/bin/python", script("noted"), 0o755);
    put("elsewhere/ml2/conda-meta/history", "");
    put(".conda/environments.txt", `${host.workdir}/elsewhere/ml2\n`);
    expect((await run({ command: ["python"], interpreter: { kind: "conda", path: "ml2" } })).output).toBe("noted\n");
  });

  test.each([
    [{ kind: "venv", path: "no" }, /this host has no \[run\] venv \/.*\/no, which has no bin\/python/],
    [{ kind: "python", path: "/no/python" }, /this host has no \[run\] python \/no\/python/],
    [{ kind: "python", path: "python9" }, /this host has no \[run\] python python9, which is not on PATH/],
    [{ kind: "conda", path: "no" }, /this host has no \[run\] conda no \(/],
  ] as const)("that is not there is one clear line: %j", async (interpreter, message) => {
    const error = await run({ interpreter }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(AppError);
    expect(String((error as AppError).message)).toMatch(message);
    expect(String((error as AppError).message)).not.toContain("\n");
  });
});

test("a command that wants nothing starts without a prelude", async () => {
  const ended = await run({ command: ["echo", "x"] });
  expect(ended.output).toBe("x\n");
  expect(existsSync(join(ended.dir, "stage"))).toBe(false);
});
