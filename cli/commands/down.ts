/** `exp down`: stop the local stack, and what runs on it only when that is wanted. Leaves no process behind. */
import { AppError } from "../../shared/kernel/errors.ts";
import { EXIT } from "../exit-codes.ts";
import { locate } from "../locate.ts";
import { plural } from "../render/text.ts";
import { type Command, confirm, type Session } from "../session.ts";
import { readStack, type StackFile } from "../stack/files.ts";
import { type StackPaths, stackPaths } from "../stack/paths.ts";
import { endProcess, findParts, startTimeOf } from "../stack/processes.ts";
import { activeRuns, stopParts, stopRuns } from "../stack/stop.ts";

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
      const decision = keepRuns ? { stopped: 0, left: 0 } : await endRuns(session, stack);
      if (decision === "refused") return EXIT.refused;
      if (stack) await endSupervisor(stack);
      await stopParts(session, paths, { killRuns: !keepRuns && decision.left > 0, hurry: undefined });
      const runs = decision.stopped === 0 ? "" : `; ${plural(decision.stopped, "run")} stopped, queued again`;
      await say(session, paths, `stopped${runs}`, decision.stopped);
      return EXIT.ok;
    } finally {
      undo();
    }
  },
};

/** `left` > 0: they could not be stopped through the coordinator, so that the agent has to. */
async function endRuns(
  session: Session,
  stack: StackFile | undefined,
): Promise<{ stopped: number; left: number } | "refused"> {
  const client = stack?.grpc === undefined ? undefined : await openStack(session);
  let live: number | undefined;
  try {
    live = client && stack ? await activeRuns(client, stack.node) : undefined;
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "unavailable") throw error;
  }
  if (live === 0) return { stopped: 0, left: 0 };
  const what =
    live === undefined ? "whatever still runs (the coordinator does not answer)" : plural(live, "running run");
  if (!(await confirm(session, `stop ${what}?`, `${what} would be stopped; --keep-runs leaves them`))) {
    session.out.note("nothing was stopped; exp down --keep-runs leaves the runs alone");
    return "refused";
  }
  if (!client || !stack || live === undefined) return { stopped: 0, left: 1 };
  session.out.note(`stopping ${what}`);
  return { stopped: live, left: await stopRuns(client, stack.node, undefined) };
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
