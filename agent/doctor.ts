/** What an agent needs on its host, checked one by one; each failed check says how to mend it. */
import { accessSync, constants, mkdirSync, statfsSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { formatBytes } from "../shared/kernel/bytes.ts";
import { AppError, errorMessage } from "../shared/kernel/errors.ts";
import type { Token } from "../shared/kernel/token.ts";
import { fingerprintOf, tlsProblem } from "../shared/tls/pinned.ts";
import { type AgentValues, readToken } from "./config.ts";
import { createDevices } from "./device/devices.ts";
import { askAgent } from "./local-socket.ts";
import { joinedAs } from "./own-token.ts";
import { findCgroupRoot, removeGroup } from "./process/cgroup.ts";
import { describeEngine, findEngine } from "./process/container/engine.ts";
import { pythonVersion } from "./process/python.ts";
import { wardenPid } from "./process/warden.ts";

export interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly text: string;
  /** What to do; empty when ok. */
  readonly fix: string;
}

const DISK_BYTES_MIN = 2 * 1024 ** 3;
const CONNECT_TIMEOUT_MS = 3_000;

type HostEnv = { readonly [name: string]: string | undefined };

/** `hostEnv`: the environment that the agent would have. */
export async function checkHost(values: AgentValues, hostEnv: HostEnv): Promise<Check[]> {
  return [
    checkWorkdir(values.workdir),
    checkDisk(values.workdir),
    await checkDevices(values),
    await checkTrees(values.workdir),
    await checkPython(),
    await checkContainers(values["container-engine"], hostEnv),
    checkToken(values),
    await checkCoordinator(values.coordinator),
    ...(await checkTls(values)),
    await checkAgent(values.workdir),
  ];
}

function good(name: string, text: string): Check {
  return { name, ok: true, text, fix: "" };
}

function bad(name: string, text: string, fix: string): Check {
  return { name, ok: false, text, fix };
}

function checkWorkdir(workdir: string): Check {
  try {
    mkdirSync(workdir, { recursive: true, mode: 0o700 });
    accessSync(workdir, constants.W_OK | constants.X_OK);
    return good("work directory", workdir);
  } catch (error) {
    return bad("work directory", errorMessage(error), "choose a directory you may write to: --workdir DIR");
  }
}

function checkDisk(workdir: string): Check {
  try {
    const { bavail, bsize } = statfsSync(workdir);
    const free = bavail * bsize;
    if (free >= DISK_BYTES_MIN) return good("disk", `${formatBytes(free)} free`);
    return bad("disk", `${formatBytes(free)} free`, "make room, or put --workdir on a larger disk");
  } catch (error) {
    return bad("disk", errorMessage(error), "choose another --workdir");
  }
}

async function checkDevices(values: AgentValues): Promise<Check> {
  try {
    const devices = await createDevices({ gpus: values.gpus, cpuSlots: values["cpu-slots"], nodeName: "doctor" });
    const list = await devices.list();
    await devices.close();
    const unclean = list.filter(({ health }) => health !== "clean");
    const text = `${list.filter(({ kind }) => kind === "gpu").length} GPUs, ${list.filter(({ kind }) => kind === "cpu").length} CPU slots`;
    if (unclean.length === 0) return good("devices", text);
    const reasons = unclean.map(({ index, health, reason }) => `${index} ${health}: ${reason}`).join("; ");
    return bad("devices", `${text}; not offered: ${reasons}`, "end what holds them, or leave them out: --gpus 0,1");
  } catch (error) {
    return bad("devices", errorMessage(error), "see exp-agent detect, or choose with --gpus");
  }
}

async function checkTrees(workdir: string): Promise<Check> {
  const root = await findCgroupRoot(workdir);
  if (root !== undefined) {
    removeGroup(root);
    return good("process trees", `cgroup ${root}`);
  }
  return good(
    "process trees",
    "no writable cgroup: found by session and environment; a program that leaves both escapes",
  );
}

async function checkPython(): Promise<Check> {
  const version = await pythonVersion();
  if (version !== undefined) return good("python", version);
  return bad("python", "python3 does not start", "install Python 3.8 or later, if your programs need it");
}

async function checkContainers(option: string, hostEnv: HostEnv): Promise<Check> {
  try {
    const engine = await findEngine(option, hostEnv);
    if (engine) return good("containers", `${describeEngine(engine)}, ${engine.program}`);
    return good("containers", "no engine: runs with [run] image are not placed here");
  } catch (error) {
    return bad("containers", errorMessage(error), "start or repair it, or choose another --container-engine");
  }
}

const JOIN_HINT = "where exp is: exp token join > FILE; copy it here: --join-token-file FILE";

/** As the start would choose; undefined where there is none to look at, or only on stdin. */
function tokenAtHand(values: AgentValues): { readonly from: string; readonly token: Token } | undefined {
  const own = values["token-file"] === undefined ? joinedAs(values.workdir) : undefined;
  if (own) return { from: `of this host, which joined as ${own.node}`, token: own.token };
  const path = values["token-file"] ?? values["join-token-file"];
  return path === undefined || path === "-" ? undefined : { from: path, token: readToken(path) };
}

function checkToken(values: AgentValues): Check {
  try {
    const found = tokenAtHand(values);
    return found ? good("token", found.from) : bad("token", "this host has not joined", JOIN_HINT);
  } catch (error) {
    return bad("token", errorMessage(error), (error instanceof AppError && error.hint) || JOIN_HINT);
  }
}

async function checkCoordinator(address: string | undefined): Promise<Check> {
  if (address === undefined)
    return bad("coordinator", "no --coordinator given", "say where it is: --coordinator HOST:7718");
  const { hostname, port } = new URL(`tcp://${address}`);
  return await new Promise((resolve) => {
    const socket = connect({ host: hostname.replace(/^\[|\]$/g, ""), port: Number(port), timeout: CONNECT_TIMEOUT_MS });
    const finish = (check: Check) => {
      socket.destroy();
      resolve(check);
    };
    const fix = "is it running, does it listen beyond its own machine, is a firewall between?";
    socket.once("connect", () => finish(good("coordinator", `${address} answers`)));
    socket.once("timeout", () => finish(bad("coordinator", `${address} does not answer`, fix)));
    socket.once("error", (error) => finish(bad("coordinator", errorMessage(error), fix)));
  });
}

/** Nothing where coordinator or token are missing: that is said already. */
async function checkTls(values: AgentValues): Promise<Check[]> {
  const { coordinator } = values;
  if (coordinator === undefined) return [];
  let token: Token | undefined;
  try {
    token = tokenAtHand(values)?.token;
  } catch {
    // Said already.
  }
  if (!token) return [];
  const problem = await tlsProblem(coordinator, token);
  if (problem) return [bad("tls", problem.message, problem.hint ?? "")];
  return token.certificate === undefined ? [] : [good("tls", fingerprintOf(token.certificate))];
}

async function checkAgent(workdir: string): Promise<Check> {
  try {
    await askAgent(join(workdir, "agent.sock"), "GET", "/status");
  } catch {
    return good("agent", "not running in this work directory");
  }
  if (wardenPid(workdir) !== undefined) return good("agent", "running, and so is the warden");
  return bad("agent", "running without its warden: leases are not enforced", "restart the agent");
}
