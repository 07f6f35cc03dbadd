/**
 * Plain functions to grpc-js handlers. A refusal (AppError) becomes its status; anything else is logged here and tells
 * the caller no more than that. Streams wait for slow readers.
 */
import { once } from "node:events";
import type { handleServerStreamingCall, handleUnaryCall } from "@grpc/grpc-js";
import { AppError } from "../../shared/kernel/errors.ts";
import { type StatusError, toServiceError } from "../../shared/wire/status.ts";
import type { Caller } from "./auth.ts";
import { callerBehind } from "./guard.ts";

export interface HandlerLog {
  error(fields: object, message: string): void;
}

export function unaryHandler<Request, Response>(
  name: string,
  handle: (request: Request, caller: Caller) => Promise<Response>,
  log: HandlerLog,
): handleUnaryCall<Request, Response> {
  return (call, callback) => {
    const answer = async () => handle(call.request, callerBehind(call.metadata));
    answer().then(
      (response) => callback(null, response),
      (error: unknown) => callback(statusOf(name, error, log)),
    );
  };
}

/** `signal` is aborted when the caller has gone. */
export function streamHandler<Request, Response>(
  name: string,
  handle: (request: Request, signal: AbortSignal, caller: Caller) => AsyncIterable<Response>,
  log: HandlerLog,
): handleServerStreamingCall<Request, Response> {
  return async (call) => {
    const gone = new AbortController();
    call.on("cancelled", () => gone.abort());
    call.on("close", () => gone.abort());
    // A write after the caller left ends here; `cancelled` says it better.
    call.on("error", () => gone.abort());
    try {
      for await (const response of handle(call.request, gone.signal, callerBehind(call.metadata))) {
        if (gone.signal.aborted) break;
        if (!call.write(response)) await once(call, "drain", { signal: gone.signal });
      }
      call.end();
    } catch (error) {
      if (gone.signal.aborted) call.end();
      else call.emit("error", statusOf(name, error, log));
    }
  };
}

function statusOf(name: string, error: unknown, log: HandlerLog): StatusError {
  if (!(error instanceof AppError)) log.error({ method: name, err: error }, "call failed");
  return toServiceError(error);
}
