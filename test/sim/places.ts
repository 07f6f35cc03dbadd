/** What must hold of places: that they are what was asked for, that there is room, and of those who wait for one. */
import type { Attempt, Cluster } from "../../coordinator/core/cluster.ts";
import type { Fence, RunId } from "../../shared/kernel/ids.ts";
import { Violation } from "./facts.ts";
import type { DrawnShape } from "./requests.ts";

export interface Places {
  readonly cluster: Cluster;
  readonly drawnOf: (id: RunId) => DrawnShape;
  /** By what was committed, the attempt whose place it takes over has not ended. */
  readonly isWaiting: (fence: Fence) => boolean;
}

/** A placement is what was asked for, and the node has room for all that is on it. */
export function checkPlace(attempt: Attempt, places: Places): void {
  const { cluster, drawnOf, isWaiting } = places;
  const node = cluster.nodes.get(attempt.node);
  // It may have ended in the same commit.
  if (!node || !cluster.attempts.has(attempt.fence)) return;
  const devices = node.devices.filter(({ uuid }) => attempt.devices.includes(uuid));
  if (!drawnOf(attempt.runId).allows(node, devices)) {
    throw new Violation("resources", `fence ${attempt.fence} is on ${node.name}, which is not what it asked for`);
  }
  const { nodes } = drawnOf(attempt.runId);
  if ((attempt.gang?.size ?? 1) !== nodes) {
    const size = attempt.gang?.size ?? 1;
    throw new Violation("resources", `fence ${attempt.fence} is one of ${size}, of ${nodes} asked for`);
  }
  if (isWaiting(attempt.fence)) return checkWaiting(attempt, places);
  const here = [...cluster.attempts.values()].filter((other) => other.node === node.name && !isWaiting(other.fence));
  if (here.some(({ fence, runId }) => fence !== attempt.fence && runId === attempt.runId))
    throw new Violation("gang", `fence ${attempt.fence} and another of its run are on ${node.name}`);
  const drawn = here.map(({ runId }) => drawnOf(runId));
  if (here.length > 1 && drawn.some(({ exclusive }) => exclusive)) {
    throw new Violation("resources", `${here.length} attempts on ${node.name}, one of which wants it for itself`);
  }
  const memory = drawn.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0);
  if (node.host.memoryBytes > 0 && memory > node.host.memoryBytes) {
    throw new Violation("resources", `${memory} bytes are reserved on ${node.name} of ${node.host.memoryBytes}`);
  }
}

/** What took over the place of an attempt that ended has room there. */
export function checkSuccessor(fence: Fence, places: Places): void {
  for (const attempt of places.cluster.attempts.values()) if (attempt.behind === fence) checkPlace(attempt, places);
}

/** One alone waits behind another, for exactly its place. */
function checkWaiting({ fence, behind, node, devices }: Attempt, { cluster, isWaiting }: Places): void {
  const others = [...cluster.attempts.values()].filter((other) => other.behind === behind && other.fence !== fence);
  if (others.length > 0) throw new Violation("successors", `fence ${fence} and others wait behind ${behind}`);
  const before = behind === undefined ? undefined : cluster.attempts.get(behind);
  const same = before?.node === node && before.devices.join() === devices.join();
  if (!same) throw new Violation("successors", `fence ${fence} waits behind ${behind}, for another place`);
  if (isWaiting(before.fence)) throw new Violation("successors", `fence ${fence} is third in line`);
}
