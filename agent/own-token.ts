/**
 * The token that a host has of its own. With a join token it asks for one, once: the secret is drawn here and lies on disk before
 * it is sent, so a host that is killed anywhere in between asks again with the same secret and is the one that joined. It is
 * never printed or carried by hand; the coordinator keeps its hash.
 */
import { createHash, randomBytes } from "node:crypto";
import { existsSync, readFileSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { AppError, errorMessage } from "../shared/kernel/errors.ts";
import { formatToken, parseToken, type Token } from "../shared/kernel/token.ts";
import { writeWholeFile } from "../shared/write-whole.ts";
import { type Access, readToken } from "./config.ts";
import { askToJoin, type JoinLog } from "./session/join.ts";

export interface TokenOptions {
  readonly access: Access;
  /** HOST:PORT */
  readonly address: string;
  readonly workdir: string;
  /** Of the node. */
  readonly name: string;
  readonly agentId: string;
  readonly random: () => number;
  readonly logger: JoinLog & { info(fields: object, message: string): void };
}

const OWN_FILE = "own-token.json";
/** Drawn and perhaps sent: it is the host's own from when the coordinator has said so. */
const ASKED_FILE = "own-token.asked.json";
const SECRET_BYTES = 32;

const OWN = z.strictObject({
  token: z.string().min(1),
  node: z.string(),
  agentId: z.string(),
  /** SHA-256 of the join token's secret: the same one says nothing new. */
  joinedWith: z.string(),
});

type OwnToken = z.infer<typeof OWN>;

/** The token that this host speaks with. Waits while the coordinator is away. Throws AppError where it may not join. */
export async function tokenOf(options: TokenOptions): Promise<Token> {
  const { access, workdir, logger } = options;
  if (access.kind === "token") return access.token;
  const own = readOwn(join(workdir, OWN_FILE));
  if (own) assertName(own, options);
  const { joinTokenFile: file } = access;
  if (!own) {
    if (file === undefined) throw noToken();
    return joinWith(readToken(file), options);
  }
  try {
    const joinToken = file === undefined || (file !== "-" && !existsSync(file)) ? undefined : readToken(file);
    if (joinToken && hashOf(joinToken) !== own.joinedWith) return await joinWith(joinToken, options);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    logger.warn({ reason: error.message }, "the join token is of no use; this host goes on with the token that it has");
  }
  if (own.agentId !== options.agentId) {
    throw new AppError("invalid", `the journal in ${workdir} is not the one of the host that joined`, {
      id: "agent.own-token",
      hint: `let it join again: exp token join ${own.node}, and --join-token-file`,
    });
  }
  return parseToken(own.token);
}

/** Name of the node that joined from a work directory; undefined where none has. Throws AppError for a file that is damaged. */
export function joinedAs(workdir: string): { readonly node: string; readonly token: Token } | undefined {
  const own = readOwn(join(workdir, OWN_FILE));
  return own && { node: own.node, token: parseToken(own.token) };
}

async function joinWith(joinToken: Token, options: TokenOptions): Promise<Token> {
  const { address, workdir, name, agentId, random, logger } = options;
  const asked = askedBefore(joinToken, options);
  writeWholeFile(join(workdir, ASKED_FILE), `${JSON.stringify(asked)}\n`, 0o600);
  const token = parseToken(asked.token);
  const request = { agentId, name, secret: token.secret };
  const joined = await askToJoin(request, { address, joinToken, random, logger });
  renameSync(join(workdir, ASKED_FILE), join(workdir, OWN_FILE));
  logger.info({ token: joined, node: name }, "this host has joined, and needs no join token any more");
  return token;
}

/** What was asked for before with the same join token, or a new secret. */
function askedBefore(joinToken: Token, { workdir, name, agentId }: TokenOptions): OwnToken {
  const joinedWith = hashOf(joinToken);
  const before = readOwn(join(workdir, ASKED_FILE));
  if (before?.joinedWith === joinedWith && before.node === name && before.agentId === agentId) return before;
  const secret = randomBytes(SECRET_BYTES).toString("base64url");
  return { token: formatToken({ secret, certificate: joinToken.certificate }), node: name, agentId, joinedWith };
}

function readOwn(path: string): OwnToken | undefined {
  if (!existsSync(path)) return undefined;
  if ((statSync(path).mode & 0o077) !== 0) {
    throw new AppError("unauthorized", `the token file ${path} can be read by others`, {
      id: "token.mode",
      hint: `chmod 600 ${path}`,
    });
  }
  try {
    return OWN.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (error) {
    throw new AppError("invalid", `${path} is damaged: ${errorMessage(error).split("\n")[0] ?? ""}`, {
      id: "agent.own-token",
      hint: "remove it, and let the host join again: exp token join NODE, and --join-token-file",
      cause: error,
    });
  }
}

function assertName({ node }: OwnToken, { name, workdir }: TokenOptions): void {
  if (node === name) return;
  throw new AppError("invalid", `the host in ${workdir} has joined as ${node}, and is started as ${name}`, {
    id: "agent.own-token",
    hint: `say --name ${node}; or give ${name} a --workdir and a join token of its own`,
  });
}

function noToken(): AppError {
  return new AppError("invalid", "this host has not joined: the agent needs --join-token-file FILE", {
    id: "agent.token",
    hint: "where exp is: exp token join > FILE; copy it here and chmod 600 it",
  });
}

function hashOf({ secret }: Token): string {
  return createHash("sha256").update(secret, "utf8").digest("hex");
}
