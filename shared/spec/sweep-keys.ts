/**
 * Every table and key of a sweep file, in the order in which messages and the documentation name them. The one list that
 * the parser, the JSON Schema and the documentation's tests go by.
 */
import { OUTPUT_FORMS } from "../capture/options.ts";
import {
  CPU_SLOTS_MAX,
  DEVICES_PER_RUN_MAX,
  NODES_PER_RUN_MAX,
  PRIORITY_MAX,
  RETRIES_MAX,
  RUNS_PER_SWEEP_MAX,
} from "../run/limits.ts";
import { NOTIFY_EVENTS } from "../run/notify.ts";
import { SAMPLING_METHODS } from "../sampling/sampler.ts";
import {
  boolean,
  duration,
  expression,
  expressions,
  integer,
  name,
  number,
  own,
  path,
  size,
  text,
  texts,
  word,
  words,
} from "./key.ts";

export const SEED_MAX = Number.MAX_SAFE_INTEGER;
/** Replicates that `repeats` makes. */
const REPEATS_MAX = RUNS_PER_SWEEP_MAX;

/** Keys outside of any table. */
export const SWEEP_KEYS = {
  name: name('name of the sweep: letters, digits, ".", "_" and "-"', { without: "required" }),
  project: text("project that the sweep belongs to", { without: "none" }),
  description: text("one line about the sweep", { without: "none" }),
  note: text("anything worth remembering", { without: "none" }),
  tags: texts("words to find its runs by", { without: "none" }),
  extends: path("another sweep file, of which this one says the differences", { without: "none" }),
  seeds: own("axes", "seeds; every point is run once for each, as parameter `seed`", { without: "no `seed`" }),
  repeats: integer(1, REPEATS_MAX, "how often every point is run, with the seeds 0, 1, 2 …", { without: "once" }),
  where: expressions("conditions that a point must meet to be run", { without: "all points" }),
  order: word(["listed", "shuffled", "cheap-first"], "order in the queue", { without: '"listed"' }),
  shuffle_seed: integer(0, SEED_MAX, 'which of the shuffled orders, with `order = "shuffled"`', { without: "0" }),
  rerun: word(["missing", "failed", "all"], "which earlier work is done again", { without: '"missing"' }),
  priority: integer(-PRIORITY_MAX, PRIORITY_MAX, "higher goes first; may be negative", { without: "0" }),
  hold: boolean("true: the runs wait until they are released", { without: "false" }),
  after: texts("sweeps that must have ended before, such as `digits.3`", { without: "none" }),
  deadline: own("date", "when the sweep stops, such as `2027-01-31T18:00:00Z`", { without: "none" }),
} as const;

/** Tables that are one table each, with fixed keys. */
export const SECTION_KEYS = {
  random: {
    samples: integer(1, RUNS_PER_SWEEP_MAX, "samples for each point", { without: "required" }),
    seed: integer(0, SEED_MAX, "which of the random choices", { without: "0" }),
    method: word(SAMPLING_METHODS, "how samples are spread", { without: '"random"' }),
    per: word(["point", "sweep"], "samples of their own for each point, or the same for all", { without: '"point"' }),
    space: own("space", "what each sampled parameter is drawn from", { without: "required" }),
  },
  identity: {
    ignore: texts("parameters that do not count; `*` stands for any text", { without: "all count" }),
    include: texts('what counts besides parameters: "command", "code", "env" or "env:PATH", "data:PATH"', {
      without: '["command"]',
    }),
  },
  run: {
    command: own("command", "a list of words, or one text for `/bin/sh -c`", { without: "required" }),
    args: own("args", "what `${args}` becomes", { without: '"flags"' }),
    bool: word(["presence", "value", "no-prefix"], "how `${args}` writes booleans", { without: "as usual for `args`" }),
    list: word(["space", "repeat", "comma", "json"], "how `${args}` writes lists", { without: "as usual for `args`" }),
    none: word(["omit", "null"], "how `${args}` writes None", { without: '"omit"' }),
    dash: boolean("`_` in names becomes `-` in `${args}`", { without: "false" }),
    cwd: path("directory of the command, from the directory of the file", { without: "that directory" }),
    env: own("env", "environment variables: texts, numbers, booleans", { without: "none" }),
    setup: text("shell text that runs before the command", { without: "none" }),
    code: word(["snapshot", "git", "none"], "a copy of the code as submitted, of committed code only, or none", {
      without: '"none"',
    }),
    python: path("Python program that the command runs with", { without: "as found on the host" }),
    venv: path("virtual environment that the command runs in", { without: "none" }),
    conda: path("conda environment that the command runs in, by name or path", { without: "none" }),
    image: text("container image that setup and command run in", { without: "none: on the host itself" }),
    mounts: texts("`HOST[:PATH[:ro]]`: what the container sees of the host besides the run's own directories", {
      without: "none",
    }),
    stdin: path("file that the command reads as its input", { without: "nothing" }),
    umask: text('mode of new files, as three or four octal digits such as "0022"', { without: "that of the agent" }),
  },
  resources: {
    gpus: integer(0, DEVICES_PER_RUN_MAX, "GPUs of one run", { without: "one device, whatever the host has" }),
    gpu: own("gpu", 'kind of GPU, such as `"A100|H100"` or `"A100:80GB:2"`', { without: "any" }),
    gpu_memory: size("memory of each GPU, at least", { without: "any" }),
    gpu_share: number(0.01, 1, "part of each GPU that is enough; others may get the rest", { without: "whole GPUs" }),
    cpus: integer(1, CPU_SLOTS_MAX, "CPU slots of one run", { without: "one slot on a run without GPUs" }),
    memory: size("memory of the host", { without: "any" }),
    disk: size("free disk of the host", { without: "any" }),
    nodes: integer(1, NODES_PER_RUN_MAX, "nodes that one run takes at once, all of the above on each", {
      without: "1",
    }),
    where: expression("condition that the node must meet", { without: "any node" }),
    exclusive: boolean("true: nothing else on the node meanwhile", { without: "false" }),
    alternatives: own("alternatives", "other requests that will do, in order", { without: "none" }),
  },
  limits: {
    time: duration(1, 'wall time of one attempt, such as `"90s"`, `"1h30m"`, `"2d"`', { without: "no limit" }),
    idle: duration(1, "time without output and without a metric", { without: "no limit" }),
    parallel: integer(1, RUNS_PER_SWEEP_MAX, "runs of this sweep at the same time", { without: "no limit" }),
    failures: integer(1, RUNS_PER_SWEEP_MAX, "failed runs after which the sweep stops", { without: "no limit" }),
    runs: integer(1, RUNS_PER_SWEEP_MAX, "runs of this sweep, the first in its order", { without: "100,000 points" }),
    gpu_hours: number(0, 1e9, "GPU hours after which the sweep stops", { without: "no limit" }),
    stop_grace: duration(0, 'time between TERM and KILL when a run is stopped; `"0s"`: none', { without: '"30s"' }),
  },
  retry: {
    max: integer(0, RETRIES_MAX, "further attempts after the command itself failed", { without: "0" }),
    on: texts("failures that are worth another attempt", { without: "all" }),
    never: texts("failures after which there is none", { without: "none" }),
    backoff: own("backoff", 'time between attempts, growing, such as `"30s..10m"`', {
      without: "as the coordinator has it",
    }),
    resume: boolean("false: the next attempt is not told of the last checkpoint", {
      without: "true",
    }),
    avoid_node: boolean("true: the next attempt goes to another node where it can", { without: "false" }),
    remedy: own("remedies", "parameters to change after a certain failure", { without: "none" }),
  },
  objective: {
    metric: text("metric that `exp best` ranks by", { without: "no ranking" }),
    goal: word(["maximize", "minimize"], "which end is best", { without: "required beside `metric`" }),
    target: number(-1e300, 1e300, "value at which the sweep stops", { without: "none" }),
    reduce: word(["best", "last", "min", "max"], "which of a run's values counts", {
      without: '"best"',
    }),
  },
  stop: {
    when: texts("conditions on a run and its last metrics, each of which ends it", { without: "none" }),
    policy: word(["none", "median", "asha"], "how runs that fall behind are ended", { without: '"none"' }),
    min_steps: integer(1, Number.MAX_SAFE_INTEGER, "steps that every run is given", { without: "1" }),
    divisor: integer(2, 1000, '"asha": one in so many goes on at each rung, and the next is so many times higher', {
      without: "4",
    }),
    rungs: integer(1, 100, "rungs at most", { without: "100" }),
    sweep_when: expression("condition on the sweep that ends it", { without: "none" }),
  },
  capture: {
    stdout: words(OUTPUT_FORMS, "forms of metrics in the output; `[]`: none", {
      without: '`["json", "dict", "tqdm"]`',
    }),
    patterns: texts("further forms, as regular expressions with named groups", { without: "none" }),
    tensorboard: boolean("false: no metrics from TensorBoard's files", { without: "true" }),
    tensorboard_dirs: texts("further folders with such files, from `run.cwd`", {
      without: "`runs`, `lightning_logs`, `logs`, `tb_logs` and the directory of the run",
    }),
    csv: texts("CSV files with metrics, as globs from `run.cwd`; `[]`: none", {
      without: "`lightning_logs/**/metrics.csv`",
    }),
    system: boolean("false: no metrics of the host (`sys/…`)", { without: "true" }),
    system_every: duration(1000, "time between two of these", { without: '"5s"' }),
    artifacts: texts("files to keep, as globs from `run.cwd` and the directory of the run", { without: "none" }),
    keep_last: integer(1, 1_000_000, "checkpoints of a run to keep: the newest so many", { without: "all" }),
    keep_best: integer(1, 1_000_000, "checkpoints to keep besides the newest: the best by `[objective]`", {
      without: "none",
    }),
    hook: boolean("true: a Python program that dies of an exception leaves its traceback with the run", {
      without: "false",
    }),
    env_allow: texts("variables of the run's environment to record", {
      without: "those that often change results, such as `OMP_NUM_THREADS`",
    }),
  },
  notify: {
    on: words(NOTIFY_EVENTS, "what to tell about", { without: "required" }),
    to: texts("channels that the server has, such as `slack:#ml`", { without: "required" }),
  },
} as const;
export type SectionName = keyof typeof SECTION_KEYS;

/** Tables whose keys are names of the user's own, and lists of tables. */
export const OPEN_TABLES = {
  base: own("parameters", "parameters that are the same in every run", { without: "none" }),
  grid: own("axes", "parameters with a list of values each; all combinations are run", { without: "one run" }),
  zip: own("zip", "lists of equal length that are walked together", { without: "none" }),
  variants: own("variants", "alternatives, each with tables of its own", { without: "none" }),
  derive: own("derive", "parameters that are computed from others", { without: "none" }),
  runs: own("runs", "points of their own, beside all combinations", { without: "none" }),
} as const;

/** Keys of an element of `[[variants]]`. */
export const VARIANT_KEYS = {
  base: OPEN_TABLES.base,
  grid: OPEN_TABLES.grid,
  zip: OPEN_TABLES.zip,
  random: own("table", "as `[random]`"),
  derive: OPEN_TABLES.derive,
  where: SWEEP_KEYS.where,
  run: own("table", "as `[run]`"),
  resources: own("table", "as `[resources]`"),
  limits: own("table", "as `[limits]`: time, idle and stop_grace"),
  tags: SWEEP_KEYS.tags,
} as const;

/** Keys of an element of `[[runs]]`. */
export const RUNS_KEYS = {
  params: own("parameters", "parameters of the point, over those of `[base]`", { without: "none" }),
  from: path("file with a point a row: CSV, JSON or JSON lines", { without: "one point" }),
  command: SECTION_KEYS.run.command,
  run: own("table", "as `[run]`"),
  resources: own("table", "as `[resources]`"),
  limits: own("table", "as `[limits]`: time, idle and stop_grace"),
  tags: SWEEP_KEYS.tags,
  priority: SWEEP_KEYS.priority,
} as const;

/** Keys of `[limits]` that a variant or a run may set for itself. */
export const OWN_LIMITS = ["time", "idle", "stop_grace"] as const;
export const OWN_LIMIT_KEYS = {
  time: SECTION_KEYS.limits.time,
  idle: SECTION_KEYS.limits.idle,
  stop_grace: SECTION_KEYS.limits.stop_grace,
} as const;

/** Names of all tables, in order. */
export const TABLE_NAMES: readonly string[] = [
  "base",
  "grid",
  "zip",
  "variants",
  "random",
  "derive",
  "runs",
  "identity",
  "run",
  "resources",
  "limits",
  "retry",
  "objective",
  "stop",
  "capture",
  "notify",
];
