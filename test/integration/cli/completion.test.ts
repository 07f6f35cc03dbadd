/** Completion in real shells, with the script loaded as a user loads it. */
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  aNode,
  aRun,
  aSweep,
  type ControlServer,
  startControlServer,
  TEST_TOKEN,
} from "../../helpers/control-server.ts";

const MAIN = fileURLToPath(new URL("../../../cli/main.ts", import.meta.url));
const dir = mkdtempSync(join(tmpdir(), "exp-complete-"));
let server: ControlServer;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  server = await startControlServer({
    listSweeps: () => ({ sweeps: [aSweep(), aSweep({ ref: "other.3", name: "other", total: 12 })] }),
    listNodes: () => ({ nodes: [aNode(), aNode({ name: "gpu-02" })] }),
    getRun: () => ({ run: aRun(1, { metrics: { loss: 1, "val/acc": 0.5 } }), attempts: [], events: [] }),
  });
  const bin = join(dir, "bin");
  mkdirSync(bin);
  writeFileSync(
    join(bin, "exp"),
    `#!/bin/sh\nexec ${process.execPath} --disable-warning=ExperimentalWarning ${MAIN} "$@"\n`,
  );
  chmodSync(join(bin, "exp"), 0o755);
  writeFileSync(join(dir, "token"), TEST_TOKEN, { mode: 0o600 });
  writeFileSync(join(dir, "sweep.toml"), "");
  env = {
    PATH: `${bin}:${process.env.PATH}`,
    HOME: dir,
    EXP_SERVER: server.address,
    EXP_TOKEN_FILE: join(dir, "token"),
    TERM: "dumb",
    // How fast it is, is not what is tested here, on machines that are busy with other tests.
    EXP_COMPLETION_TIMEOUT: "30s",
  };
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true, force: true });
});

/** What is offered for the last word of a line. The server of the test answers in this process, so nothing may block it. */
type Shell = (line: string, more?: NodeJS.ProcessEnv) => Promise<string[]>;

async function run(program: string, args: string[], more: NodeJS.ProcessEnv): Promise<string[]> {
  const { execa } = await import("execa");
  const { stdout } = await execa(program, args, {
    cwd: dir,
    env: { ...env, ...more },
    extendEnv: false,
    timeout: 60_000,
  });
  return stdout
    .split("\n")
    .map((each) => each.split("\t")[0]?.trim() ?? "")
    .filter((each) => each !== "")
    .sort();
}

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

const bash: Shell = (line, more = {}) =>
  run(
    "bash",
    [
      "--norc",
      "-c",
      `
    eval "$(exp completion bash)"
    # As readline does it, with "=" between words.
    read -r -a COMP_WORDS <<< "$(sed 's/=/ = /g' <<< ${quoted(line)})"
    case ${quoted(line)} in *" "|*=) COMP_WORDS+=("") ;; esac
    [ "\${line: -1}" = "=" ] && unset 'COMP_WORDS[-1]'
    COMP_CWORD=$(( \${#COMP_WORDS[@]} - 1 ))
    _exp
    printf '%s\\n' "\${COMPREPLY[@]}"
  `,
    ],
    more,
  );

const fish: Shell = (line, more = {}) =>
  run("fish", ["--no-config", "-c", `exp completion fish | source; complete -C ${quoted(line)}`], more);

/** zsh completes in its line editor alone: its own module zpty plays the terminal, and compadd is listened to. */
const zsh: Shell = (line, more = {}) =>
  run(
    "zsh",
    [
      "-f",
      "-c",
      `
    autoload -Uz compinit && compinit -u -d ${quoted(join(dir, "zcompdump"))}
    eval "$(exp completion zsh)"
    _describe() { local name=$4; [[ $1 == -t ]] && name=$4; print -rl -- "\${(@P)name%%:*}" }
    _files() { print -rl -- "\${words[CURRENT]}"*(N) }
    words=(\${(Q)\${(z)line}}); [[ $line == *" " ]] && words+=("")
    CURRENT=$#words
    _exp
  `,
    ],
    { ...more, line },
  );

const installed = (program: string) => spawnSync(program, ["-c", "true"]).status === 0;
const shells = (
  [
    ["bash", bash],
    ["zsh", zsh],
    ["fish", fish],
  ] as const
).filter(([name]) => installed(name));

describe.each(shells)("%s", (name, shell) => {
  const nothing = { EXP_SERVER: "127.0.0.1:1", XDG_CACHE_HOME: join(dir, `empty-${name}`) };
  test.each<[line: string, expected: string[]]>([
    ["exp sw", ["sweeps"]],
    ["exp cor", ["cordon"]],
    ["exp ls --sta", ["--state"]],
    ["exp ls --state fa", ["failed"]],
    ["exp ls -o js", ["json", "jsonl"]],
    ["exp help expr", ["expressions"]],
    ["exp help spec.unknown-t", ["spec.unknown-table"]],
    ["exp completion z", ["zsh"]],
    ["exp context u", ["use"]],
    ["exp plan swee", ["sweep.toml"]],
    ["exp best digits.1 --reduce m", ["max", "min"]],
  ])("without a coordinator: %s", async (line, expected) => expect(await shell(line, nothing)).toEqual(expected));

  test.each<[line: string, expected: string[]]>([
    ["exp ls ", ["digits.1", "last", "other.3"]],
    ["exp show dig", ["digits.1"]],
    ["exp cancel digits.1 oth", ["other.3"]],
    ["exp show other.3.1", ["other.3.1", "other.3.10", "other.3.11", "other.3.12"]],
    ["exp drain gpu-01 gpu-0", ["gpu-01", "gpu-02"]],
    ["exp events --node gpu-02", ["gpu-02"]],
    ["exp metrics digits.1.1 va", ["val/acc"]],
    ["exp best digits.1 --metric va", ["val/acc"]],
    ["exp diff digits.1.1 oth", ["other.3"]],
  ])("names of the coordinator: %s", async (line, expected) =>
    expect(await shell(line, { XDG_CACHE_HOME: join(dir, "cache") })).toEqual(expected),
  );
});

test("bash is there: the others are tested where they are", () => expect(installed("bash")).toBe(true));

test("a value after = : the value alone for bash, the whole word elsewhere", async () => {
  expect(await bash("exp ls --output=js")).toEqual(["json", "jsonl"]);
});

test("names are asked for once and remembered without the token", async () => {
  const cache = { XDG_CACHE_HOME: join(dir, "cache-2") };
  const asked = () => server.calls.filter(({ method }) => method === "listSweeps").length;
  const before = asked();
  expect(await bash("exp show dig", cache)).toEqual(["digits.1"]);
  expect(await bash("exp show oth", cache)).toEqual(["other.3"]);
  expect(asked()).toBe(before + 1);
  const text = execFileSync("sh", ["-c", `cat ${cache.XDG_CACHE_HOME}/exp/complete/*.json`], { encoding: "utf8" });
  expect(text).not.toContain(TEST_TOKEN);
});
