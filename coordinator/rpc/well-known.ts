/**
 * The services that every gRPC tool knows: health (open, for probes) and reflection (for grpcurl; behind the token as all
 * others). Health is defined here by its public interface, https://github.com/grpc/grpc/blob/master/doc/health-checking.md
 */
import { join } from "node:path";
import { type Server, type ServerWritableStream, type ServiceDefinition, status } from "@grpc/grpc-js";
import { fromJSON, loadSync, type PackageDefinition } from "@grpc/proto-loader";
import { ReflectionService } from "@grpc/reflection";

const HEALTH_SERVICE = "grpc.health.v1.Health";
const PROTO_FILES = ["runner/v1/control.proto", "runner/v1/agent.proto", "runner/v1/store.proto"];

export interface Health {
  /** Tells all who ask from now on, and those who watch. */
  set(serving: boolean): void;
}

/** Adds health; it says "not serving" until told otherwise. */
export function addHealth(server: Server, services: readonly string[]): Health {
  const names = new Set(["", ...services]);
  const watchers = new Set<ServerWritableStream<HealthRequest, HealthResponse>>();
  let answer: HealthResponse = { status: "NOT_SERVING" };
  server.addService(healthPackage()[HEALTH_SERVICE] as ServiceDefinition, {
    check(call: { request: HealthRequest }, callback: (error: object | null, response?: HealthResponse) => void) {
      if (names.has(call.request.service)) callback(null, answer);
      else callback({ code: status.NOT_FOUND, details: "unknown service" });
    },
    watch(call: ServerWritableStream<HealthRequest, HealthResponse>) {
      if (!names.has(call.request.service)) {
        call.write({ status: "SERVICE_UNKNOWN" });
        return;
      }
      watchers.add(call);
      call.on("cancelled", () => {
        watchers.delete(call);
        call.end();
      });
      call.write(answer);
    },
  });
  return {
    set(serving) {
      answer = { status: serving ? "SERVING" : "NOT_SERVING" };
      for (const call of watchers) call.write(answer);
    },
  };
}

/** Adds reflection over the interface files in `protoDir`. */
export function addReflection(server: Server, protoDir: string): void {
  const ours = loadSync(
    PROTO_FILES.map((file) => join(protoDir, file)),
    { includeDirs: [protoDir], longs: String },
  );
  new ReflectionService({ ...ours, ...healthPackage() }).addToServer(server);
}

interface HealthRequest {
  readonly service: string;
}

interface HealthResponse {
  readonly status: "SERVING" | "NOT_SERVING" | "SERVICE_UNKNOWN";
}

function healthPackage(): PackageDefinition {
  const request = { requestType: "HealthCheckRequest", responseType: "HealthCheckResponse" };
  const v1 = {
    HealthCheckRequest: { fields: { service: { type: "string", id: 1 } } },
    HealthCheckResponse: {
      fields: { status: { type: "ServingStatus", id: 1 } },
      nested: {
        ServingStatus: { values: { UNKNOWN: 0, SERVING: 1, NOT_SERVING: 2, SERVICE_UNKNOWN: 3 } },
      },
    },
    Health: { methods: { Check: request, Watch: { ...request, responseStream: true } } },
  };
  const json = { nested: { grpc: { nested: { health: { nested: { v1: { nested: v1 } } } } } } };
  // The type of protobufjs wants "fields" also of plain namespaces, which its own format does not have.
  return fromJSON(json as unknown as Parameters<typeof fromJSON>[0], { enums: String, defaults: true });
}
