/** GetServer: who answers here, and how it is. */
import type { GetServerRequest, GetServerResponse } from "../../../proto/gen/runner/v1/control.ts";
import { listNodes } from "../../store/queries/nodes.ts";
import type { ReadDeps } from "./deps.ts";

export const getServer =
  (deps: ReadDeps) =>
  async (_request: GetServerRequest): Promise<GetServerResponse> => {
    const now = { wallMs: deps.clock.wallMs(), monotonicMs: deps.clock.monotonicMs() };
    const bus = deps.health();
    return {
      version: deps.version,
      storeId: deps.cluster.storeId,
      term: deps.cluster.term,
      bus: bus.connected ? "connected" : bus.reason || "not connected",
      busVersion: bus.serverVersion,
      httpAddress: deps.addresses().http,
      liveRuns: deps.cluster.runs.size,
      nodesReady: listNodes(deps.cluster, now).filter(({ state }) => state === "ready").length,
      resultsDir: deps.resultsRoot,
      now: now.wallMs,
      channels: deps.channels().map((channel) => ({ ...channel })),
    };
  };
