/** UpdateNode: cordon, uncordon, drain, stop. */

import { NodeAction, type UpdateNodeRequest, type UpdateNodeResponse } from "../../../proto/gen/runner/v1/control.ts";
import { AppError } from "../../../shared/kernel/errors.ts";
import { nodeName } from "../../../shared/kernel/ids.ts";
import { nearest } from "../../../shared/kernel/nearest.ts";
import { nodeToProto } from "../../../shared/wire/views.ts";
import type { NodeAction as Action } from "../../core/events.ts";
import { listNodes } from "../../store/queries/nodes.ts";
import type { Caller } from "../auth.ts";
import type { WriteDeps } from "./deps-write.ts";

const ACTIONS: ReadonlyMap<NodeAction, Action> = new Map<NodeAction, Action>([
  [NodeAction.NODE_ACTION_CORDON, "cordon"],
  [NodeAction.NODE_ACTION_UNCORDON, "uncordon"],
  [NodeAction.NODE_ACTION_DRAIN, "drain"],
  [NodeAction.NODE_ACTION_STOP, "stop"],
]);

export const updateNode =
  (deps: WriteDeps) =>
  async (request: UpdateNodeRequest, caller: Caller): Promise<UpdateNodeResponse> => {
    const action = ACTIONS.get(request.action);
    if (!action) throw new AppError("invalid", "the request names no action", { id: "node.action" });
    const name = nodeName(request.name);
    const { cluster } = deps.engine;
    if (!cluster.nodes.has(name)) {
      const close = nearest(request.name, cluster.nodes.keys(), 3);
      throw new AppError("not_found", `no node is named ${JSON.stringify(request.name)}`, {
        id: "node.unknown",
        hint: close.length > 0 ? `did you mean ${close.join(", ")}?` : "`exp nodes` lists them",
      });
    }
    await deps.engine.apply({ kind: "node-action", name, action, by: caller.name });
    const now = { wallMs: deps.clock.wallMs(), monotonicMs: deps.clock.monotonicMs() };
    const node = listNodes(cluster, now).find((record) => record.name === name);
    return { node: node && nodeToProto(node) };
  };
