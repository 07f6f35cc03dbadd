/** ListNodes: every node that was ever seen, by name. */
import type { ListNodesRequest, ListNodesResponse } from "../../../proto/gen/runner/v1/control.ts";
import { nodeToProto } from "../../../shared/wire/views.ts";
import { listNodes as readNodes } from "../../store/queries/nodes.ts";
import type { ReadDeps } from "./deps.ts";

export const listNodes =
  (deps: ReadDeps) =>
  async (_request: ListNodesRequest): Promise<ListNodesResponse> => {
    const now = { wallMs: deps.clock.wallMs(), monotonicMs: deps.clock.monotonicMs() };
    return { nodes: readNodes(deps.cluster, now).map(nodeToProto) };
  };
