/**
 * Which coordinator a command speaks to. A flag wins over the environment, that over what lies about: the local stack
 * in ./.exp, then the saved context in use.
 */
import { readFile } from "node:fs/promises";
import { relative, resolve } from "node:path";
import { AppError, systemCode } from "../shared/kernel/errors.ts";
import type { Config } from "./config.ts";
import { type Contexts, loadContexts, type SavedContext } from "./contexts.ts";
import { readStack } from "./stack/files.ts";
import { stackPaths } from "./stack/paths.ts";

export interface Target {
  readonly address: string;
  /** Undefined: no token; the coordinator will say that it wants one. */
  readonly token: string | undefined;
  /** Where the address is from, for `exp doctor`. */
  readonly origin: string;
  /** Named by the user for this command, rather than found. */
  readonly explicit: boolean;
}

/** Throws AppError: unavailable where there is no coordinator to speak to, unauthorized where the token cannot be read. */
export async function locate(config: Config): Promise<Target> {
  for (const from of ["flag", "env"] as const) {
    if (config.server?.from === from) return fromAddress(config, config.server.value, from);
    if (config.context?.from === from) return fromContext(config, config.context.value, true);
    if (config.dirFrom === from) return required(await fromDirectory(config), config);
  }
  const local = await fromDirectory(config);
  if (local) return local;
  const { data } = await loadContexts(config.contextsFile);
  if (data.current !== undefined) return fromContext(config, data.current, false);
  throw new AppError("unavailable", `no coordinator: no local stack in ${shortPath(config)} and no saved context`, {
    id: "server.none",
    hint: "exp up starts one here; exp login HOST:PORT remembers one elsewhere",
  });
}

/** Throws AppError (unauthorized) where the file cannot be read or is empty. */
export async function readTokenFile(path: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw new AppError("unauthorized", `token file ${path} cannot be read (${systemCode(error) ?? "unknown"})`, {
      id: "token.file",
      cause: error,
    });
  }
  const token = text.trim();
  if (token === "") throw new AppError("unauthorized", `token file ${path} is empty`, { id: "token.file" });
  return token;
}

/** "host:port" with both parts, else AppError (invalid). */
export function checkAddress(address: string): string {
  const bare = address.replace(/^(?:grpc|https?):\/\//, "").replace(/\/$/, "");
  const port = Number(/^(?:\[[0-9a-fA-F:.]+\]|[^\s:/@]+):(\d{1,5})$/.exec(bare)?.[1]);
  if (!(port >= 1 && port <= 65_535)) {
    throw new AppError("invalid", `"${address}" is not an address`, {
      id: "usage",
      hint: "write HOST:PORT, such as gpu-01:7718",
    });
  }
  return bare;
}

async function fromAddress(config: Config, server: string, from: "flag" | "env"): Promise<Target> {
  const address = checkAddress(server);
  const origin = from === "flag" ? "--server" : "EXP_SERVER";
  const token = (await tokenGiven(config)) ?? (await savedTokenFor(config, address));
  return { address, token, origin, explicit: true };
}

async function fromContext(config: Config, name: string, explicit: boolean): Promise<Target> {
  const { data } = await loadContexts(config.contextsFile);
  const saved = contextNamed(data, name);
  const token = (await tokenGiven(config)) ?? (await savedToken(saved));
  return { address: saved.address, token, origin: `context ${name}`, explicit };
}

/** Throws AppError (not_found) that names the contexts there are. */
export function contextNamed(contexts: Contexts, name: string): SavedContext {
  const saved = Object.hasOwn(contexts.contexts, name) ? contexts.contexts[name] : undefined;
  if (saved) return saved;
  const names = Object.keys(contexts.contexts);
  throw new AppError("not_found", `no context "${name}"`, {
    id: "context.unknown",
    hint: names.length === 0 ? "exp login HOST:PORT makes one" : `there are: ${names.join(", ")}`,
  });
}

async function fromDirectory(config: Config): Promise<Target | undefined> {
  const stack = await readStack(stackPaths(config.dir));
  if (!stack?.grpc) return undefined;
  const token = (await tokenGiven(config)) ?? (await readTokenFile(stack.tokenFile));
  return {
    address: stack.grpc,
    token,
    origin: `local stack ${shortPath(config)}`,
    explicit: config.dirFrom !== "default",
  };
}

async function tokenGiven(config: Config): Promise<string | undefined> {
  if (config.tokenFile !== undefined) return readTokenFile(resolve(config.cwd, config.tokenFile));
  return config.token;
}

async function savedTokenFor(config: Config, address: string): Promise<string | undefined> {
  const { data } = await loadContexts(config.contextsFile);
  const saved = Object.values(data.contexts).find((context) => context.address === address);
  return saved && savedToken(saved);
}

async function savedToken(saved: SavedContext): Promise<string | undefined> {
  return saved.tokenFile === undefined ? saved.token : readTokenFile(saved.tokenFile);
}

function required(target: Target | undefined, config: Config): Target {
  if (target) return target;
  throw new AppError("unavailable", `no local stack in ${shortPath(config)}`, {
    id: "server.none",
    hint: `${config.dirFrom === "env" ? "EXP_DIR names it; " : ""}exp up --dir ${shortPath(config)} starts one`,
  });
}

function shortPath(config: Config): string {
  const path = relative(config.cwd, config.dir);
  return path === "" || path.startsWith("..") ? config.dir : `./${path}`;
}
