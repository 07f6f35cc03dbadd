/** Command lines that cannot be: each is refused in one line that says what, and how to go on, before anybody is asked. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { sayWords } from "../../helpers/exp-words.ts";

const cwd = mkdtempSync(join(tmpdir(), "exp-words-"));
writeFileSync(join(cwd, "sweep.toml"), 'name = "digits"\n[grid]\nlr = [1]\n[run]\ncommand = "true"\n');
writeFileSync(join(cwd, "token"), "a-token\n", { mode: 0o600 });
writeFileSync(join(cwd, "empty"), "");
mkdirSync(join(cwd, "folder"));
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

/** Words by quotes or blanks, as a shell reads them. */
const wordsOf = (line: string) =>
  [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? "");

const CASES: readonly (readonly [line: string, code: number, says: string])[] = [
  // Commands.
  ["lss", 2, '"lss" is no command; did you mean ls?'],
  ["frobnicate", 2, '"frobnicate" is no command; exp --help lists them'],
  ["sweep", 2, "did you mean sweeps"],
  ["--frob", 2, "there is no option --frob; exp --help lists what there is"],
  ["help nothing-such", 2, 'no help on "nothing-such"'],
  // Options.
  ["ls --sate failed", 2, "exp ls has no option --sate; did you mean --state?"],
  ["ls --frobnicate", 2, "exp ls has no option --frobnicate; exp ls --help lists its options"],
  ["ls --sate=failed", 2, "did you mean --state?"],
  ["ls -z", 2, "exp ls has no option -z"],
  ["ls -n", 2, "--limit needs a value"],
  ["ls --sort", 2, "--sort needs a value"],
  ["ls --cols -age", 2, "--cols needs a value"],
  ["ls --server", 2, "--server needs a value"],
  ["submit sweep.toml --set", 2, "--set needs a value"],
  ["ls -n 0", 2, '--limit must be a whole number from 1 on, not "0"'],
  ["ls -n 1e3", 2, "--limit must be a whole number"],
  ["ls --state faild", 2, '"faild" is no state of a run; there are: queued'],
  ["ls -o yaml", 2, "--output must be one of table, wide, json"],
  ["ls --timeout 5", 2, "--timeout must be a duration such as 90s"],
  ["ls --sort ,", 2, '--sort "," has a name missing'],
  ["ls --group ''", 2, '--group "" has a name missing'],
  ["ls --group lr --cols +acc", 2, "with --group, --cols names metrics"],
  ["events --since yesterday", 2, "--since must be a duration"],
  ["wait x.1 --for ever", 2, "--for must be one of"],
  ["best x --goal up", 2, "--goal must be one of maximize, minimize"],
  ["best x --reduce avg", 2, "--reduce must be one of"],
  ["pivot x", 2, "--rows is missing"],
  ["prune --older-than soon", 2, "--older-than must be a duration"],
  ["up --port abc", 2, "--port must be a whole number"],
  ["up --port 99999", 2, "the highest is 65534"],
  // Words.
  ["show", 2, "exp show needs <ref>; exp show <ref>"],
  ["diff x.1.1", 2, "exp diff needs <right>; exp diff <left> <right>"],
  ["cancel", 2, "exp cancel needs <refs..>"],
  ["show x.1 x.2", 2, 'exp show has no place for "x.2"; exp show <ref>'],
  ["submit sweep.toml more.toml", 2, 'exp submit has no place for "more.toml"'],
  ["version now", 2, 'exp version has no place for "now"'],
  ["completion powershell", 2, "there are: bash, zsh, fish"],
  ["context frob", 2, 'context "frob" is not known'],
  ["import foo folder", 2, '"foo" is not known'],
  ["edit x.1", 2, "what is to be changed? exp edit REF..."],
  ["edit x.1 --favourite --no-favourite", 2, "--favourite and --no-favourite at once"],
  ["submit", 2, "submit what? exp submit FILE, or exp submit -- CMD..."],
  ["submit --", 2, "submit what?"],
  ["submit sweep.toml -- true", 2, "a file and a command at once"],
  ["submit sweep.toml --gpus 1", 2, "--gpus is for exp submit -- CMD..."],
  ["submit --env FOO -- true", 2, '--env "FOO" is not KEY=VALUE'],
  ["submit --time forever -- true", 2, "--time must be a duration"],
  // Files and expressions.
  ["submit nothing.toml", 2, "nothing.toml cannot be read: there is no such file"],
  ["plan folder", 2, "folder is not a file"],
  ["init --from nothing.py", 2, "nothing.py cannot be read"],
  ["convert nothing.yaml", 2, "nothing.yaml cannot be read"],
  ["-q", 2, "which command? exp --help lists what there is"],
  ["init", 6, "is there already"],
  ["init /proc/nowhere", 2, "/proc/nowhere"],
  ["up --dir /proc/nowhere", 2, "/proc/nowhere cannot be written (ENOENT)"],
  ["up --dir empty", 2, "cannot be written"],
  // Where the coordinator is.
  ["ls --server foo", 2, '"foo" is not an address'],
  ["ls --server 127.0.0.1:99999", 2, "is not an address"],
  ["ls --server 127.0.0.1:1", 5, "cannot reach the coordinator"],
  ["ls --server 127.0.0.1:1 --token-file nothing", 4, "cannot be read (ENOENT)"],
  ["ls --server 127.0.0.1:1 --token-file folder", 4, "cannot be read (EISDIR)"],
  ["ls --server 127.0.0.1:1 --token-file empty", 4, "is empty"],
  ["ls --dir nothing", 5, "no local stack in ./nothing; exp up --dir ./nothing starts one"],
  ["ls --context nothing", 3, 'no context "nothing"'],
  ["ls", 5, "exp up starts one here"],
  ["context use", 2, "name is missing"],
  ["login 127.0.0.1:1", 2, "exp login needs --token-file"],
  ["login 127.0.0.1:1 --token-file token", 5, "cannot reach the coordinator"],
];

describe("refused", () => {
  test.each(CASES)("exp %s: exit %i", async (line, code, says) => {
    const said = await sayWords(wordsOf(line), { cwd });
    expect(said).toMatchObject({ code, out: "" });
    expect(said.err).toMatch(/^error\[[\w.-]+\]: [^\n]+\n$/);
    expect(said.err).toContain(says);
  });

  test("an expression that cannot be read is shown with its place", async () => {
    const said = await sayWords(["ls", "--where", "lr <"], { cwd });
    expect(said).toMatchObject({ code: 2, out: "" });
    expect(said.err).toMatch(/^error\[expression\.syntax\]: [^\n]+\n {2}--> where:1:5\n1 \| lr <\n {2}\| {5}\^\n$/);
  });

  test("in JSON an object, also for words that cannot be read", async () => {
    for (const line of ["ls -n --json", "ls --sate x -o json", "lss --json"]) {
      const said = await sayWords(wordsOf(line), { cwd });
      expect(said).toMatchObject({ code: 2, out: "" });
      expect(JSON.parse(said.err)).toMatchObject({ error: { code: "invalid", id: "usage" } });
    }
  });
});

test("output that cannot be written is one line, and no success", () => {
  const { code, stderr } = runShell(`exec "$@" >/dev/full`, ["help"], cwd);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^error\[output\.write\]: [^\n]*ENOSPC[^\n]*\n$/);
});

test("a reader that has seen enough ends the program without a word", () => {
  const { code, stderr } = runShell(`"$@" | head -1`, ["schema"], cwd);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
});

/** `exp` as "$@" of a shell script. */
function runShell(script: string, args: readonly string[], folder: string) {
  const main = join(import.meta.dirname, "../../../cli/main.ts");
  const words = [
    "-c",
    `set -e; ${script}`,
    "sh",
    process.execPath,
    "--disable-warning=ExperimentalWarning",
    main,
    ...args,
  ];
  const { status, stderr } = spawnSync("sh", words, {
    cwd: folder,
    encoding: "utf8",
    env: { ...process.env, HOME: folder },
  });
  return { code: status, stderr };
}
