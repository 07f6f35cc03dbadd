/** When a part of a local stack can be used, and why not when it cannot. */
import { connect } from "node:net";
import { NodeAction } from "../../proto/gen/runner/v1/control.ts";
import { AppError } from "../../shared/kernel/errors.ts";
import type { Client } from "../client.ts";
import { EXIT } from "../exit-codes.ts";
import { pause } from "../follow.ts";
import { lastLines } from "./files.ts";
import type { Part } from "./part.ts";

/** What `look` finds. Throws AppError when the part dies before, the bound passes, or `stop` aborts. */
export async function ready<T>(
  part: Part,
  look: () => Promise<T | undefined>,
  boundMs: number,
  stop: AbortSignal,
): Promise<T> {
  const endMs = performance.now() + boundMs;
  while (true) {
    if (stop.aborted) throw new AppError("conflict", "interrupted; nothing was left running", { id: "up.interrupted" });
    const found = await look();
    if (found !== undefined) return found;
    const late = performance.now() > endMs;
    if (part.death !== undefined || late) {
      // A part that refuses its settings says so in one line, with what to do in the next.
      const said = lastLines(part.logFile, 5);
      const line = said.findLast((each) => each.includes("error[")) ?? said.at(-1) ?? "it said nothing";
      const how = part.death?.text ?? `is not ready after ${boundMs / 1000}s`;
      throw new AppError(
        part.death?.code === EXIT.usage ? "invalid" : "unavailable",
        `${part.name} ${how}: ${messageOf(line)}`,
        {
          id: `up.${part.name}`,
          hint: `log: ${part.logFile}`,
        },
      );
    }
    await pause(25, stop);
  }
}

/** A NATS server speaks first: "INFO {…}". */
export function answersAsNats(address: string): Promise<true | undefined> {
  const at = address.lastIndexOf(":");
  return new Promise((resolve) => {
    const socket = connect({ host: address.slice(0, at).replace(/^\[|\]$/g, ""), port: Number(address.slice(at + 1)) });
    const finish = (found: true | undefined) => {
      socket.destroy();
      resolve(found);
    };
    socket.setTimeout(1_000, () => finish(undefined));
    socket.once("error", () => finish(undefined));
    socket.once("data", (data) => finish(data.toString("latin1").startsWith("INFO ") ? true : undefined));
  });
}

/** Also takes back the drain of an earlier `exp down`. */
export async function hasJoined(client: Client, name: string): Promise<true | undefined> {
  try {
    const node = (await client.listNodes()).find((each) => each.name === name);
    if (!node || node.state === "unknown" || node.state === "gone") return undefined;
    if (node.state === "draining") await client.updateNode(name, NodeAction.NODE_ACTION_UNCORDON);
    return true;
  } catch (error) {
    if (error instanceof AppError && error.code === "unavailable") return undefined;
    throw error;
  }
}

/** Parts log JSON lines; people want the text of the last. */
function messageOf(line: string): string {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === "object" && value !== null && "msg" in value) {
      const { msg, error } = value as { msg: unknown; error?: unknown };
      return [msg, error].filter((part) => typeof part === "string").join(": ");
    }
  } catch {
    // Not JSON: as it is.
  }
  return line.replace(/^exp-\w+: error\[[^\]]*\]: /, "").trim();
}
