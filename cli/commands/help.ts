/** `exp help TOPIC`. */
import { usage } from "../args.ts";
import { EXIT } from "../exit-codes.ts";
import { rootHelp } from "../root-help.ts";
import type { Command } from "../session.ts";

export const help: Command = {
  async run(session, args) {
    const topic = args.text("topic");
    const text = topic === undefined ? rootHelp() : TOPICS.get(topic);
    if (text === undefined) {
      throw usage(
        `no help on "${topic}"`,
        `topics: ${[...TOPICS.keys()].join(", ")}; exp COMMAND --help for a command`,
      );
    }
    await session.out.data(text);
    return EXIT.ok;
  },
};

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
  EXP_DIR          directory of the local stack
  EXP_TOKEN_FILE   file with the token
  EXP_TOKEN        the token itself. For CI only: other programs of yours can read the environment,
                   and it ends up in logs and crash reports more easily than a file
  EXP_OUTPUT       format, as -o
  EXP_NO_INPUT     never ask
  NO_COLOR, FORCE_COLOR, XDG_CONFIG_HOME, XDG_STATE_HOME

Without any of them: the local stack in ./.exp, then the context in use.

Given to runs:

  EXP_RUN_ID EXP_RUN_NAME EXP_SWEEP EXP_ATTEMPT EXP_FENCE EXP_RUN_DIR EXP_ARTIFACT_DIR
  EXP_CHECKPOINT_DIR EXP_RESUME_FROM EXP_CONFIG (path of a JSON file) EXP_SEED
  EXP_EVENTS (append JSON lines to log metrics) EXP_URL CUDA_VISIBLE_DEVICES PYTHONUNBUFFERED
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

const TOPICS = new Map([
  ["refs", REFS],
  ["references", REFS],
  ["env", ENV],
  ["exit-codes", EXIT_CODES],
  ["expressions", EXPRESSIONS],
]);
