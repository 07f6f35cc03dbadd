/** Settings of the agent. */
import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { type Layers, type Loaded, loadConfig, type Settings } from "../shared/config.ts";
import { formatBytes, parseBytes } from "../shared/kernel/bytes.ts";
import { AppError, errorMessage } from "../shared/kernel/errors.ts";
import { type NodeName, nodeName } from "../shared/kernel/ids.ts";
import { parseToken, TOKEN_CHARACTERS_MAX, type Token } from "../shared/kernel/token.ts";
import { CPU_SLOTS_MAX } from "../shared/run/limits.ts";
import { nameProblem } from "../shared/run/names.ts";

export const AGENT_SETTINGS = {
  coordinator: { type: "text", describe: "HOST:PORT of the coordinator's gRPC port" },
  "join-token-file": {
    type: "text",
    describe: "file with a join token, for the first start; `-` reads it from stdin",
  },
  "token-file": { type: "text", describe: "file with a token that is not this host's own; `-` reads it from stdin" },
  name: { type: "text", describe: "name of this node, unique in the fleet (default: the host name)" },
  address: {
    type: "text",
    describe: "name or IP address at which other hosts reach this one, for runs on several nodes (default: found out)",
  },
  labels: { type: "list", describe: "k=v,k=v: what `exp nodes` shows and runs can ask for" },
  gpus: { type: "text", describe: "auto, none, 0,1 (indices), UUIDs, or fake:8x80GB", fallback: "auto" },
  "cpu-slots": { type: "integer", describe: "CPU slots to offer (default: one a CPU without GPUs, none with)" },
  workdir: { type: "text", describe: "directory of journal and running attempts", fallback: "./exp-agent" },
  "container-engine": {
    type: "text",
    describe: "what runs [run] image: auto (the first that works), none, docker, podman, apptainer or charliecloud",
    fallback: "auto",
  },
  "upload-rate": {
    type: "text",
    describe: "at most so many bytes of artifacts a second, such as 50MB",
    fallback: "200MB",
  },
  "python-path": {
    type: "text",
    describe: "folder put first on PYTHONPATH of each run (default: the client that ships)",
  },
  "log-level": { type: "text", describe: "trace, debug, info, warn or error", fallback: "info" },
} as const satisfies Settings;

/** Slower than this, a part would take longer than a request may. */
const RATE_BYTES_MIN = 100_000;

export type AgentValues = Loaded<typeof AGENT_SETTINGS>["values"];

/** How the coordinator knows this agent: by a token it was given, or by one of its own, which a join token gets it. */
export type Access =
  | { readonly kind: "token"; readonly token: Token }
  | { readonly kind: "own"; readonly joinTokenFile: string | undefined };

export interface AgentConfig {
  readonly coordinator: string;
  readonly access: Access;
  readonly name: NodeName;
  /** Undefined: to be found out. */
  readonly address: string | undefined;
  readonly labels: { readonly [key: string]: string };
  readonly gpus: string;
  readonly cpuSlots: number | undefined;
  readonly workdir: string;
  /** As `findEngine` takes it. */
  readonly containerEngine: string;
  /** Of artifacts, a second. */
  readonly uploadBytesPerSecond: number;
  readonly pythonPath: string;
}

export function loadAgentConfig(layers: Layers): Loaded<typeof AGENT_SETTINGS> {
  return loadConfig(AGENT_SETTINGS, layers);
}

/** Checks what only makes sense together. Throws AppError. */
export function agentConfigOf(values: AgentValues, hostName: string, clientDir: string): AgentConfig {
  const name = values.name ?? hostName;
  const problem = nameProblem(name);
  if (problem)
    throw new AppError("invalid", `the node name ${JSON.stringify(name)} ${problem}`, {
      id: "agent.name",
      hint: "choose one with --name",
    });
  const slots = values["cpu-slots"];
  if (slots !== undefined && slots > CPU_SLOTS_MAX)
    throw new AppError("invalid", `--cpu-slots ${slots}: at most ${CPU_SLOTS_MAX}`, { id: "agent.cpu-slots" });
  return {
    coordinator: addressOf(values.coordinator),
    access: accessOf(values),
    name: nodeName(name),
    address: reachedAt(values.address),
    labels: labelsOf(values.labels ?? []),
    gpus: values.gpus,
    cpuSlots: slots,
    workdir: resolve(values.workdir),
    containerEngine: values["container-engine"],
    uploadBytesPerSecond: rateOf(values["upload-rate"]),
    pythonPath: values["python-path"] ?? clientDir,
  };
}

function rateOf(text: string): number {
  const bytes = parseBytes(text);
  if (bytes !== undefined && bytes >= RATE_BYTES_MIN) return bytes;
  throw new AppError("invalid", `--upload-rate ${JSON.stringify(text)} is no size such as 50MB`, {
    id: "agent.upload-rate",
    hint: `at least ${formatBytes(RATE_BYTES_MIN)} a second`,
  });
}

function addressOf(text: string | undefined): string {
  if (text === undefined) {
    throw new AppError("invalid", "the agent needs --coordinator HOST:PORT", {
      id: "agent.coordinator",
      hint: "the coordinator's gRPC port is 7718 unless told otherwise",
    });
  }
  if (/^(\[[0-9a-fA-F:]+\]|[^\s:/]+):\d{1,5}$/.test(text)) return text;
  throw new AppError("invalid", `--coordinator ${JSON.stringify(text)} is not HOST:PORT`, { id: "agent.coordinator" });
}

function reachedAt(text: string | undefined): string | undefined {
  if (text === undefined || /^[\w.:-]+$/.test(text)) return text;
  throw new AppError("invalid", `--address ${JSON.stringify(text)} is no host name and no IP address`, {
    id: "agent.address",
    hint: "without a port, such as 10.0.0.5 or lab2.local",
  });
}

function accessOf({ "token-file": file, "join-token-file": joinTokenFile }: AgentValues): Access {
  if (file === undefined) return { kind: "own", joinTokenFile };
  if (joinTokenFile === undefined) return { kind: "token", token: readToken(file) };
  throw new AppError("invalid", "--token-file and --join-token-file are two ways to say who this is; give one", {
    id: "agent.token",
    hint: "a join token is for the first start; a host that has joined needs neither",
  });
}

/** Throws AppError. */
export function readToken(path: string): Token {
  let text: string;
  try {
    if (path !== "-" && (statSync(path).mode & 0o077) !== 0) {
      throw new AppError("unauthorized", `the token file ${path} can be read by others`, {
        id: "token.mode",
        hint: `chmod 600 ${path}`,
      });
    }
    text = readFileSync(path === "-" ? 0 : path, "utf8").trim();
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError("invalid", `cannot read the token file ${path}: ${errorMessage(error)}`, {
      id: "agent.token",
      cause: error,
    });
  }
  if (!/^[\x21-\x7e]{8,}$/.test(text) || text.length > TOKEN_CHARACTERS_MAX)
    throw new AppError("invalid", `the token file ${path} holds no token`, { id: "agent.token" });
  return parseToken(text);
}

function labelsOf(pairs: readonly string[]): { [key: string]: string } {
  const labels: [string, string][] = pairs.map((pair) => {
    const match = /^([A-Za-z0-9][A-Za-z0-9._/-]{0,62})=([\x20-\x7e]{0,255})$/.exec(pair);
    if (!match)
      throw new AppError("invalid", `the label ${JSON.stringify(pair)} is not key=value`, { id: "agent.label" });
    return [match[1] ?? "", match[2] ?? ""];
  });
  return Object.fromEntries(labels);
}
