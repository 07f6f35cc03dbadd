/** [P] The sweep file that `exp init` writes: one that can be submitted as it is, with comments on what to do next. */

import { parameterNameProblem } from "../spec/param-value.ts";
import { escapeTemplate } from "../spec/placeholders.ts";
import type { ParamValue } from "../spec/types.ts";
import { valueJson } from "../spec/value-text.ts";
import type { ArgparseOption, ArgparseReading } from "./argparse.ts";
import { tomlKey, tomlValue } from "./sweep-writer.ts";

/** Name of the JSON Schema that lies beside the file, for editors. */
export const SCHEMA_FILE = "sweep.schema.json";

/** A script and what it says of its options. */
export interface Script extends ArgparseReading {
  /** From the directory of the sweep file. */
  readonly path: string;
}

export interface Starter {
  readonly text: string;
  /** What is left to do, a line each. */
  readonly notes: readonly string[];
}

/** Without a script, the command only says what it would train. */
export function starterText(name: string, script: Script | undefined): Starter {
  return script ? scriptStarter(name, script) : { text: plainStarter(name), notes: [] };
}

function head(name: string): string {
  return `#:schema ./${SCHEMA_FILE}
# One command, run once for every combination of the values under [grid].
#   exp plan sweep.toml             what this file means; starts nothing
#   exp submit sweep.toml --wait    start it and watch
# Editors that know TOML complete and check it by the schema in the first line.
name = ${tomlValue(name)}
`;
}

const TAIL = `
[resources]
# gpus = 1                       # of one run; without it: one device, whatever the host has
# gpu_memory = "16GB"            # of each of them, at least

[limits]
# time = "6h"                    # of one run
# parallel = 4                   # runs at the same time

[retry]
# max = 1                        # further attempts after the command failed

# What \`exp best\` ranks by: a metric that the program logs.
# [objective]
# metric = "val/acc"
# goal = "maximize"              # or "minimize"
`;

function plainStarter(name: string): string {
  return `${head(name)}
# seeds = [0, 1, 2]              # every combination once for each, as the parameter seed

# Parameters that are the same in every run.
[base]
epochs = 10

# Six runs: every lr with every batch_size.
[grid]
lr = [0.1, 0.01, 0.001]          # or { logspace = [1e-3, 1e-1, 3] }
batch_size = [32, 64]

[run]
command = "echo training with \${args}"
# command = ["python3", "train.py", "\${args}"]      # \${args}: --epochs 10 --lr 0.1 --batch_size 32
# cwd = "."                      # from the directory of this file
# env = { OMP_NUM_THREADS = 4 }
${TAIL}`;
}

function scriptStarter(name: string, script: Script): Starter {
  const notes = [...script.skipped];
  const lines: string[] = [];
  const dash = usesDashes(script.options);
  const bool = boolStyle(script.options);
  let seeds = "# seeds = [0, 1, 2]              # every combination once for each, as the parameter seed";
  let axis: string | undefined;
  for (const option of script.options) {
    const key = dash ? option.name.replaceAll("-", "_") : option.name;
    if (parameterNameProblem(key)) {
      notes.push(`--${option.name} cannot be the name of a parameter`);
      continue;
    }
    if (key === "seed" && typeof option.value === "number" && option.value >= 0) {
      seeds = `seeds = [${option.value}]                      # more of them: every combination once for each`;
      continue;
    }
    const { line, note } = lineOf(option, key, bool);
    lines.push(line);
    if (note !== undefined) notes.push(note);
    axis ??= axisOf(option, key);
  }
  const style = [
    ...(bool === undefined || bool === "presence" ? [] : [`bool = ${tomlValue(bool)}`]),
    ...(dash ? ["dash = true                      # batch_size becomes --batch-size"] : []),
  ];
  const text = `${head(name)}
${seeds}

# The options of ${script.path} with their defaults: the same in every run.
[base]
${lines.join("\n")}

# Options with several values each, moved from [base] to here; every combination is run.
[grid]
# ${axis ?? "lr = [0.1, 0.01]"}

[run]
command = ["python3", ${tomlValue(escapeTemplate(script.path))}, "\${args}"]
${style.map((line) => `${line}\n`).join("")}${TAIL}`;
  return { text, notes };
}

/** True where all options of several words are spelled with dashes, so that parameters can have underscores. */
function usesDashes(options: readonly ArgparseOption[]): boolean {
  return options.some(({ name }) => name.includes("-")) && options.every(({ name }) => !name.includes("_"));
}

/** One style for all: `--no-x` where a program knows it of all its booleans. */
function boolStyle(options: readonly ArgparseOption[]): ArgparseOption["bool"] {
  const styles = new Set(options.map(({ bool }) => bool).filter((bool) => bool !== undefined));
  return styles.has("presence") ? "presence" : [...styles][0];
}

/** Commented out where there is no value, or none that the program could be given. */
function lineOf(
  option: ArgparseOption,
  key: string,
  bool: ArgparseOption["bool"],
): { readonly line: string; readonly note?: string } {
  const { value, help, choices, isRequired, isList } = option;
  const words = [help, choices.length > 0 ? `one of ${choices.map(valueJson).join(", ")}` : ""].filter(
    (text) => text !== "",
  );
  const behind = words.length === 0 ? "" : ` # ${words.join("; ").replace(/\p{Cc}/gu, " ")}`;
  if (value === undefined) {
    const example = isList ? "[]" : choices[0] !== undefined ? tomlValue(choices[0]) : '""';
    const line = `# ${tomlKey(key)} = ${example}${behind || " # its default is not known"}`;
    return isRequired ? { line, note: `--${option.name} is required: give it a value in [base]` } : { line };
  }
  if (typeof value === "boolean" && bool === "presence" && option.bool === "no-prefix") {
    const note = `--no-${option.name} cannot be said beside flags that have no --no- form: true and false are given as presence`;
    return { line: `${tomlKey(key)} = ${value}${behind}`, note };
  }
  return { line: `${tomlKey(key)} = ${tomlValue(value)}${behind}` };
}

/** An example for [grid], from a number among the options. */
function axisOf(option: ArgparseOption, key: string): string | undefined {
  const { value, choices } = option;
  if (choices.length > 1) return `${tomlKey(key)} = ${tomlValue(choices as ParamValue)}`;
  if (value === undefined || option.isList || option.bool !== undefined || typeof value === "string") return undefined;
  return `${tomlKey(key)} = [${tomlValue(value)}]`;
}
