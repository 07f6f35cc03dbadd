/** What users are told about wrong sweep files: every message with its place. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { POINTS_DEFAULT_MAX, SPEC_BYTES_MAX } from "../../../shared/run/limits.ts";
import { parseSpec } from "../../../shared/spec/parse.ts";
import { specError } from "../../../shared/spec/problems.ts";
import { readSweep } from "../../../shared/spec/read-sweep.ts";
import { problemLine, problemLinesOf, tomlSource } from "../../helpers/spec-source.ts";

const SOUND = 'name = "a"\nrun.command = ["true"]\n';

interface WrongFile {
  readonly title: string;
  readonly text: string;
  readonly problems: readonly string[];
}

const FILES: readonly WrongFile[] = readFileSync(
  new URL("../../fixtures/spec/wrong-files.txt", import.meta.url),
  "utf8",
)
  .split(/^=== /m)
  .slice(1)
  .map((block) => {
    const [, title = "", text = "", problems = ""] = /^([^\n]*)\n(.*?)---\n(.*)$/s.exec(block) ?? [];
    return { title, text, problems: problems.trimEnd().split("\n") };
  });

describe("wrong files", () => {
  test("there are many", () => expect(new Set(FILES.map(({ title }) => title)).size).toBeGreaterThan(400));

  test.each(FILES)("$title", ({ text, problems }) => {
    const started = cpuMs();
    const result = readSweep(tomlSource(text));
    expect(cpuMs() - started).toBeLessThan(1_000);
    const found = "problems" in result ? result.problems : [];
    expect(found.map(problemLine)).toEqual(problems);
    for (const { place } of found) {
      if (place?.text !== undefined) expect(place.text).toBe(text.split("\n")[(place.line ?? 0) - 1]);
      expect(place?.file).toBe("sweep.toml");
    }
  });
});

describe("files that do not fit into a table", () => {
  const cases: [title: string, text: string, problem: string][] = [
    [
      "Windows line ends and wide characters",
      '# 你好\r\nname = "a"\r\nrun.command = ["x"]\r\nlimits.tiem = "1h"\r\n',
      '4:8+4 spec.unknown-key: "tiem" is not a key of [limits] | did you mean "time"? keys: time, idle, parallel, failures, runs, gpu_hours, stop_grace',
    ],
    ["a byte order mark", `\uFEFF${SOUND}base = 1\n`, "3:8+1 spec.type: base must be a table, not an integer"],
    [
      "deep lists",
      `${SOUND}base.x = ${"[".repeat(70)}${"]".repeat(70)}\n`,
      "3:74+1 spec.too-deep: nested deeper than 64 levels",
    ],
    [
      "deep dotted keys",
      `${SOUND}base.${Array(70).fill("a").join(".")} = 1\n`,
      "3:144+1 spec.too-deep: nested deeper than 64 levels",
    ],
    [
      "very deep dotted keys",
      `${SOUND}base.${Array(100_000).fill("a").join(".")} = 1\n`,
      "3:200004 spec.too-deep: nested deeper than 64 levels",
    ],
    [
      "a name of 129 characters",
      `name = "${"a".repeat(129)}"\nrun.command = ["true"]\n`,
      "1:8+131 spec.value: the name of the sweep is longer than 128 characters",
    ],
    [
      "ten million points",
      `${SOUND}[grid]\na = ${numbers(10)}\nb = ${numbers(1000)}\nc = ${numbers(1000)}\n`,
      "3:2+4 spec.too-many-points: 10 x 1000 x 1000 = 10,000,000 points; the limit is 100,000 | shorten the lists or split the sweep",
    ],
    [
      "more points than a number can count",
      `${SOUND}[grid]\n${Array.from({ length: 10 }, (_, i) => `a${i} = ${numbers(100)}`).join("\n")}\n`,
      "3:2+4 spec.too-many-points: 100 x 100 x 100 x 100 x 100 x 100 x 100 x 100 x … = 100,000,000,000,000,000,000 points; the limit is 100,000 | shorten the lists or split the sweep",
    ],
    [
      "one seed over the limit",
      `${SOUND}seeds = ${numbers(POINTS_DEFAULT_MAX + 1)}\n`,
      "3:1 spec.too-many-points: 100,001 points; the limit is 100,000 | shorten the lists, or allow so many with [limits] runs = 100001",
    ],
    [
      "long parameters",
      `${SOUND}base.x = "${"x".repeat(65_536)}"\n`,
      "3:1 spec.too-large: the parameters of one run take 65,545 bytes; the limit is 65,536 | put long values into a file",
    ],
    [
      "long parameters times many points",
      `${SOUND}seeds = ${numbers(30_000)}\n[base]\nx = "${"x".repeat(20_000)}"\n`,
      "4:2+4 spec.too-large: 30,000 points x 20,022 bytes of parameters = 600,660,000 bytes; the limit is 536,870,912 | put long values into a file",
    ],
  ];

  const hostile: [title: string, text: string, problem: string][] = [
    [
      "ten million points over grid, zip, variants, samples and seeds",
      `${SOUND}seeds = ${numbers(100)}\n[grid]\na = ${numbers(100)}\n[zip]\nb = ${numbers(10)}\n[random]\nsamples = 50\nspace.r = { uniform = [0.0, 1.0] }\n[[variants]]\nbase = { v = 1 }\n[[variants]]\nbase = { v = 2 }\n`,
      "4:2+4 spec.too-many-points: 2 variants and runs of 100,000 points x 100 seeds = 10,000,000 points; the limit is 100,000 | shorten the lists or split the sweep",
    ],
    [
      "a thousand axes",
      `${SOUND}[grid]\n${Array.from({ length: 1000 }, (_, i) => `a${i} = [1, 2]`).join("\n")}\n`,
      "3:2+4 spec.too-many-points: 2 x 2 x 2 x 2 x 2 x 2 x 2 x 2 x … = far too many points; the limit is 100,000 | shorten the lists or split the sweep",
    ],
    [
      "a hundred thousand conditions",
      `${SOUND}where = [${'"a == 1", '.repeat(100_000)}]\n[grid]\na = ${numbers(1000)}\n`,
      "3:9 spec.value: where has more than 1,000 conditions",
    ],
    [
      "ten thousand derived parameters",
      `${SOUND}[derive]\n${Array.from({ length: 10_000 }, (_, i) => `d${i} = "${i}"`).join("\n")}\n`,
      "4:1+2 spec.value: [derive] has more than 1,000 parameters",
    ],
    [
      "derived texts that double",
      `${SOUND}[grid]\na = ${numbers(1000)}\n[derive]\nd0 = "'x' * 1000"\n${Array.from({ length: 20 }, (_, i) => `d${i + 1} = "d${i} + d${i}"`).join("\n")}\n`,
      "13:7+7 expression.limit: the result has 128000 characters; the limit is 100000 (at a=0)",
    ],
    [
      "derived texts that are large together",
      `${SOUND}[grid]\na = ${numbers(1000)}\n[derive]\n${Array.from({ length: 20 }, (_, i) => `d${i} = "'x' * 50000"`).join("\n")}\n`,
      "6:1+2 spec.too-large: with derived ones, the parameters of one run take 1,000,177 bytes; the limit is 65,536",
    ],
    [
      "expressions that take long at many points",
      `${SOUND}seeds = ${numbers(100_000)}\nwhere = ["sum([1] * 1000) > 1"]\n`,
      "4:10+21 expression.limit: the expressions are too much work for so many points",
    ],
    [
      "twenty thousand variants",
      `${SOUND}${"[[variants]]\n".repeat(20_000)}`,
      "3:3+8 spec.value: variants has more than 10,000 alternatives",
    ],
    [
      "many keys that do not exist",
      `${SOUND}limits.x = { ${Array.from({ length: 20_000 }, (_, i) => `k${i} = 1`).join(", ")} }\n`,
      '3:8 spec.unknown-key: "x" is not a key of [limits] | keys: time, idle, parallel, failures, runs, gpu_hours, stop_grace',
    ],
    [
      "a name of a million characters",
      `${SOUND}base.${"x".repeat(1_000_000)} = 1\n`,
      "3:6 spec.name: the name of a parameter is longer than 128 characters",
    ],
    [
      "a parameter of ten thousand parts",
      `${SOUND}[base]\n"${Array(10_000).fill("a").join(".")}" = 1\n`,
      "4:1 spec.name: the name of a parameter is longer than 128 characters",
    ],
    [
      "a thousand resources by expression",
      `${SOUND}[grid]\na = ${numbers(20_000)}\n[resources]\nmemory = { expr = "str(a + 1) + 'MB'" }\n`,
      "6:19+19 spec.too-large: runs ask for resources in more than 10,000 ways",
    ],
    [
      "patterns that match slowly",
      `${SOUND}[identity]\nignore = ["${"a*".repeat(40)}b"]\n[grid]\n${"a".repeat(120)} = [1, 2]\nb = [1, inf]\n`,
      '7:9+3 spec.value: grid.b[1] is not a finite number | write it as a string, such as "inf"',
    ],
  ];

  test.each(hostile)("%s", (_title, text, problem) => {
    const started = cpuMs();
    expect(problemLinesOf(text)).toEqual([problem]);
    expect(cpuMs() - started).toBeLessThan(1_000);
  });

  test.each(cases)("%s", (_title, text, problem) => {
    expect(problemLinesOf(text)).toEqual([problem]);
  });

  test("the limits themselves are fine", () => {
    expect(problemLinesOf(`${SOUND}seeds = ${numbers(POINTS_DEFAULT_MAX)}\n`)).toEqual([]);
    expect(problemLinesOf(`${SOUND}#${"x".repeat(SPEC_BYTES_MAX - SOUND.length - 1)}`)).toEqual([]);
    expect(problemLinesOf(`${SOUND}#${"x".repeat(SPEC_BYTES_MAX - SOUND.length)}`)).toEqual([
      "1:1 spec.too-large: the sweep file has 8,388,609 bytes; the limit is 8,388,608",
    ]);
  });

  test("a flood of problems is cut", () => {
    const unknown = Array.from({ length: 5000 }, (_, i) => `k${i} = 1`).join("\n");
    expect(problemLinesOf(`${SOUND}${unknown}\n`)).toHaveLength(100);
  });

  test("a long line is not shown", () => {
    const result = parseSpec(tomlSource(`${SOUND}seeds = [${"0".padStart(500)}, "x"]\n`));
    expect("problems" in result && result.problems[0]?.place).toEqual({ file: "sweep.toml", line: 3, column: 512 });
  });
});

describe("specError", () => {
  test("tells the first problem and how many more there are", () => {
    const result = parseSpec(tomlSource("[grdi]\nx = 1\n"));
    const error = specError("problems" in result ? result.problems : []);
    expect(error).toMatchObject({
      code: "invalid",
      id: "spec.unknown-table",
      message: '"grdi" is not a table of a sweep file (and 2 more)',
      place: { file: "sweep.toml", line: 1, column: 2, text: "[grdi]", length: 4 },
      hint: "did you mean [grid]?",
    });
  });
});

/** Processor time of this thread: the machine may be busy with other things. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

function numbers(count: number): string {
  return `[${Array.from({ length: count }, (_, i) => i).join(", ")}]`;
}
