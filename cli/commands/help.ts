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

const TOPICS = new Map([
  ["refs", REFS],
  ["references", REFS],
  ["env", ENV],
  ["exit-codes", EXIT_CODES],
]);
