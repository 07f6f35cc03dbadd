/** `exp down`: stop the local stack, and what runs on it only when that is wanted. Leaves no process behind. */
import { EXIT } from "../exit-codes.ts";
import { locate } from "../locate.ts";
import { plural } from "../render/text.ts";
import { type Command, confirm, type Session } from "../session.ts";
import { readStack, type StackFile } from "../stack/files.ts";
import { type StackPaths, stackPaths } from "../stack/paths.ts";
import { endProcess, findParts, startTimeOf } from "../stack/processes.ts";
import { type HeldNode, stopParts, stopRuns, tryHoldNode } from "../stack/stop.ts";

export const down: Command = {
  options: { "keep-runs": { describe: "leave running runs alone; the next exp up finds them again", type: "flag" } },
  examples: [["exp down --yes", "stop running runs as well"]],
  async run(session, args) {
    const keepRuns = args.flag("keep-runs");
    const paths = stackPaths(session.config.dir);
    const stack = await readStack(paths);
    if (!stack && Object.values(findParts(paths)).flat().length === 0) {
      await say(session, paths, `no local stack in ${paths.root}`, 0);
      return EXIT.ok;
    }
    const undo = session.onSignal(() => session.out.note("still stopping"));
    try {
      const ended = await endRuns(session, stack, keepRuns);
      if (ended === "refused") return EXIT.refused;
      if (stack) await endSupervisor(stack);
      await stopParts(session, paths, { killRuns: ended.killRest, hurry: undefined });
      await say(session, paths, `stopped${ended.what}`, ended.stopped);
      return EXIT.ok;
    } finally {
      undo();
    }
  },
};

interface EndedRuns {
  readonly stopped: number;
  /** What the agent still has, it ends by itself: runs that the coordinator could not stop, and its warden. */
  readonly killRest: boolean;
  /** For the last line. */
  readonly what: string;
}

async function endRuns(
  session: Session,
  stack: StackFile | undefined,
  keepRuns: boolean,
): Promise<EndedRuns | "refused"> {
  const client = stack?.grpc === undefined ? undefined : await openStack(session);
  const held = await tryHoldNode(client, stack?.node ?? "");
  const active = held?.active;
  if (active === 0) return { stopped: 0, killRest: true, what: "" };
  const runs = active === undefined ? "what may still run" : plural(active, "running run");
  if (keepRuns) return { stopped: 0, killRest: false, what: `; ${runs} left alone: exp up finds them again` };
  const why = active === undefined ? " (the coordinator does not answer)" : "";
  if (
    !(await confirmed(session, held, `stop ${runs}${why}?`, `${runs} would be stopped${why}; --keep-runs leaves them`))
  ) {
    session.out.note("nothing was stopped; exp down --keep-runs leaves the runs alone");
    return "refused";
  }
  if (!client || !stack || active === undefined) return { stopped: 0, killRest: true, what: "" };
  session.out.note(`stopping ${runs}`);
  const left = await stopRuns(client, stack.node, undefined);
  const stopped = active - left;
  return { stopped, killRest: true, what: `; ${plural(stopped, "run")} stopped, queued again` };
}

/** A node that is not stopped after all works on. */
async function confirmed(
  session: Session,
  held: HeldNode | undefined,
  question: string,
  refusal: string,
): Promise<boolean> {
  let yes = false;
  try {
    yes = await confirm(session, question, refusal);
  } finally {
    if (!yes) await held?.undo();
  }
  return yes;
}

/** Of this directory, whatever other coordinator is named. */
async function openStack(session: Session) {
  const local = { ...session.config, server: undefined, context: undefined, dirFrom: "flag" } as const;
  const { address, token } = await locate(local);
  return session.open(address, token);
}

/** It would start again what we stop. */
async function endSupervisor(stack: StackFile): Promise<void> {
  const { pid, startTime } = stack.supervisor;
  const isOurs = (each: number) => startTimeOf(each) === startTime;
  await endProcess(pid, isOurs, [
    ["SIGUSR2", 5_000],
    ["SIGKILL", 5_000],
  ]);
}

async function say(session: Session, paths: StackPaths, line: string, stoppedRuns: number): Promise<void> {
  if (session.out.isJson) await session.out.single({ json: { dir: paths.root, stoppedRuns }, lines: [], name: "" });
  else session.out.note(line);
}
