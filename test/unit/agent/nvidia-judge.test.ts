import { describe, expect, it } from "vitest";
import { busyBytes, type GpuView, judge, learnIdle } from "../../../agent/device/nvidia-judge.ts";

const MIB = 2 ** 20;
const process = { pid: 7, name: "/usr/bin/python3", user: "ada", memoryBytes: 2e9 };
const row = {
  index: 0,
  uuid: "GPU-a",
  totalBytes: 81920 * MIB,
  usedBytes: 4 * MIB,
  driverVersion: "1",
  name: "A",
  problem: "",
};
const view: GpuView = {
  gpu: { index: 0, uuid: "GPU-a", name: "A", migs: [] },
  row,
  idleBytes: 4 * MIB,
  ownProcesses: false,
  foreign: [],
  problem: "",
};
const used = (mib: number) => ({ row: { ...row, usedBytes: mib * MIB } });

describe("judge", () => {
  it.each<[string, Partial<GpuView>, string, string | RegExp]>([
    ["idle", {}, "clean", ""],
    ["a desktop on it", { ...used(900), idleBytes: 880 * MIB }, "clean", ""],
    ["up to the threshold", used(516), "clean", ""],
    ["above the threshold", used(517), "dirty", /542MB of memory in use and no process/],
    ["our own run on it", { ...used(40000), ownProcesses: true }, "clean", ""],
    ["idle memory not known yet", { ...used(1536), idleBytes: undefined }, "clean", ""],
    ["far above, idle memory not known yet", { ...used(1537), idleBytes: undefined }, "dirty", /no process to be seen/],
    [
      "a foreign process",
      { foreign: [{ gpuUuid: "GPU-a", process }] },
      "foreign",
      "in use by python3 (pid 7 of ada, 2GB)",
    ],
    ["foreign beside our own", { ownProcesses: true, foreign: [{ gpuUuid: "GPU-a", process }] }, "foreign", /pid 7/],
    ["a figure in trouble", { row: { ...row, problem: "[GPU is lost]" } }, "unknown", /\[GPU is lost\]/],
    ["no figure, as on unified memory", { row: { ...row, totalBytes: undefined, usedBytes: undefined } }, "clean", ""],
    ["no line any more", { row: undefined }, "unknown", "nvidia-smi does not list it any more"],
    ["no answer", { problem: "nvidia-smi does not answer" }, "unknown", "nvidia-smi does not answer"],
    ["no answer beside a process", { problem: "hangs", foreign: [{ gpuUuid: "GPU-a", process }] }, "unknown", "hangs"],
  ])("%s", (_, change, health, reason) => {
    const [device] = judge({ ...view, ...change });
    expect(device?.health).toBe(health);
    expect(device?.reason).toMatch(reason);
    if (health === "clean") expect(device?.reason).toBe("");
  });

  it("names three of many processes", () => {
    const foreign = [1, 2, 3, 4, 5].map((pid) => ({ gpuUuid: "GPU-a", process: { ...process, pid } }));
    expect(judge({ ...view, foreign })[0]?.reason).toMatch(/pid 3 of ada, 2GB\) and 2 more$/);
  });

  it("offers the instances of a GPU in MIG mode, and marks the one in use", () => {
    const migs = ["MIG-1", "MIG-2"].map((uuid) => ({ uuid, profile: "3g.20gb", memoryBytes: 20 * 2 ** 30 }));
    const gpu = { ...view.gpu, migs };
    const devices = judge({ ...view, gpu, ...used(30000), foreign: [{ gpuUuid: "MIG-2", process }] });
    expect(devices).toMatchObject([
      { uuid: "MIG-1", model: "A MIG 3g.20gb", memoryBytes: 20 * 2 ** 30, health: "clean", foreign: [] },
      { uuid: "MIG-2", health: "foreign", foreign: [{ pid: 7 }] },
    ]);
    expect(judge({ ...view, gpu, row: undefined }).map((device) => device.health)).toEqual(["unknown", "unknown"]);
  });
});

describe("learnIdle", () => {
  it.each([
    [undefined, 4, 4],
    [undefined, 1536, 1536],
    [undefined, 40000, undefined],
    [4, 100, 4],
    [100, 4, 4],
    [4, 40000, 4],
  ])("from %j MiB known and %j MiB in use: %j MiB", (known, inUse, learned) => {
    const bytes = (mib: number | undefined) => (mib === undefined ? undefined : mib * MIB);
    expect(learnIdle(bytes(known), inUse * MIB)).toBe(bytes(learned));
  });

  it("never lets the threshold rise with what is held at start", () => {
    expect(busyBytes(40000 * MIB)).toBe(busyBytes(undefined));
  });
});
