/** Stands before every gRPC method: size of the metadata, then the token. Health alone is open. */
import { type Metadata, ServerInterceptingCall, type ServerInterceptor } from "@grpc/grpc-js";
import { AppError } from "../../shared/kernel/errors.ts";
import { toServiceError } from "../../shared/wire/status.ts";
import { addressOf, type Verifier } from "./auth.ts";
import { METADATA_BYTES_MAX } from "./limits.ts";

const OPEN_PREFIX = "/grpc.health.v1.Health/";

export function createGuard(verifier: Verifier): ServerInterceptor {
  return (method, call) =>
    new ServerInterceptingCall(call, {
      start(next) {
        next({
          onReceiveMetadata(metadata, pass) {
            const refusal = refusalOf(verifier, method.path, call.getPeer(), metadata);
            if (refusal) call.sendStatus(toServiceError(refusal));
            else pass(metadata);
          },
        });
      },
    });
}

function refusalOf(verifier: Verifier, path: string, peer: string, metadata: Metadata): AppError | undefined {
  if (metadataBytes(metadata) > METADATA_BYTES_MAX) {
    return new AppError("exhausted", `the call's metadata is larger than ${METADATA_BYTES_MAX} bytes`);
  }
  if (path.startsWith(OPEN_PREFIX)) return undefined;
  const [authorization] = metadata.get("authorization");
  switch (verifier.check(addressOf(peer), authorization?.toString())) {
    case "granted":
      return undefined;
    case "limited":
      return new AppError("exhausted", "too many failed logins from this address; wait a minute", {
        id: "auth.limited",
      });
    case "denied":
      return new AppError(
        "unauthorized",
        `the coordinator refused the token${authorization ? "" : ": none was sent"}`,
        {
          id: "auth.token",
          hint: "use the token file that the coordinator made at its first start (--token-file)",
        },
      );
  }
}

function metadataBytes(metadata: Metadata): number {
  let bytes = 0;
  for (const [key, values] of Object.entries(metadata.toJSON())) {
    for (const value of values) bytes += key.length + value.length;
  }
  return bytes;
}
