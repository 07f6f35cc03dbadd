/** Settings of the coordinator. */
import { X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { z } from "zod";
import type { Layers, Settings } from "../shared/config.ts";
import { type Loaded, loadConfig } from "../shared/config.ts";
import { isLoopback } from "../shared/kernel/addresses.ts";
import { AppError, errorMessage } from "../shared/kernel/errors.ts";
import type { CoreSettings } from "./core/settings.ts";
import { DEFAULT_SETTINGS, SHORT_RUN_MS_MAX } from "./core/settings.ts";
import { type ChannelsFile, readChannels } from "./outbox/channels-file.ts";

export const COORDINATOR_SETTINGS = {
  data: { type: "text", describe: "directory of the store and the token", fallback: "./coordinator-data" },
  results: { type: "text", describe: "directory of the runs' results (default: DATA/results)" },
  host: { type: "text", describe: "address to listen on", fallback: "127.0.0.1" },
  "http-port": { type: "integer", describe: "port of dashboard and HTTP API; 0: any free one", fallback: 7717 },
  "grpc-port": { type: "integer", describe: "port for agents and exp; 0: any free one", fallback: 7718 },
  "bus-credentials": { type: "text", describe: "JSON file with NATS servers and the users of coordinator and agents" },
  channels: { type: "text", describe: "TOML file of channels for messages and tables (default: DATA/channels.toml)" },
  tls: { type: "flag", describe: "speak TLS, with a certificate that the token names", fallback: false },
  "insecure-lan": {
    type: "flag",
    describe: "listen beyond this machine without TLS: for a trusted network",
    fallback: false,
  },
  "allowed-host": { type: "list", describe: "further Host names under which browsers may reach the dashboard" },
  lease: { type: "duration", describe: "how long a silent host keeps its runs", fallback: "40m" },
  heartbeat: { type: "duration", describe: "how often agents report", fallback: "2s" },
  "unknown-after": { type: "duration", describe: "silence after which a node is shown as unknown", fallback: "30s" },
  "kill-time": { type: "duration", describe: "time a host may need to kill a run after its lease", fallback: "40s" },
  "retry-delay": {
    type: "duration",
    describe: "wait before the first further attempt of a run; doubles",
    fallback: "1s",
  },
  "short-run": {
    type: "duration",
    describe: "where no run of a sweep takes longer, the next waits at the host already; 0s: never",
    fallback: "1s",
  },
  "bus-bytes-max": { type: "integer", describe: "bytes of output that may wait on the bus", fallback: 2 * 1024 ** 3 },
  "log-level": { type: "text", describe: "trace, debug, info, warn or error", fallback: "info" },
} as const satisfies Settings;

export type CoordinatorValues = Loaded<typeof COORDINATOR_SETTINGS>["values"];

export interface BusCredentials {
  readonly servers: readonly string[];
  /** PEM of the bus's own certificate; undefined: that of a tls:// server is judged as the system does. */
  readonly certificate: string | undefined;
  readonly coordinator: { readonly user: string; readonly password: string };
  readonly agent: { readonly user: string; readonly password: string };
}

export interface CoordinatorConfig {
  readonly dataDir: string;
  readonly resultsDir: string;
  readonly host: string;
  /** Names for its certificate; undefined: without TLS. */
  readonly tls: readonly string[] | undefined;
  readonly httpPort: number;
  readonly grpcPort: number;
  readonly bus: BusCredentials;
  readonly busBytesMax: number;
  readonly allowedHosts: readonly string[];
  readonly channels: ChannelsFile;
  readonly core: CoreSettings;
}

export function loadCoordinatorConfig(layers: Layers): Loaded<typeof COORDINATOR_SETTINGS> {
  return loadConfig(COORDINATOR_SETTINGS, layers);
}

/** Checks what only makes sense together. Throws AppError. */
export function coordinatorConfigOf(values: CoordinatorValues): CoordinatorConfig {
  const dataDir = resolve(values.data);
  if (!isLoopback(values.host) && !values.tls && !values["insecure-lan"]) {
    throw new AppError(
      "invalid",
      `listening on ${values.host} without TLS would show token and output to the network`,
      {
        id: "net.insecure",
        hint: "say --tls; or listen on 127.0.0.1; or say --insecure-lan on a network you trust",
      },
    );
  }
  const file = values["bus-credentials"];
  if (file === undefined) {
    throw new AppError("invalid", "the coordinator needs --bus-credentials FILE", {
      id: "bus.no-credentials",
      hint: "deploy/README.md shows the file; `exp up` makes everything for one machine",
    });
  }
  return {
    dataDir,
    resultsDir: values.results === undefined ? join(dataDir, "results") : resolve(values.results),
    host: values.host,
    tls: values.tls ? certificateNames(values) : undefined,
    httpPort: values["http-port"],
    grpcPort: values["grpc-port"],
    bus: readBusCredentials(file),
    busBytesMax: values["bus-bytes-max"],
    allowedHosts: values["allowed-host"] ?? [],
    channels: channelsOf(values),
    core: {
      heartbeatMs: atLeast("heartbeat", values.heartbeat, 50),
      unknownAfterMs: atLeast("unknown-after", values["unknown-after"], values.heartbeat * 2),
      leaseMs: atLeast("lease", values.lease, values.heartbeat * 3),
      killMs: values["kill-time"],
      retryBackoff: { ...DEFAULT_SETTINGS.retryBackoff, baseMs: values["retry-delay"] },
      shortRunMs: atMost("short-run", values["short-run"], SHORT_RUN_MS_MAX),
    },
  };
}

/** What browsers may call it, besides what the host calls itself. */
export function certificateNames({ host, "allowed-host": allowed = [] }: CoordinatorValues): string[] {
  return [host, ...allowed];
}

/** Throws AppError for a file of channels that is not one. */
export function channelsOf({ channels, data }: Pick<CoordinatorValues, "channels" | "data">): ChannelsFile {
  return readChannels(channels ?? join(resolve(data), "channels.toml"), channels !== undefined);
}

const USER = z.strictObject({ user: z.string().min(1), password: z.string().min(1) });
const CREDENTIALS = z.strictObject({
  servers: z.array(z.string().min(1)).min(1),
  coordinator: USER,
  agent: USER,
  /** Path of a PEM file, from the directory of this one. */
  certificate: z.string().min(1).optional(),
});

function readBusCredentials(path: string): BusCredentials {
  const wrong = (what: string, hint?: string) =>
    new AppError(
      "invalid",
      `${path}: ${what}`,
      hint === undefined ? { id: "bus.credentials" } : { id: "bus.credentials", hint },
    );
  let text: string;
  try {
    if ((statSync(path).mode & 0o077) !== 0) throw wrong("readable by others", `chmod 600 ${path}`);
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw wrong(errorMessage(error));
  }
  try {
    const parsed = CREDENTIALS.safeParse(JSON.parse(text));
    if (parsed.success) return { ...parsed.data, certificate: readCertificate(path, parsed.data.certificate) };
    throw wrong(parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`)[0] ?? "not valid");
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw wrong("is not JSON");
  }
}

/** Throws AppError for a file that is not there, or holds no certificate. */
function readCertificate(credentials: string, path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  try {
    return new X509Certificate(readFileSync(resolve(dirname(credentials), path))).toString();
  } catch (error) {
    throw new AppError("invalid", `${credentials}: certificate ${path}: ${errorMessage(error)}`, {
      id: "bus.credentials",
    });
  }
}

function atMost(key: string, valueMs: number, maximumMs: number): number {
  if (valueMs <= maximumMs) return valueMs;
  throw new AppError("invalid", `${key} must be at most ${maximumMs}ms`, { id: "config.value" });
}

function atLeast(key: string, valueMs: number, minimumMs: number): number {
  if (valueMs >= minimumMs) return valueMs;
  throw new AppError("invalid", `${key} must be at least ${minimumMs}ms`, { id: "config.value" });
}
