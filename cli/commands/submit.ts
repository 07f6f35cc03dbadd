/** `exp submit`: queue a sweep file, or one run given as a command. */
import { randomUUID } from "node:crypto";
import type { SubmitView } from "../../shared/run/views.ts";
import type { SpecOverrides } from "../../shared/spec/overrides.ts";
import type { SpecSource } from "../../shared/spec/parse.ts";
import { type Args, usage } from "../args.ts";
import type { Client } from "../client.ts";
import { submittedCode, type Teller } from "../code/submitted-code.ts";
import { commandSpecText } from "../command-spec.ts";
import { EXIT } from "../exit-codes.ts";
import { type Followed, followRuns, unsuccessful } from "../follow.ts";
import { plural } from "../render/text.ts";
import type { Command, Session } from "../session.ts";
import { readSpecFile } from "../spec-file.ts";
import { collectSource, OVERRIDE_OPTIONS, overridesOf, type SweepSource } from "../sweep-source.ts";

const CODES = ["snapshot", "git", "none"] as const;

export const submit: Command = {
  options: {
    wait: { describe: "show progress until all have ended; exit 1 when one failed", type: "flag", alias: "w" },
    follow: { describe: "as --wait, and say each failure as it comes; Ctrl-C detaches", type: "flag", alias: "f" },
    force: { describe: "run completed configurations again", type: "flag" },
    priority: { describe: "higher goes first [0]" },
    ...OVERRIDE_OPTIONS,
    gpus: { describe: "GPUs of the run (with --)" },
    cpus: { describe: "CPU slots of the run (with --)" },
    time: { describe: "time limit, such as 4h (with --)" },
    env: { describe: "K=V for the run, repeatable (with --)", type: "texts" },
    code: { describe: "snapshot: run a copy of the code as it is now (with --)", values: CODES },
    param: { describe: "k=v: recorded, and in the run's config, repeatable (with --)", type: "texts" },
  },
  examples: [
    ["exp submit sweep.toml --wait", "queue a sweep and watch it"],
    ["exp submit --gpus 1 -- python train.py --lr 0.1", "queue one run"],
  ],
  async run(session, args) {
    const source = await collectSource(await sourceOf(session, args), overridesOfSubmit(args));
    const priority = args.integer("priority", Number.MIN_SAFE_INTEGER);
    const client = await session.connect();
    const view = await submitSource(client, source, args.flag("force"), priority, session.out);
    const said = { lines: [submittedLine(view)], name: view.sweep };
    if (!args.flag("wait") && !args.flag("follow")) {
      await session.out.single({ json: view, ...said });
      session.out.next(view.new > 0 ? `exp wait ${view.sweep}` : `exp ls ${view.sweep}`);
      return EXIT.ok;
    }
    // A person wants the name at once; a program wants one value, with how it ended.
    if (!session.out.isJson) await session.out.single({ json: view, ...said });
    const followed = await followRuns(session, client, [view.sweep], view.sweep, args.flag("follow"));
    if (session.out.isJson) await session.out.single({ json: { ...view, counts: followed.counts }, ...said });
    return finish(session, view.sweep, followed);
  },
};

/** Queues a source under an id of its own, so that a repeated call does no harm. `out` gets what has no effect. */
export async function submitSource(
  client: Client,
  source: SweepSource,
  force: boolean,
  priority: number | undefined,
  out: Teller,
): Promise<SubmitView> {
  const code = await submittedCode(client, source, out);
  const response = await client.submit({ submitId: randomUUID(), source: source.message, force, priority, code });
  for (const line of response.warnings) out.warn(line);
  return { sweep: response.sweep, total: response.total, new: response.fresh, reused: response.reused };
}

/** "digits.1: 12 runs, 10 new, 2 completed before" */
export function submittedLine(view: SubmitView): string {
  const fresh = view.new === 0 ? "nothing new to run" : `${view.new} new`;
  const reused = view.reused === 0 ? "" : `, ${view.reused} completed before`;
  return `${view.sweep}: ${plural(view.total, "run")}, ${fresh}${reused}`;
}

/** What to say, and the exit code, when the watching is over. */
export function finish(session: Session, ref: string, followed: Followed): number {
  if (!followed.done) {
    session.out.note("no longer watching; the runs go on");
    session.out.next(`exp wait ${ref}`);
    return EXIT.interrupted;
  }
  const bad = unsuccessful(followed.counts);
  if (bad > 0) {
    session.out.note(`${bad} of ${plural(followed.total, "run")} did not succeed`);
    // A handle of a sweep with its one run, or of the run.
    const isOne = followed.total === 1 && /^[^\s.]+\.\d+(?:\.\d+)?$/.test(ref);
    const run = /\.\d+\.\d+$/.test(ref) ? ref : `${ref}.1`;
    session.out.next(isOne ? `exp logs ${run} -n 20` : `exp ls ${ref} --state failed`);
    return EXIT.workFailed;
  }
  session.out.next(followed.bestMetric === "" ? `exp ls ${ref}` : `exp best ${ref}`);
  return EXIT.ok;
}

/** With `--` the name is that of the run, and there is no file to say anything over. */
function overridesOfSubmit(args: Args): SpecOverrides {
  const overrides = overridesOf(args);
  if (args.words().length === 0) return overrides;
  const first = ["set", "where", "limit"].find((name) => args.texts(name).length > 0);
  if (first !== undefined) throw usage(`--${first} is for a sweep file, and a command has none`);
  return { ...overrides, name: undefined };
}

async function sourceOf(session: Session, args: Args): Promise<SpecSource> {
  const file = args.text("file");
  const words = args.words();
  const ofCommand = ["gpus", "cpus", "time", "env", "param", "code"].filter((name) => args.texts(name).length > 0);
  if (words.length === 0) {
    if (file === undefined) throw usage("submit what?", "exp submit FILE, or exp submit -- CMD...");
    const [first] = ofCommand;
    if (first !== undefined) throw usage(`--${first} is for exp submit -- CMD...; a sweep file says it itself`);
    return readSpecFile(session, file);
  }
  if (file !== undefined) throw usage("a file and a command at once", "exp submit FILE, or exp submit -- CMD...");
  const { cwd } = session.config;
  const text = commandSpecText({
    words,
    cwd,
    name: args.text("name"),
    gpus: args.integer("gpus", 0),
    cpus: args.integer("cpus", 1),
    time: args.duration("time") === undefined ? undefined : args.text("time"),
    env: args.texts("env"),
    params: args.texts("param"),
    code: args.choice("code", CODES),
  });
  return { path: "", text, format: "json", directory: cwd };
}
