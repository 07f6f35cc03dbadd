/** The call by which a host joins. Tried until the coordinator is there; what it refuses is final. */
import { setTimeout as sleep } from "node:timers/promises";
import { Metadata } from "@grpc/grpc-js";
import { AgentServiceClient, type JoinRequest } from "../../proto/gen/runner/v1/agent.ts";
import { backoffMs } from "../../shared/kernel/backoff.ts";
import { AppError } from "../../shared/kernel/errors.ts";
import type { Token } from "../../shared/kernel/token.ts";
import { credentialsFor, TLS_NAME } from "../../shared/tls/grpc-credentials.ts";
import { tlsProblem } from "../../shared/tls/pinned.ts";
import { fromServiceError, isRetryable } from "../../shared/wire/status.ts";

export interface JoinLog {
  warn(fields: object, message: string): void;
}

export interface JoinOptions {
  /** HOST:PORT */
  readonly address: string;
  readonly joinToken: Token;
  readonly random: () => number;
  readonly logger: JoinLog;
}

const CALL_MS = 10_000;
const AGAIN = { baseMs: 500, maxMs: 10_000 };

/** Name of the host's own token. Throws AppError. */
export async function askToJoin(request: JoinRequest, options: JoinOptions): Promise<string> {
  const { address, joinToken, random, logger } = options;
  const client = new AgentServiceClient(address, credentialsFor(joinToken), { ...TLS_NAME, "grpc.enable_retries": 0 });
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${joinToken.secret}`);
  const once = () =>
    new Promise<string>((resolve, reject) => {
      client.join(request, metadata, { deadline: Date.now() + CALL_MS }, (error, response) => {
        if (error) reject(fromServiceError(error));
        else resolve(response.token);
      });
    });
  let said = "";
  try {
    for (let tries = 1; ; tries++) {
      try {
        return await once();
      } catch (error) {
        if (!(error instanceof AppError) || !isRetryable(error)) throw error;
        const fault = await tlsProblem(address, joinToken);
        if (fault) throw fault;
        if (said !== error.message) logger.warn({ reason: error.message }, "cannot join yet; it is tried again");
        said = error.message;
        await sleep(backoffMs(AGAIN, tries, random()));
      }
    }
  } finally {
    client.close();
  }
}
