/**
 * Commands for `/bin/sh`, run by a real one: values arrive byte for byte and never become shell text. And flags, read by
 * a real argparse.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { renderArgs } from "../../../shared/spec/args.ts";
import { renderCommand } from "../../../shared/spec/template.ts";
import { templateProblems } from "../../../shared/spec/template-check.ts";
import { FloatParam, type ParamValue, type RunTemplate } from "../../../shared/spec/types.ts";

/** `/bin/sh` is dash on one host and bash on another: both are tried where both are there. */
const SHELLS: readonly string[] = ["/bin/sh", "/bin/bash", "/bin/dash"].filter((path) => existsSync(path));

/** Prints its arguments, each ended by NUL. */
const PRINT = "printf '%s\\0'";

const NASTY: readonly string[] = [
  "plain",
  "",
  " ",
  "$(touch x)",
  "`touch x`",
  "${HOME}",
  "$HOME",
  "a'b",
  `a"b`,
  `'"'"'`,
  "a\\",
  "\\'",
  "two words",
  "line\nline",
  "\n",
  "-n",
  "--",
  "*",
  "?",
  "~",
  "#x",
  "; touch x",
  "&& touch x",
  "| touch x",
  "> x",
  "a=b",
  "!x",
  "{a,b}",
  "[a]",
  "\t",
  "é😀",
  "if",
  "5",
];

/** A command, and the words it must print for the value of `${v}` and the list of `${args}`. */
const TEMPLATES: readonly [command: string, words: (value: string) => string[]][] = [
  [`${PRINT} \${v}`, (v) => [v]],
  [`${PRINT} "\${v}"`, (v) => [v]],
  [`${PRINT} '\${v}'`, (v) => [v]],
  [`${PRINT} a\${v}b`, (v) => [`a${v}b`]],
  [`${PRINT} "a \${v} b" \${v}`, (v) => [`a ${v} b`, v]],
  [`${PRINT} 'it'"'"'s \${v}'`, (v) => [`it's ${v}`]],
  [`${PRINT} \\'\${v}\\"`, (v) => [`'${v}"`]],
  [`${PRINT} --v=\${v} end`, (v) => [`--v=${v}`, "end"]],
  [`${PRINT} \${v}\${v}`, (v) => [v + v]],
  [`A=\${v}; ${PRINT} "$A"`, (v) => [v]],
  [`A=1; ${PRINT} $A\${v}`, (v) => [`1${v}`]],
  [`A=1; ${PRINT} "$A\${v}"`, (v) => [`1${v}`]],
  [`A=1; ${PRINT} $\${A}\${v}`, (v) => [`1${v}`]],
  [`${PRINT} ~\${v}`, (v) => [`~${v}`]],
  [`${PRINT} "$(printf '%s.' "\${v}")"`, (v) => [`${v}.`]],
  [`${PRINT} "$(printf '%s.' \${v})" "\${v}"`, (v) => [`${v}.`, v]],
  [`${PRINT} "$(( (1 + 2) * 2 ))\${v}"`, (v) => [`6${v}`]],
  [`(${PRINT} \${v}) # it's a comment`, (v) => [v]],
  [`# don't\n${PRINT} \${v}`, (v) => [v]],
  [`true \\\n# don't\n${PRINT} \${v}`, (v) => [v]],
  [`if true; then ${PRINT} \${v}; fi`, (v) => [v]],
  [`${PRINT} a#'\${v}'`, (v) => [`a#${v}`]],
  [`case \${v} in *) ${PRINT} "\${v}" ;; esac`, (v) => [v]],
  [`${PRINT} \${args}`, (v) => ["--n", "1", v.startsWith("-") ? `--v=${v}` : "--v", ...(v.startsWith("-") ? [] : [v])]],
];

let dir = "";
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "exp-shell-"));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe.each(SHELLS)("values in text for %s", (shell) => {
  const sh = (script: string) => run(shell, script);

  test.each(TEMPLATES)("%s", (command, words) => {
    // One shell for all values: each command prints its words, then a record mark.
    const script = NASTY.map((value) => `(${shellText(command, value)}\n); printf '\\001\\0'`).join("\n");
    const printed = sh(script).split("\u0001\0").slice(0, -1);
    expect(printed.map((record) => record.split("\0").slice(0, -1))).toEqual(NASTY.map((value) => words(value)));
    expect(readdirSync(dir)).toEqual([]);
  });

  test("any value in any of them", () => {
    const value = fc.string({ unit: fc.constantFrom(..."'\"\\$`(){}#;&|<>~*? \n-=a1é"), maxLength: 8 });
    const picks = fc.array(fc.tuple(fc.constantFrom(...TEMPLATES), value), { minLength: 20, maxLength: 20 });
    fc.assert(
      fc.property(picks, (all) => {
        const script = all.map(([[command], text]) => `(${shellText(command, text)}\n); printf '\\001\\0'`).join("\n");
        const printed = sh(script).split("\u0001\0").slice(0, -1);
        expect(printed.map((record) => record.split("\0").slice(0, -1))).toEqual(
          all.map(([[, words], text]) => words(text)),
        );
      }),
      { numRuns: 30 },
    );
    expect(readdirSync(dir)).toEqual([]);
  });

  test("number before a redirection stays a word", () => {
    expect(sh(`${shellText("echo ${v}>out", "5")}; cat out; rm out`)).toBe("5\n");
  });

  test("text that starts with a dash is no option of sh", () => {
    const rendered = render("${v}; true", "-x");
    expect(rendered.slice(0, 2)).toEqual(["/bin/sh", "-c"]);
    expect(rendered[2]?.startsWith(" ")).toBe(true);
  });

  test("plain values stay readable", () => {
    expect(render("python train.py ${args} --out runs/${v}", "a_1.2/x")).toEqual([
      "/bin/sh",
      "-c",
      "python train.py --n 1 --v a_1.2/x --out runs/a_1.2/x",
    ]);
  });

  test.each([
    ["echo `echo ${v}`", "${v} cannot stand after a backtick"],
    ["cat <<E\n${v}\nE", "${v} cannot stand after <<"],
    ["true # ${v}", "${v} cannot stand in a comment"],
    ["echo \\${v}", "${v} cannot follow a backslash"],
    ['echo "\\${v}"', "${v} cannot follow a backslash"],
    ["echo $${v", undefined],
    ["echo $$${v}", "${v} cannot follow a dollar sign"],
    ['echo "$$${v}"', "${v} cannot follow a dollar sign"],
    ["echo $'it\\'s ${v}'", "${v} cannot stand after $'…'"],
    ['echo "$${A:-"x ${v}"}"', "${v} cannot stand after a shell expansion"],
    ['echo "$(case x in x) echo ${v};; esac)"', "${v} cannot stand after case within $(…)"],
    ["echo '`' \\` ${v}", undefined],
  ])("%s", (command, refusal) => {
    const [problem] = templateProblems(template(command), ["v"]);
    if (refusal === undefined) expect(problem).toBeUndefined();
    else expect(problem).toContain(refusal);
  });
});

test("argparse reads the flags as they were meant", () => {
  const program = `
import argparse, json, sys
p = argparse.ArgumentParser()
p.add_argument("--lr", type=float)
p.add_argument("--n", type=int)
p.add_argument("--optim.name", dest="name")
p.add_argument("--weight_decay", type=float)
p.add_argument("--amp", action="store_true")
p.add_argument("--half", action="store_true")
p.add_argument("--sizes", type=int, nargs="*")
p.add_argument("--none", nargs="*")
p.add_argument("--extra", type=json.loads)
p.add_argument("--empty")
print(json.dumps(vars(p.parse_args())))
`;
  const params = new Map<string, ParamValue>([
    ["lr", new FloatParam(-1e-5)],
    ["n", -3],
    ["optim.name", "--x 'y'\n"],
    ["weight_decay", new FloatParam(1)],
    ["amp", true],
    ["half", false],
    ["sizes", [1, 2, -3]],
    ["none", []],
    ["extra", { a: [1, new FloatParam(2)] }],
    ["empty", ""],
  ]);
  const rendered = renderArgs("flags", {}, params, "/run");
  const words = "words" in rendered ? rendered.words : [];
  const output = execFileSync("python3", ["-c", program, ...words], { encoding: "utf8" });
  expect(JSON.parse(output)).toEqual({
    lr: -0.00001,
    n: -3,
    name: "--x 'y'\n",
    weight_decay: 1,
    amp: true,
    half: false,
    sizes: [1, 2, -3],
    none: [],
    extra: { a: [1, 2] },
    empty: "",
  });
});

function template(command: string): RunTemplate {
  return { command, args: "flags", cwd: "/", env: {} };
}

function render(command: string, value: string): string[] {
  const params = new Map<string, ParamValue>([
    ["n", 1],
    ["v", value],
  ]);
  const context = { run: { id: "r", name: "s.1", index: 1, dir: "/r" }, sweep: "s", node: "n", gpus: 0 };
  const rendered = renderCommand(template(command), params, context);
  if ("problem" in rendered) throw new Error(rendered.problem);
  return rendered.argv;
}

function shellText(command: string, value: string): string {
  return render(command, value)[2] ?? "";
}

function run(shell: string, script: string): string {
  const posix = shell.endsWith("bash") ? ["--posix"] : [];
  const env = { HOME: "/home/x", PATH: "/usr/bin:/bin" };
  return execFileSync(shell, [...posix, "-c", script], { cwd: dir, encoding: "utf8", env });
}
