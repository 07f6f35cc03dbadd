/**
 * Stopping a local stack: first the runs where that is wanted, through the coordinator; then agent, coordinator and bus, in
 * this order, so that each can still speak to the next. The same for `exp down`, Ctrl-C and a start that failed.
 */
import { rmSync } from "node:fs";
import { execa } from "execa";
import { NodeAction } from "../../proto/gen/runner/v1/control.ts";
import { AppError } from "../../shared/kernel/errors.ts";
import type { Client } from "../client.ts";
import { pause } from "../follow.ts";
import type { Session } from "../session.ts";
import { packageFile } from "./package-files.ts";
import type { StackPaths } from "./paths.ts";
import { endProcess, findParts, isPart, waitGone } from "./processes.ts";

export interface StopOptions {
  /**
   * The agent ends its runs before itself, and its warden with them. Right where no runs are left, too: without it the
   * warden stays, as it watches over runs that go on.
   */
  readonly killRuns: boolean;
  /** When it aborts, nothing is waited for any more. */
  readonly hurry: AbortSignal | undefined;
}

const RUNS_BOUND_MS = 120_000;
const AGENT_BOUND_MS = 20_000;

/** Runs that have processes on `node`. */
async function activeRuns(client: Client, node: string): Promise<number> {
  const runs = await client.listRuns({ states: ["assigned", "running", "unknown"] });
  return runs.filter((run) => run.node === node).length;
}

export interface HeldNode {
  /** Runs with processes there. No more of them start. */
  readonly active: number;
  /** Lets it work again, where it did before. */
  undo(): Promise<void>;
}

/** No new work for the node, so that a count of its runs stays true. Throws AppError where the coordinator is away. */
async function holdNode(client: Client, node: string): Promise<HeldNode> {
  const before = (await client.listNodes()).find(({ name }) => name === node);
  // A node that never joined has no runs.
  if (!before) return { active: 0, undo: async () => {} };
  await client.updateNode(node, NodeAction.NODE_ACTION_DRAIN);
  return {
    active: await activeRuns(client, node),
    async undo() {
      if (before.state !== "draining") await client.updateNode(node, NodeAction.NODE_ACTION_UNCORDON);
      if (before.state === "cordoned") await client.updateNode(node, NodeAction.NODE_ACTION_CORDON);
    },
  };
}

/** As `holdNode`; undefined where the coordinator does not answer, or there is none. */
export async function tryHoldNode(client: Client | undefined, node: string): Promise<HeldNode | undefined> {
  try {
    return client && (await holdNode(client, node));
  } catch (error) {
    if (error instanceof AppError && (error.code === "unavailable" || error.code === "timeout")) return undefined;
    throw error;
  }
}

/** Stops the runs of the node, which go back to the queue. The number still active at the bound, or in a hurry. */
export async function stopRuns(client: Client, node: string, hurry: AbortSignal | undefined): Promise<number> {
  await client.updateNode(node, NodeAction.NODE_ACTION_STOP);
  const endMs = performance.now() + RUNS_BOUND_MS;
  let left = await activeRuns(client, node);
  while (left > 0 && performance.now() < endMs && !hurry?.aborted) {
    await pause(200, hurry);
    left = await activeRuns(client, node);
  }
  return left;
}

/** Returns when no part of the directory is left. Throws AppError where one cannot be ended. */
export async function stopParts(session: Session, paths: StackPaths, options: StopOptions): Promise<void> {
  const { hurry } = options;
  const patient = (waitMs: number) => (hurry?.aborted ? 0 : waitMs);
  const { agent, coordinator, nats } = findParts(paths);
  const left: string[] = [];
  for (const pid of agent) {
    const isOurs = isPart("agent", paths);
    if (!hurry?.aborted) await askAgentToStop(session, paths, options.killRuns);
    const gone =
      (await waitGone(pid, isOurs, patient(options.killRuns ? RUNS_BOUND_MS : AGENT_BOUND_MS))) ||
      (await endProcess(pid, isOurs, [
        ["SIGTERM", patient(5_000)],
        ["SIGKILL", 5_000],
      ]));
    if (!gone) left.push(`agent ${pid}`);
  }
  for (const [name, pids] of [
    ["coordinator", coordinator],
    ["nats", nats],
  ] as const) {
    for (const pid of pids) {
      const gone = await endProcess(pid, isPart(name, paths), [
        ["SIGTERM", patient(15_000)],
        ["SIGKILL", 5_000],
      ]);
      if (!gone) left.push(`${name} ${pid}`);
    }
  }
  if (left.length > 0) throw new AppError("timeout", `not to be stopped: ${left.join(", ")}`, { id: "down.left" });
  rmSync(paths.pidsFile, { force: true });
  rmSync(paths.stackFile, { force: true });
}

/** By its local socket, which works without a coordinator. An agent that does not answer gets signals instead. */
async function askAgentToStop(session: Session, paths: StackPaths, killRuns: boolean): Promise<void> {
  const args = ["stop", "--workdir", paths.agent, ...(killRuns ? ["--kill-runs"] : [])];
  const result = await execa(packageFile("bin/exp-agent"), args, {
    env: session.config.environment,
    extendEnv: false,
    reject: false,
    timeout: 15_000,
    stdin: "ignore",
  });
  if (result.failed && session.config.debug)
    session.out.note(`exp-agent stop: ${result.stderr || result.shortMessage}`);
}
