/**
 * A real gRPC server for tests of the command line: each test says what the calls it needs answer; any other call is
 * refused. What was asked is kept.
 */
import {
  type Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { Device, DeviceHealth, DeviceKind, RunState } from "../../proto/gen/runner/v1/common.ts";
import {
  ControlServiceService,
  GetRecordResponse,
  GetServerResponse,
  Node,
  Run,
  Sweep,
} from "../../proto/gen/runner/v1/control.ts";
import { AppError } from "../../shared/kernel/errors.ts";
import { toServiceError } from "../../shared/wire/status.ts";

export const TEST_TOKEN = "token-of-a-test";

/** By method: the answer, or the parts of a stream. Throws AppError to refuse. */
export type Answers = { readonly [method in keyof typeof ControlServiceService]?: (request: never) => unknown };

export interface ControlServer extends AsyncDisposable {
  readonly address: string;
  /** Method and request of each call, in order. */
  readonly calls: readonly { readonly method: string; readonly request: unknown }[];
}

/** What every test may be asked about. */
const DEFAULTS: Answers = { getRecord: () => GetRecordResponse.fromPartial({}), listArtifacts: async function* () {} };

/** Listens on a free port of the loopback, and answers only who brings the token. */
export async function startControlServer(answers: Answers): Promise<ControlServer> {
  const calls: { readonly method: string; request: unknown }[] = [];
  const server = new Server();
  const service: UntypedServiceImplementation = {};
  for (const [method, definition] of Object.entries(ControlServiceService)) {
    const known = { ...DEFAULTS, ...answers } as { [method: string]: unknown };
    const answer = known[method] as ((request: unknown) => unknown) | undefined;
    const tokenOf = (call: { metadata: Metadata }) => call.metadata.get("authorization")[0];
    const reply = (request: unknown, token: unknown): unknown => {
      calls.push({ method, request });
      if (token !== `Bearer ${TEST_TOKEN}`) throw new AppError("unauthorized", "wrong token", { id: "auth.token" });
      if (!answer) throw new AppError("internal", `the test did not expect ${method}`);
      return answer(request);
    };
    service[method] = definition.responseStream
      ? async (call: ServerWritableStream<unknown, unknown>) => {
          try {
            const parts = (await reply(call.request, tokenOf(call))) as AsyncIterable<unknown>;
            for await (const part of parts) call.write(part);
            call.end();
          } catch (error) {
            call.emit("error", toServiceError(error));
          }
        }
      : (call: ServerUnaryCall<unknown, unknown>, done: sendUnaryData<unknown>) => {
          try {
            done(null, reply(call.request, tokenOf(call)));
          } catch (error) {
            done(toServiceError(error));
          }
        };
  }
  server.addService(ControlServiceService, service);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return {
    address: `127.0.0.1:${port}`,
    calls,
    async [Symbol.asyncDispose]() {
      server.forceShutdown();
    },
  };
}

export const AT = Date.UTC(2026, 0, 31, 12, 0, 0);

export function aRun(index: number, more: Partial<Run> = {}): Run {
  return Run.fromPartial({
    id: `run_${String(index).padStart(26, "0")}`,
    ref: `digits.1.${index}`,
    sweep: "digits.1",
    index,
    state: RunState.RUN_STATE_SUCCEEDED,
    paramsJson: `{"lr":0.${index},"depth":2}`,
    attempt: 1,
    fence: index,
    node: "gpu-01",
    devices: ["GPU-a"],
    exitCode: 0,
    createdAt: AT,
    startedAt: AT + 1000,
    finishedAt: AT + 61_000,
    metrics: { acc: 0.9 + index / 1000 },
    sealed: true,
    ...more,
  });
}

export function aSweep(more: Partial<Sweep> = {}): Sweep {
  return Sweep.fromPartial({
    ref: "digits.1",
    name: "digits",
    state: "succeeded",
    total: 2,
    counts: { succeeded: 2 },
    createdAt: AT,
    objective: { metric: "acc", goal: "maximize" },
    ...more,
  });
}

export function aNode(more: Partial<Node> = {}): Node {
  const device = Device.fromPartial({
    uuid: "GPU-a",
    index: 3,
    kind: DeviceKind.DEVICE_KIND_GPU,
    model: "A100",
    memoryBytes: 80e9,
    health: DeviceHealth.DEVICE_HEALTH_CLEAN,
  });
  return Node.fromPartial({
    name: "gpu-01",
    state: "ready",
    devices: [{ device, state: "busy", runs: ["digits.1.1", "digits.1.2"], heldMilli: 750 }],
    seenAt: AT,
    version: "0.1.0",
    cpuCount: 8,
    memoryBytes: 64e9,
    ...more,
  });
}

export function aServer(more: Partial<GetServerResponse> = {}): GetServerResponse {
  return GetServerResponse.fromPartial({ version: "0.1.0", bus: "connected", term: 1, now: Date.now(), ...more });
}
