import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { applyChange } from "../../../coordinator/core/apply-change.ts";
import type { Cluster } from "../../../coordinator/core/cluster.ts";
import { shapeOf } from "../../../coordinator/core/cluster.ts";
import { freeNodes, take } from "../../../coordinator/core/fit.ts";
import { wantedOn } from "../../../coordinator/core/misfit.ts";
import { compareEntries } from "../../../coordinator/core/run-queue.ts";
import { schedule } from "../../../coordinator/core/scheduler.ts";
import { DEFAULT_SETTINGS } from "../../../coordinator/core/settings.ts";
import { required } from "../../../shared/kernel/assert.ts";
import { type Device, heldMilli, type ResourceRequest } from "../../../shared/run/devices.ts";
import { CoreRig, makeDevice } from "../../helpers/core-rig.ts";

type NodePlan = {
  gpus: number;
  cpus: number;
  unclean: number;
  closed: "" | "cordon" | "drain" | "silent" | "disconnected";
};

type SweepPlan = { runs: number; resources: ResourceRequest; parallel: number; priority: number };

type ClusterPlan = {
  nodes: NodePlan[];
  sweeps: SweepPlan[];
  /** Passes that were made, and started their placements, before the one that is looked at. */
  passes: number;
};

const nodePlan: fc.Arbitrary<NodePlan> = fc.record({
  gpus: fc.integer({ min: 0, max: 4 }),
  cpus: fc.integer({ min: 0, max: 4 }),
  unclean: fc.integer({ min: 0, max: 2 }),
  closed: fc.constantFrom("", "", "", "cordon", "drain", "silent", "disconnected"),
});

const request: fc.Arbitrary<ResourceRequest> = fc
  .record({
    gpus: fc.constantFrom(undefined, 0, 1, 2, 3),
    cpus: fc.constantFrom(undefined, 1, 2),
    gpuMilli: fc.constantFrom(undefined, undefined, 250, 500, 700),
    nodes: fc.constantFrom(undefined, undefined, undefined, 2, 3),
  })
  .map(({ gpuMilli, nodes, ...whole }) => ({
    ...whole,
    ...(gpuMilli !== undefined && { gpuMilli }),
    ...(nodes !== undefined && { nodes }),
  }));

const sweepPlan: fc.Arbitrary<SweepPlan> = fc.record({
  runs: fc.integer({ min: 1, max: 12 }),
  resources: request,
  parallel: fc.constantFrom(0, 0, 1, 3),
  priority: fc.constantFrom(0, 0, 5, -1),
});

const clusterPlan: fc.Arbitrary<ClusterPlan> = fc.record({
  nodes: fc.array(nodePlan, { maxLength: 5 }),
  sweeps: fc.array(sweepPlan, { minLength: 1, maxLength: 4 }),
  passes: fc.integer({ min: 0, max: 1 }),
});

function build(plan: ClusterPlan): CoreRig {
  const rig = new CoreRig();
  for (const [i, node] of plan.nodes.entries()) {
    const name = `n${i}`;
    const devices: Device[] = [
      ...Array.from({ length: node.gpus }, (_, at) => makeDevice(`GPU-${name}-${at}`, health(at, node.unclean))),
      ...Array.from({ length: node.cpus }, (_, at) => makeDevice(`${name}/cpu-${at}`, health(at, node.unclean))),
    ];
    const { session } = rig.join(name, { devices });
    if (node.closed === "cordon" || node.closed === "drain") {
      rig.apply({
        kind: "node-action",
        name: required([...rig.cluster.nodes.keys()].at(-1), "node"),
        action: node.closed,
      });
    }
    if (node.closed === "disconnected") rig.apply({ kind: "disconnected", session });
    if (node.closed === "silent") {
      const joined = required([...rig.cluster.nodes.values()].at(-1), "the node");
      applyChange(rig.cluster, { kind: "node-link", ...joined, silent: true });
    }
  }
  for (const { runs, ...sweep } of plan.sweeps) rig.submit(runs, sweep);
  for (let i = 0; i < plan.passes; i++) rig.schedule();
  return rig;
}

function health(at: number, unclean: number): Partial<Device> {
  return at < unclean ? { health: "dirty", reason: "memory in use" } : {};
}

/** Everything a pass may look at, as text: two of them compare a cluster before and after. */
function snapshot(cluster: Cluster): string {
  const queues = [...cluster.groups].map(([key, { queue }]) => [key, [...queue]]);
  const parts = [cluster.runs, cluster.attempts, cluster.nodes, cluster.activeBySweep];
  return JSON.stringify([queues, ...parts.map((map) => [...map]), cluster.holders.lines(), cluster.nextFence]);
}

describe("schedule, over random clusters", () => {
  test("gives no device twice and no part of it, only clean ones, and as many as were asked for", () => {
    fc.assert(
      fc.property(clusterPlan, (plan) => {
        const { cluster } = build(plan);
        const left = new Map<string, number>();
        const all = schedule(cluster, DEFAULT_SETTINGS).flatMap(({ runId, places }) =>
          places.map((place) => ({ runId, ...place })),
        );
        for (const { runId, node: name, devices, reserved } of all) {
          const node = required(cluster.nodes.get(name), "the node");
          for (const uuid of devices) {
            const before = left.get(uuid) ?? cluster.holders.leftMilli(name, uuid);
            const after = before - heldMilli(reserved?.gpuMilli, uuid);
            expect(after).toBeGreaterThanOrEqual(0);
            left.set(uuid, after);
            expect(node.devices.find((device) => device.uuid === uuid)?.health).toBe("clean");
          }
          const run = required(cluster.runs.get(runId), "the run");
          const sweep = required(cluster.sweeps.get(run.sweepId), "the sweep");
          const { resources } = shapeOf(sweep, run);
          const want = wantedOn(node, resources);
          if (want.gpu > 0) expect(reserved?.gpuMilli).toBe(resources.gpuMilli);
          expect(devices.filter((uuid) => uuid.startsWith("GPU"))).toHaveLength(want.gpu);
          expect(devices).toHaveLength(want.gpu + want.cpu);
        }
      }),
    );
  });

  test("places nothing on a node that is closed, and each run once", () => {
    fc.assert(
      fc.property(clusterPlan, (plan) => {
        const { cluster } = build(plan);
        const placements = schedule(cluster, DEFAULT_SETTINGS);
        for (const { places, runId } of placements) {
          for (const { node: name } of places) {
            const node = required(cluster.nodes.get(name), "the node");
            expect(node).toMatchObject({ connected: true, silent: false, cordoned: false, draining: false });
          }
          const run = required(cluster.runs.get(runId), "the run");
          expect(run.state).toBe("queued");
          const sweep = required(cluster.sweeps.get(run.sweepId), "the sweep");
          expect(new Set(places.map(({ node }) => node)).size).toBe(shapeOf(sweep, run).resources.nodes ?? 1);
        }
        expect(new Set(placements.map(({ runId }) => runId)).size).toBe(placements.length);
      }),
    );
  });

  test("keeps the order within a group, and leaves nobody behind who would have fitted", () => {
    fc.assert(
      fc.property(clusterPlan, (plan) => {
        const rig = build(plan);
        const placed = schedule(rig.cluster, DEFAULT_SETTINGS).map(({ runId }) => runId);
        for (const { queue } of rig.cluster.groups.values()) {
          const entries = [...queue];
          const chosen = placed.flatMap((id) => entries.find((entry) => entry.runId === id) ?? []);
          expect(chosen).toEqual([...chosen].sort(compareEntries));
          expect(chosen).toEqual(entries.slice(0, chosen.length));
        }
        rig.schedule();
        expect(schedule(rig.cluster, DEFAULT_SETTINGS)).toEqual([]);
        for (const { request: wanted, limitedBy } of rig.cluster.groups.values()) {
          if (limitedBy === undefined) expect(take(freeNodes(rig.cluster), wanted)).toBeUndefined();
        }
      }),
    );
  });

  test("never exceeds the parallel limit of a sweep", () => {
    fc.assert(
      fc.property(clusterPlan, (plan) => {
        const rig = build(plan);
        rig.schedule();
        for (const sweep of rig.cluster.sweeps.values()) {
          const active = [...rig.cluster.runs.values()].filter(
            (run) => run.sweepId === sweep.id && run.state === "assigned",
          );
          expect(rig.cluster.activeBySweep.get(sweep.id) ?? 0).toBe(active.length);
          if (sweep.parallel > 0) expect(active.length).toBeLessThanOrEqual(sweep.parallel);
        }
      }),
    );
  });

  test("does not change the cluster, and says the same twice", () => {
    fc.assert(
      fc.property(clusterPlan, (plan) => {
        const { cluster } = build(plan);
        const before = snapshot(cluster);
        const first = schedule(cluster, DEFAULT_SETTINGS);
        expect(snapshot(cluster)).toBe(before);
        expect(schedule(cluster, DEFAULT_SETTINGS)).toEqual(first);
      }),
    );
  });

  test("one more free device never makes fewer placements, for runs of equal size", () => {
    fc.assert(
      fc.property(
        fc.array(nodePlan, { minLength: 1, maxLength: 5 }),
        request,
        fc.nat({ max: 4 }),
        (nodes, size, at) => {
          const sweeps = [{ runs: 40, resources: size, parallel: 0, priority: 0 }];
          const target = at % nodes.length;
          // A GPU on a host without any changes what the host is, so the kind that it has grows.
          const more = nodes.map((node, i) => {
            if (i !== target) return node;
            return node.gpus > 0 ? { ...node, gpus: node.gpus + 1 } : { ...node, cpus: node.cpus + 1 };
          });
          const few = schedule(build({ nodes, sweeps, passes: 0 }).cluster, DEFAULT_SETTINGS);
          const many = schedule(build({ nodes: more, sweeps, passes: 0 }).cluster, DEFAULT_SETTINGS);
          expect(many.length).toBeGreaterThanOrEqual(few.length);
        },
      ),
    );
  });
});

describe("fit", () => {
  const book = (...nodes: [name: string, gpus: number, cpus: number][]) => {
    const rig = new CoreRig();
    for (const [name, gpus, cpus] of nodes) {
      const devices = [
        ...Array.from({ length: gpus }, (_, i) => makeDevice(`GPU-${name}-${i}`)),
        ...Array.from({ length: cpus }, (_, i) => makeDevice(`${name}/cpu-${i}`)),
      ];
      rig.join(name, { devices });
    }
    return freeNodes(rig.cluster);
  };

  test.each([
    {
      what: "the tightest node wins",
      nodes: [
        ["big", 4, 0],
        ["small", 1, 0],
      ],
      gpus: 1,
      cpus: undefined,
      node: "small",
      count: 1,
    },
    {
      what: "equal nodes go by name",
      nodes: [
        ["b", 2, 0],
        ["a", 2, 0],
      ],
      gpus: 1,
      cpus: undefined,
      node: "a",
      count: 1,
    },
    {
      what: "anything: a GPU where there is one",
      nodes: [["g", 1, 4]],
      gpus: undefined,
      cpus: undefined,
      node: "g",
      count: 1,
    },
    {
      what: "anything: a CPU slot elsewhere",
      nodes: [["c", 0, 2]],
      gpus: undefined,
      cpus: undefined,
      node: "c",
      count: 1,
    },
    { what: "no GPU wanted takes a slot", nodes: [["g", 1, 1]], gpus: 0, cpus: undefined, node: "g", count: 1 },
    { what: "GPUs and slots together", nodes: [["g", 2, 3]], gpus: 2, cpus: 3, node: "g", count: 5 },
    { what: "too many GPUs", nodes: [["g", 2, 3]], gpus: 3, cpus: undefined, node: undefined, count: 0 },
    {
      what: "GPUs of two nodes are not put together",
      nodes: [
        ["a", 1, 0],
        ["b", 1, 0],
      ],
      gpus: 2,
      cpus: undefined,
      node: undefined,
      count: 0,
    },
  ] as const)("$what", ({ nodes, gpus, cpus, node, count }) => {
    const free = book(...nodes.map(([name, g, c]): [string, number, number] => [name, g, c]));
    const taken = take(free, { gpus, cpus });
    expect(taken?.[0]?.node).toBe(node);
    expect(taken?.[0]?.devices ?? []).toHaveLength(count);
  });
});
