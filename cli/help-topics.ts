/** [P] What `exp help TOPIC` prints, by topic. */

const REFS = `References name sweeps and runs, the same way everywhere.

  digits              the newest sweep of that name
  digits.7            sweep
  digits.7.30         run
  digits.7.30-35,40   runs by position
  digits.7.*          every run of a sweep
  run_01JD...         run by the start of its id
  last, last~2        the newest sweep, the second before it
  -                   names from stdin, as printed by exp ls -q

Nothing found is exit 3, with the nearest names.
`;

const ENV = `Read by exp (a flag wins over each):

  EXP_SERVER       HOST:PORT of the coordinator
  EXP_CONTEXT      name of a remembered coordinator
  EXP_DIR          directory of the local stack, as --dir
  EXP_TOKEN_FILE   file with the token
  EXP_TOKEN        the token itself. For CI only: other programs of yours can read the environment,
                   and it ends up in logs and crash reports more easily than a file
  EXP_OUTPUT       format, as -o
  EXP_NO_INPUT     never ask
  EXP_COMPLETION_TIMEOUT   how long completion may wait for names from the coordinator [200ms]
  NO_COLOR, FORCE_COLOR, XDG_CONFIG_HOME, XDG_STATE_HOME, XDG_CACHE_HOME

Without any of them: the local stack in ./.exp, then the context in use.

Given to runs:

  EXP_RUN_ID EXP_RUN_NAME EXP_SWEEP EXP_ATTEMPT EXP_FENCE EXP_RUN_DIR EXP_ARTIFACT_DIR
  EXP_CHECKPOINT_DIR EXP_RESUME_FROM EXP_CONFIG (path of a JSON file) EXP_SEED
  EXP_EVENTS (append JSON lines to log metrics) EXP_URL CUDA_VISIBLE_DEVICES PYTHONUNBUFFERED
  EXP_GPU_SHARE (of a run with [resources] gpu_share)
  EXP_NODES EXP_NODE_RANK EXP_NODE_NAMES EXP_NODE_ADDRESSES MASTER_ADDR MASTER_PORT PET_… (of a run on several nodes)
`;

const EXIT_CODES = `Exit codes of exp:

  0    done
  1    the work failed: a waited-for run failed, or a check is red
  2    wrong usage, or a sweep file that cannot be
  3    no such thing
  4    not logged in, or not allowed
  5    the coordinator cannot be reached
  6    refused by how things are: already ended, already there
  7    some of many done
  70   a fault of exp itself
  124  time is up (--timeout)
  130  interrupted

Exit codes of your program: 0 succeeded, 77 skipped, anything else failed.
`;

const EXPRESSIONS = `Expressions are a part of Python. They are used by exp ls --where, and in sweep files by where,
[derive], { expr = "…" } and \${…}.

  lr < 0.01 and optim.name in ["adam", "adamw"]
  1e-4 <= lr <= 1e-2
  metrics["val/acc"] > 0.9 or not defined(loss)
  state == "failed" and seconds > 2h

  values      1  1.0  "text"  [1, 2]  True  None    bytes: 24GB  1.5GiB    seconds: 90s  30m  1h30m  2d
  operators   a if c else b   or and not   < <= > >= == != in not in   + -   * / // %   **   x[0] x.name
  functions   abs all any bool ceil defined endswith exp float floor glob int isinf isnan len log log2
              log10 max min round sqrt startswith str sum

About a run (exp ls --where):

  ref sweep sweep.name index state reason node gpus attempt priority exit_code seconds age reused
  its parameters by name, or params["weight-decay"]
  its metrics by name, or metrics["val/acc"]

A run without a value for a name does not match. A name that no run has is an error.
docs/expressions.md has it all.
`;

const SWEEP = `A sweep file says what to run and over which values. exp init writes one to begin with.

  name = "digits"
  seeds = [0, 1, 2]

  [grid]                      # every combination
  lr = [0.1, 0.01]
  optim.name = ["sgd", "adam"]

  [run]
  command = ["python", "train.py", "\${args}"]

  [resources]
  gpus = 1
  gpu_memory = "24GB"

  [objective]
  metric = "val/acc"
  goal = "maximize"

  tables   base grid zip random variants derive run resources limits retry objective identity
  check    exp plan sweep.toml shows every point and what it would cost, and changes nothing
  editors  exp schema prints the JSON Schema by which they complete and check

docs/sweep-file.md has it all; exp help expressions for where and [derive].
`;

const FILES = `Where things are:

  ./.exp/                            the local stack of exp up: store, results, logs (--dir)
  ~/.config/exp/contexts.json        remembered coordinators, with their tokens; for your eyes only
  ~/.local/state/exp/reports/        reports of faults of exp itself
  ~/.cache/exp/                      names for completion; may be removed at any time
  .expignore                         what is left out of the code, beside .gitignore, written as that is

XDG_CONFIG_HOME, XDG_STATE_HOME and XDG_CACHE_HOME move them. Results lie where exp show REF says.
`;

const FORMATS = `What a command prints is chosen by -o, by --json (the same as -o json), by -q (-o name, without messages),
or by EXP_OUTPUT:

  table   columns that fit the terminal; columns without content are left out. In a pipe nothing is cut
  wide    every column in full
  json    one JSON value; an empty list is []
  jsonl   one JSON value a line
  csv     with a line of titles
  md      a Markdown table
  name    names alone, for another command: exp ls --state failed -q | exp retry -

Data go to stdout, all else to stderr. With json and jsonl an error is one object on stderr, and stdout is empty:
{"error": {"code": ..., "id": ..., "message": ..., "hint": ...}}. exp help ID explains an id.
Times are ISO 8601 in UTC. Colour is for terminals alone, and never with NO_COLOR.
`;

export const TOPICS: ReadonlyMap<string, string> = new Map([
  ["sweep", SWEEP],
  ["refs", REFS],
  ["references", REFS],
  ["selectors", REFS],
  ["expressions", EXPRESSIONS],
  ["formats", FORMATS],
  ["env", ENV],
  ["files", FILES],
  ["exit-codes", EXIT_CODES],
]);
