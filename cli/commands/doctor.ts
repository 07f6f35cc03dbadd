/** `exp doctor`: one line a check, with the command that mends it. Exit 1 when one is red. */
import type { ChannelState } from "../../proto/gen/runner/v1/control.ts";
import { AppError } from "../../shared/kernel/errors.ts";
import { VERSION } from "../../shared/version.ts";
import { nodeFromProto } from "../../shared/wire/views.ts";
import type { Client } from "../client.ts";
import { EXIT } from "../exit-codes.ts";
import { paint } from "../render/colour.ts";
import { escapeControl, plural } from "../render/text.ts";
import type { Command, Session } from "../session.ts";
import { readStack } from "../stack/files.ts";
import { natsServerPath } from "../stack/package-files.ts";
import { stackPaths } from "../stack/paths.ts";
import { findParts, startTimeOf } from "../stack/processes.ts";

interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly text: string;
  /** Command that mends it; empty where it is ok. */
  readonly fix: string;
}

const CLOCK_DIFFERENCE_MAX_MS = 2_000;

export const doctor: Command = {
  async run(session) {
    const checks = [
      clientCheck(),
      await natsCheck(session),
      ...(await localCheck(session)),
      ...(await serverChecks(session)),
    ];
    const { out, config } = session;
    if (out.isJson) await out.data(`${JSON.stringify(checks)}\n`);
    else await out.data(checks.map((check) => `${checkLine(check, config.color.out)}\n`).join(""));
    return checks.every(({ ok }) => ok) ? EXIT.ok : EXIT.workFailed;
  },
};

function checkLine({ ok, name, text, fix }: Check, color: boolean): string {
  const line = `${name}: ${escapeControl(text)}`;
  return ok
    ? `${paint("ok", "good", color)}   ${line}`
    : `${paint("bad", "bad", color)}  ${line}  ${paint("fix:", "strong", color)} ${fix}`;
}

function green(name: string, text: string): Check {
  return { name, ok: true, text, fix: "" };
}

function red(name: string, text: string, fix: string): Check {
  return { name, ok: false, text, fix };
}

function clientCheck(): Check {
  return green("client", `exp ${VERSION}, node ${process.version}`);
}

async function natsCheck(session: Session): Promise<Check> {
  try {
    return green("nats-server", await natsServerPath(session.config.environment, () => {}));
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return red("nats-server", error.message, "put a nats-server on PATH");
  }
}

/** Nothing where there is no local stack. */
async function localCheck(session: Session): Promise<Check[]> {
  const paths = stackPaths(session.config.dir);
  const stack = await readStack(paths);
  if (!stack) return [];
  const parts = findParts(paths);
  const missing = Object.entries(parts).flatMap(([name, pids]) => (pids.length === 0 ? [name] : []));
  const again = "exp down --keep-runs && exp up --detach";
  if (startTimeOf(stack.supervisor.pid) !== stack.supervisor.startTime) {
    return [red("local stack", "its supervisor is gone: a part that dies stays dead", again)];
  }
  return missing.length === 0
    ? [green("local stack", `${paths.root}, all parts run`)]
    : [red("local stack", `not running now: ${missing.join(", ")}`, `tail ${paths.logs}/*.log`)];
}

async function serverChecks(session: Session): Promise<Check[]> {
  try {
    const { address, origin } = await session.locate();
    const client = await session.connect();
    // The first call pays for the connection: the clock is compared in the second.
    await client.getServer();
    const startedMs = session.clock.wallMs();
    const server = await client.getServer();
    const nowMs = (startedMs + session.clock.wallMs()) / 2;
    const differenceMs = Math.round(server.now - nowMs);
    return [
      green("coordinator", `${address} (${origin}), version ${server.version}, start ${server.term}`),
      server.version === VERSION
        ? green("versions", "equal")
        : red("versions", `exp ${VERSION}, coordinator ${server.version}`, "install the same version on both"),
      server.bus === "connected"
        ? green("bus", `connected, nats-server ${server.busVersion}`)
        : red("bus", server.bus, "look at the log of the coordinator and of nats-server"),
      Math.abs(differenceMs) <= CLOCK_DIFFERENCE_MAX_MS
        ? green("clock", `${differenceMs} ms apart`)
        : red("clock", `${differenceMs} ms apart from the coordinator`, "timedatectl set-ntp true"),
      await nodesCheck(client),
      ...server.channels.map(channelCheck),
    ];
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const fix = error.code === "unauthorized" ? "exp login HOST:PORT --token-file FILE" : "exp up --detach";
    return [red("coordinator", error.message, fix)];
  }
}

/** What waits is sent again by itself; what a person can do is to look at the receiver. */
function channelCheck({ name, waiting, problem }: ChannelState): Check {
  const text = `${name}: ${waiting === 0 ? "nothing waits" : `${waiting} wait`}`;
  return problem === ""
    ? green("channel", text)
    : red("channel", `${text}; ${problem}`, "exp-coordinator channels, on its machine");
}

async function nodesCheck(client: Client): Promise<Check> {
  const nodes = (await client.listNodes()).map(nodeFromProto).filter(({ state }) => state !== "gone");
  const silent = nodes.filter(({ state }) => state === "unknown").map(({ name }) => name);
  if (nodes.length === 0)
    return red("nodes", "none has joined", "exp-agent start --coordinator HOST:PORT --token-file F");
  if (silent.length > 0) return red("nodes", `silent: ${silent.join(", ")}`, "exp-agent status on that machine");
  return green("nodes", plural(nodes.length, "node"));
}
