/** How many runs of a request the fleet can take: now, and when everything of it is free. For plans; decides nothing. */
import type { NodeName } from "../../shared/kernel/ids.ts";
import type { ResourceRequest } from "../../shared/run/devices.ts";
import { type Cluster, emptyCluster } from "./cluster.ts";
import { freeNodes, take } from "./fit.ts";

export interface Room {
  readonly now: number;
  /** With every device of every open node free. */
  readonly ever: number;
  /** Nodes that could take one. */
  readonly nodes: readonly NodeName[];
}

/** Beyond this nobody counts. */
const COUNTED_MAX = 10_000;

export function roomFor(cluster: Cluster, request: ResourceRequest): Room {
  const idle = emptyCluster(cluster);
  for (const node of cluster.nodes.values()) {
    const devices = node.devices.map((device) => ({ ...device, health: "clean" as const }));
    idle.nodes.set(node.name, { ...node, devices });
  }
  const ever = fill(idle, request);
  return { now: fill(cluster, request).length, ever: ever.length, nodes: [...new Set(ever.flat())].sort() };
}

/** The nodes of each run that fits beside what is there. */
function fill(cluster: Cluster, request: ResourceRequest): NodeName[][] {
  const book = freeNodes(cluster);
  const runs: NodeName[][] = [];
  for (let taken = take(book, request); taken && runs.length < COUNTED_MAX; taken = take(book, request)) {
    runs.push(taken.map(({ node }) => node));
  }
  return runs;
}
