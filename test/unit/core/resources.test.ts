/** What a request asks for beyond numbers of devices: where it is placed, and what is said where it is not. */
import { describe, expect, test } from "vitest";
import { explain } from "../../../coordinator/core/explain.ts";
import { required } from "../../../shared/kernel/assert.ts";
import type { ResourceRequest } from "../../../shared/run/devices.ts";
import { describeRequest, requestFromJson, requestKey, requestToJson } from "../../../shared/run/devices.ts";
import type { Hello } from "../../../shared/run/session.ts";
import { CoreRig, makeDevice, makeFinish, makeHello } from "../../helpers/core-rig.ts";

const GIB = 2 ** 30;
const A100 = { model: "NVIDIA A100-SXM4-80GB", memoryBytes: 80 * GIB };
const SMALL = { model: "NVIDIA GeForce RTX 2080 Ti", memoryBytes: 11 * GIB };

function gpus(name: string, count: number, kind: { model: string; memoryBytes: number }) {
  return Array.from({ length: count }, (_, index) => makeDevice(`GPU-${name}-${index}`, { ...kind, index }));
}

function host(patch: Partial<Hello["host"]>): Hello["host"] {
  return { ...makeHello("x").host, cpuCount: 16, memoryBytes: 64e9, diskBytes: 100e9, ...patch };
}

/** big: 2 A100 in zone a. small: 4 RTX 2080 Ti in zone b. cpu: 4 CPU slots. */
function fleet(): CoreRig {
  const rig = new CoreRig();
  rig.join("big", { devices: gpus("big", 2, A100), labels: { zone: "a" }, host: host({}) });
  rig.join("small", { devices: gpus("small", 4, SMALL), labels: { zone: "b" }, host: host({}) });
  rig.join("xeon", { devices: [0, 1, 2, 3].map((i) => makeDevice(`cpu/cpu-${i}`)), host: host({ memoryBytes: 0 }) });
  return rig;
}

const ANY: ResourceRequest = { gpus: undefined, cpus: undefined };

interface Case {
  readonly what: string;
  readonly request: Partial<ResourceRequest>;
  /** Node of each of `runs` runs, in order; undefined where it waits. */
  readonly on: readonly (string | undefined)[];
}

describe("a request is placed", () => {
  test.each<Case>([
    { what: "by model", request: { gpuModels: ["a100"] }, on: ["big", "big", undefined] },
    { what: "by one of several models", request: { gpus: 2, gpuModels: ["H100", "2080"] }, on: ["small", "small"] },
    { what: "by memory of each GPU", request: { gpuMemoryBytes: 24e9 }, on: ["big", "big", undefined] },
    { what: "by at most so much memory", request: { gpus: 1, gpuMemoryMaxBytes: 16e9 }, on: ["small"] },
    { what: "by label", request: { where: "node.labels.zone == 'b'" }, on: ["small"] },
    { what: "by name", request: { where: "node.name in ['big', 'x']" }, on: ["big"] },
    { what: "by a fact of the host", request: { where: "node.gpus >= 3" }, on: ["small"] },
    {
      what: "with memory, as far as the host has it",
      request: { gpus: 1, memoryBytes: 30e9 },
      on: ["big", "big", "small", "small", undefined],
    },
    { what: "with memory where the host does not know its own", request: { gpus: 0, memoryBytes: 1e15 }, on: ["xeon"] },
    { what: "with disk", request: { gpus: 1, diskBytes: 60e9 }, on: ["big", "small", undefined] },
    { what: "with CPUs of a host that has no slots", request: { gpus: 1, cpus: 10 }, on: ["big", "small", undefined] },
    { what: "with CPU slots", request: { gpus: 0, cpus: 3 }, on: ["xeon", undefined] },
    {
      what: "a part of a GPU, and the next beside it, before another is broken",
      request: { gpuModels: ["a100"], gpuMilli: 333 },
      on: ["big", "big", "big", "big", "big", "big", undefined],
    },
    {
      what: "parts of several GPUs",
      request: { gpus: 2, gpuMilli: 500, where: "node.name == 'small'" },
      on: ["small", "small", "small", "small", undefined],
    },
    {
      what: "on a node of its own",
      request: { gpus: 1, exclusive: true },
      on: ["big", "small", undefined],
    },
    {
      what: "by an alternative where the first way has no place",
      request: { gpus: 2, gpuModels: ["A100"], alternatives: [{ gpus: 4, cpus: undefined }] },
      on: ["big", "small", undefined],
    },
    { what: "nowhere where no label fits", request: { where: "node.labels.zone == 'c'" }, on: [undefined] },
    { what: "nowhere where the label is missing", request: { where: "node.labels.rack == 'a'" }, on: [undefined] },
  ])("$what", ({ request, on }) => {
    const rig = fleet();
    const runs = rig.submit(on.length, { resources: { ...ANY, ...request } });
    rig.schedule();
    const nodes = runs.map(({ fence }) => fence && rig.cluster.attempts.get(fence)?.node);
    expect(nodes).toEqual(on);
  });

  test("a run without wishes takes the smaller GPUs of a node", () => {
    const rig = new CoreRig();
    rig.join("mixed", { devices: [...gpus("a", 1, A100), ...gpus("b", 1, SMALL)] });
    rig.submit(1);
    expect(rig.schedule()[0]?.devices).toEqual(["GPU-b-0"]);
  });

  test("nothing is placed beside a run that has its node for itself, until it ends", () => {
    const rig = new CoreRig();
    const { session } = rig.join("big", { devices: gpus("big", 2, A100) });
    rig.submit(1, { resources: { ...ANY, exclusive: true } });
    const [alone] = rig.schedule();
    rig.submit(1);
    expect(rig.schedule()).toHaveLength(1);
    const fence = required(alone, "the attempt").fence;
    const finish = { outcome: { kind: "succeeded" }, startedAt: 1, finishedAt: 2, finalSizes: {} } as const;
    rig.apply({ kind: "finished", session, finish: { fence, ...finish, unclean: [], causes: [] } });
    expect(rig.schedule().map(({ devices }) => devices)).toEqual([["GPU-big-0"]]);
  });
});

describe("why it is not placed", () => {
  test.each<[Partial<ResourceRequest>, string]>([
    [
      { gpus: 1, gpuMemoryBytes: 96e9 },
      "big: 2 GPUs of 80GB, needs 96GB; small: 4 GPUs of 11GB, needs 96GB; xeon: no GPU, needs 1",
    ],
    [
      { gpus: 4, gpuMemoryBytes: 24e9 },
      "big: 2 GPUs, needs 4; small: 4 GPUs of 11GB, needs 24GB; xeon: no GPU, needs 4",
    ],
    [
      { gpuModels: ["H100"] },
      "big: 2 GPUs of NVIDIA A100-SXM4-80GB, needs H100; small: 4 GPUs of NVIDIA GeForce RTX 2080 Ti, needs H100; xeon: no GPU, needs 1",
    ],
    [{ gpus: 1, memoryBytes: 128e9 }, "big, small: 64GB memory, needs 128GB; xeon: no GPU, needs 1"],
    [{ gpus: 1, diskBytes: 1e12 }, "big, small: 100GB of free disk, needs 1TB; xeon: no GPU, needs 1"],
    [
      { container: true, alternatives: [{ gpus: 1, cpus: undefined, container: true }] },
      "big, small: no container engine; xeon: no container engine; or: no GPU, needs 1",
    ],
    [{ gpus: 1, cpus: 32 }, "big, small: 16 CPUs, needs 32; xeon: no GPU, needs 1"],
    [{ where: "node.labels.zone == 'c'" }, "big, small: not node.labels.zone == 'c'; xeon: has no node.labels.zone"],
    [
      { gpus: 8, alternatives: [{ gpus: 6, cpus: undefined }] },
      "big: 2 GPUs, needs 8; or: 2 GPUs, needs 6; small: 4 GPUs, needs 8; or: 4 GPUs, needs 6; xeon: no GPU, needs 8; or: no GPU, needs 6",
    ],
  ])("%j", (request, reasons) => {
    const rig = fleet();
    const resources = { ...ANY, ...request };
    const [run] = rig.submit(1, { resources });
    expect(explain(rig.cluster, required(run, "the run").id, rig.wallMs)?.reason).toBe(
      `no node has ${describeRequest(resources)}: ${reasons}`,
    );
  });

  test("what a busy node lacks is named by node", () => {
    const rig = fleet();
    rig.submit(2, { resources: { gpus: 1, cpus: undefined, gpuModels: ["A100"], memoryBytes: 20e9 } });
    rig.schedule();
    const [waits] = rig.submit(1, { resources: { ...ANY, gpus: 1, memoryBytes: 60e9 } });
    const explanation = explain(rig.cluster, required(waits, "the run").id, rig.wallMs);
    expect(explanation?.nodes).toEqual([
      { node: "big", reason: "0 of 1 GPU free" },
      { node: "small", reason: "fits now" },
      { node: "xeon", reason: "no GPU, needs 1" },
    ]);
    const [whole] = rig.submit(1, { resources: { ...ANY, gpus: 0, cpus: 1, exclusive: true } });
    rig.submit(1, { priority: 5, resources: { ...ANY, gpus: 0, cpus: 1 } });
    rig.schedule();
    expect(explain(rig.cluster, required(whole, "the run").id, rig.wallMs)?.nodes).toContainEqual({
      node: "xeon",
      reason: "1 run on it, and it needs the node for itself",
    });
  });

  test("memory that others have reserved", () => {
    const rig = new CoreRig();
    rig.join("big", { devices: gpus("big", 4, A100), host: host({}) });
    rig.submit(1, { resources: { ...ANY, memoryBytes: 50e9 } });
    rig.schedule();
    const [waits] = rig.submit(1, { resources: { ...ANY, memoryBytes: 20e9 } });
    rig.schedule();
    const explanation = explain(rig.cluster, required(waits, "the run").id, rig.wallMs);
    expect(explanation?.nodes).toEqual([{ node: "big", reason: "14 of 20GB of memory not reserved" }]);
  });
});

describe("parts of GPUs", () => {
  const half: ResourceRequest = { ...ANY, gpuMilli: 500 };

  function placed(rig: CoreRig): string[] {
    return [...rig.cluster.attempts.values()].map(({ node, devices, reserved }) =>
      [node, ...devices, reserved?.gpuMilli ?? "whole"].join(" "),
    );
  }

  test("a GPU that is broken is filled before another is, on whatever node, and whole ones are left to whole requests", () => {
    const rig = new CoreRig();
    rig.join("a", { devices: gpus("a", 2, A100), host: host({}) });
    rig.join("b", { devices: gpus("b", 1, A100), host: host({}) });
    rig.submit(2, { resources: { ...half, where: "node.name == 'a'" } });
    rig.schedule();
    rig.submit(1, { resources: { ...half, gpuMilli: 250, where: "node.name == 'b'" } });
    rig.schedule();
    // It fits into the whole GPU of a as well.
    rig.submit(1, { resources: { ...half, gpuMilli: 750 } });
    rig.schedule();
    rig.submit(3, { resources: { ...ANY, gpus: 1 } });
    rig.schedule();
    expect(placed(rig)).toEqual([
      "a GPU-a-0 500",
      "a GPU-a-0 500",
      "b GPU-b-0 250",
      "b GPU-b-0 750",
      "a GPU-a-1 whole",
    ]);
  });

  test("a part asks for a GPU; a GPU of which all is asked for is whole", () => {
    const rig = fleet();
    rig.submit(1, { resources: { ...half, where: "node.name == 'xeon'" } });
    rig.submit(1, { resources: { ...half, gpuMilli: 1000, where: "node.name == 'big'" } });
    rig.schedule();
    expect(placed(rig)).toEqual(["big GPU-big-0 whole"]);
  });

  test("what is left is said", () => {
    const rig = new CoreRig();
    rig.join("big", { devices: gpus("big", 2, A100), host: host({}) });
    rig.submit(2, { resources: { ...half, gpuMilli: 700 } });
    rig.schedule();
    const [waits] = rig.submit(1, { resources: { ...half, gpus: 2 } });
    rig.schedule();
    const explanation = explain(rig.cluster, required(waits, "the run").id, rig.wallMs);
    expect(explanation?.nodes).toEqual([{ node: "big", reason: "0 of 2 GPUs with 0.5 free" }]);
  });

  test("counts as that part of the GPU's time", () => {
    const rig = new CoreRig();
    const { session } = rig.join("big", { devices: gpus("big", 1, A100), host: host({}) });
    const [run] = rig.submit(2, { resources: half, gpuMsMax: 1_000 });
    rig.schedule();
    const attempt = required([...rig.cluster.attempts.values()][0], "the attempt");
    rig.apply({ kind: "started", session, fence: attempt.fence, startedAt: rig.wallMs });
    const finishedAt = rig.wallMs + 1_500;
    rig.apply({
      kind: "finished",
      session,
      finish: makeFinish(attempt.fence, { kind: "succeeded" }, { startedAt: rig.wallMs, finishedAt }),
    });
    expect(rig.cluster.sweeps.get(required(run, "the run").sweepId)).toMatchObject({ gpuMs: 750, stopped: "" });
  });

  test("an attempt that comes back has its part again, where it is still free", () => {
    const rig = new CoreRig();
    const devices = gpus("big", 1, A100);
    const first = rig.join("big", { devices, host: host({}) });
    rig.submit(1, { resources: half });
    rig.schedule();
    const [attempt] = rig.cluster.attempts.values();
    const { fence, runId } = required(attempt, "the attempt");
    rig.apply({ kind: "disconnected", session: first.session });
    rig.monotonicMs += 10 * 3_600_000;
    rig.apply({ kind: "tick" });
    const back = (milli: number) => ({
      fence,
      runId,
      devices: devices.map(({ uuid }) => uuid),
      gpuMilli: milli,
      phase: "running" as const,
      startedAt: rig.wallMs,
    });
    rig.join("big", { devices, host: host({}), attempts: [back(500)] });
    expect(rig.cluster.holders.lines()).toEqual([`big GPU-big-0 ${fence}:500`]);
  });
});

describe("a request as text", () => {
  test.each<[ResourceRequest, string]>([
    [ANY, "1 device"],
    [{ gpus: 2, cpus: 8 }, "2 GPUs, 8 CPU slots"],
    [{ ...ANY, gpuModels: ["A100", "H100"], gpuMemoryBytes: 40e9 }, "1 GPU (A100 or H100, 40GB)"],
    [{ ...ANY, gpuMilli: 250 }, "1 GPU (0.25 of it)"],
    [{ ...ANY, gpus: 2, gpuMilli: 500 }, "2 GPUs (0.5 of each)"],
    [{ gpus: 0, cpus: undefined, memoryBytes: 32e9, diskBytes: 5e9 }, "1 CPU slot, 32GB memory, 5GB disk"],
    [{ ...ANY, exclusive: true, where: "node.name == 'a'" }, "1 device, a node of its own, where node.name == 'a'"],
    [{ gpus: 1, cpus: undefined, alternatives: [{ gpus: 0, cpus: 4 }] }, "1 GPU or 4 CPU slots"],
  ])("%j", (request, text) => {
    expect(describeRequest(request)).toBe(text);
    expect(requestFromJson(requestToJson(request))).toEqual(request);
    expect(requestKey(requestFromJson(requestToJson(request)))).toBe(requestKey(request));
  });

  test("nodes are named in the order of their names, whichever joined first", () => {
    const rig = new CoreRig();
    rig.join("b");
    rig.join("a");
    const [run] = rig.submit(1, { resources: { gpus: 1, cpus: undefined } });
    expect(explain(rig.cluster, required(run, "the run").id, rig.wallMs)?.reason).toBe(
      "no node has 1 GPU: a, b: no GPU, needs 1",
    );
  });
});
