/** Nodes and devices: all of them, and the page of one. */
import type { Hono } from "hono";
import { AppError } from "../../shared/kernel/errors.ts";
import { nodeName } from "../../shared/kernel/ids.ts";
import { nearest } from "../../shared/kernel/nearest.ts";
import type { NodeAttempt, NodeDetail } from "../../shared/run/dashboard.ts";
import { viewOfNode } from "../../shared/run/records.ts";
import type { ReadDeps } from "../rpc/control/deps.ts";
import type { PlacedAttempt } from "../store/queries/history.ts";
import { listNodes, nodeRecord } from "../store/queries/nodes.ts";
import { createFleetNodes } from "./device-use.ts";
import type { HttpEnv } from "./guard.ts";
import { answer, named } from "./route.ts";
import { attemptView } from "./run-detail.ts";

const RECENT_MAX = 50;
const EVENTS_MAX = 50;

export interface NodeParts {
  readonly deps: ReadDeps;
  /** What ended there, and what happened: read where it holds nobody up. */
  readonly lately: (node: string, attempts: number, events: number) => Promise<NodeHistory>;
}

export interface NodeHistory {
  readonly ended: readonly PlacedAttempt[];
  readonly events: NodeDetail["events"];
}

export function addNodes(api: Hono<HttpEnv>, { deps, lately }: NodeParts): void {
  const now = () => ({ wallMs: deps.clock.wallMs(), monotonicMs: deps.clock.monotonicMs() });
  const all = () => listNodes(deps.cluster, now()).map(viewOfNode);

  const fleet = createFleetNodes(deps);
  answer(api, "nodes", (c) => c.json(fleet()));

  answer(api, "devices", (c) =>
    c.json(all().flatMap((node) => node.devices.map((device) => ({ node: node.name, ...device })))),
  );

  answer(api, "nodeDetail", async (c) => {
    const name = named(c, "name");
    const node = deps.cluster.nodes.get(nodeName(name));
    if (!node) {
      const close = nearest(name, deps.cluster.nodes.keys(), 3);
      throw new AppError("not_found", `no node is named ${JSON.stringify(name.slice(0, 100))}`, {
        id: "node.unknown",
        hint: close.length > 0 ? `did you mean ${close.join(", ")}?` : "`exp nodes` lists them",
      });
    }
    const record = nodeRecord(deps.cluster, node, now());
    const current = deps.queries.history.openOn(name);
    const { ended, events } = await lately(name, RECENT_MAX, EVENTS_MAX);
    const { host } = node;
    const detail: NodeDetail = {
      node: viewOfNode(record),
      version: record.version,
      hostname: record.hostname,
      cpuCount: record.cpuCount,
      memoryBytes: record.memoryBytes,
      platform: [host.os, host.kernel, host.arch].filter(Boolean).join(" "),
      cpuModel: host.cpuModel,
      driverVersion: host.driverVersion,
      current: current.map((attempt) => nodeAttempt(deps, attempt)),
      recent: ended.map((attempt) => nodeAttempt(deps, attempt)),
      events,
    };
    return c.json(detail);
  });
}

function nodeAttempt(deps: ReadDeps, attempt: PlacedAttempt): NodeAttempt {
  return { ref: attempt.ref, ...attemptView(deps, attempt) };
}
