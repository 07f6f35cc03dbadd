/** Stands before every gRPC method: size of the metadata, then the token, then its role. Health alone is open. */
import { type Metadata, ServerInterceptingCall, type ServerInterceptor } from "@grpc/grpc-js";
import { required } from "../../shared/kernel/assert.ts";
import { AppError } from "../../shared/kernel/errors.ts";
import { type CallerRole, JOIN_ROLE, mayCall } from "../../shared/run/roles.ts";
import { toServiceError } from "../../shared/wire/status.ts";
import { addressOf, type Caller, type Verifier } from "./auth.ts";
import { METADATA_BYTES_MAX } from "./limits.ts";
import { rolesOfMethod } from "./roles.ts";

const OPEN_PREFIX = "/grpc.health.v1.Health/";
/** By the metadata of a call, which is the one thing that its handler has of it too. */
const callers = new WeakMap<Metadata, Caller>();

/** Who makes a call that was let through. Throws where nobody was asked: such a call is answered with an error, never served. */
export function callerBehind(metadata: Metadata): Caller {
  return required(callers.get(metadata), "the caller of a call that was let through");
}

export function createGuard(verifier: Verifier): ServerInterceptor {
  return (method, call) => {
    let unwatch = () => {};
    return new ServerInterceptingCall(call, {
      start(next) {
        next({
          onReceiveMetadata(metadata, pass) {
            const found = callerOf(verifier, method.path, call.getPeer(), metadata);
            if (found instanceof AppError) return call.sendStatus(toServiceError(found));
            if (found) {
              callers.set(metadata, found);
              unwatch = verifier.watch(found, (why) => call.sendStatus(toServiceError(over(why))));
            }
            pass(metadata);
          },
          onCancel() {
            unwatch();
          },
        });
      },
      sendStatus(status, next) {
        unwatch();
        next(status);
      },
    });
  };
}

function over(why: string): AppError {
  return new AppError("unauthorized", why, { id: "auth.token" });
}

/** Who calls; undefined where nobody needs to say; or why not. */
function callerOf(verifier: Verifier, path: string, peer: string, metadata: Metadata): Caller | AppError | undefined {
  if (metadataBytes(metadata) > METADATA_BYTES_MAX) {
    return new AppError("exhausted", `the call's metadata is larger than ${METADATA_BYTES_MAX} bytes`);
  }
  if (path.startsWith(OPEN_PREFIX)) return undefined;
  const [authorization] = metadata.get("authorization");
  const access = verifier.check(addressOf(peer), authorization?.toString());
  switch (access.kind) {
    case "granted": {
      const roles = rolesOfMethod(path);
      if (roles && mayCall(access.caller.role, roles)) return access.caller;
      return forbidden(access.caller, path.slice(path.lastIndexOf("/") + 1), roles ?? []);
    }
    case "limited":
      return new AppError("exhausted", "too many failed logins from this address; wait a minute", {
        id: "auth.limited",
      });
    case "denied":
      if (rolesOfMethod(path)?.includes(JOIN_ROLE)) {
        return new AppError("unauthorized", "the coordinator does not know this join token", {
          id: "join.over",
          hint: "it was revoked, or is another coordinator's; make another: exp token join",
        });
      }
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

/** `what`: the method or the address that was asked for. */
export function forbidden({ name, role }: Caller, what: string, roles: readonly CallerRole[]): AppError {
  const whose = name === "" ? "the coordinator's own token" : `the token ${name}`;
  return new AppError("forbidden", `${whose} has the role ${role}, which may not call ${what}`, {
    id: "auth.role",
    hint: mended(role, roles),
  });
}

function mended(role: CallerRole, roles: readonly CallerRole[]): string {
  if (role === JOIN_ROLE) return "it is for the first start of an agent: exp-agent start --join-token-file FILE";
  if (roles.includes(JOIN_ROLE)) return "that takes a join token: exp token join";
  return `that takes a token with the role ${[...roles, "admin"].join(" or ")}: exp token create NAME --role ROLE`;
}

function metadataBytes(metadata: Metadata): number {
  let bytes = 0;
  for (const [key, values] of Object.entries(metadata.toJSON())) {
    for (const value of values) bytes += key.length + value.length;
  }
  return bytes;
}
