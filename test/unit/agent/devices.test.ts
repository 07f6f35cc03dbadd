import { availableParallelism } from "node:os";
import { describe, expect, it } from "vitest";
import { createDevices, type DevicesOptions } from "../../../agent/device/devices.ts";
import { createFakeDriver } from "../../../agent/device/fake.ts";
import { parseGpusOption } from "../../../agent/device/gpus-option.ts";
import { deviceUuid } from "../../../shared/kernel/ids.ts";

describe("--gpus", () => {
  it.each([
    ["auto", { kind: "auto" }],
    ["none", { kind: "none" }],
    ["0", { kind: "indices", indices: [0] }],
    ["3,0,1", { kind: "indices", indices: [3, 0, 1] }],
    ["GPU-1a-2b,MIG-3c", { kind: "uuids", uuids: ["GPU-1a-2b", "MIG-3c"] }],
    ["MIG-GPU-1a/9/0", { kind: "uuids", uuids: ["MIG-GPU-1a/9/0"] }],
    ["fake:8x80GB", { kind: "fake", count: 8, memoryBytes: 80e9 }],
    ["fake:1x512MiB", { kind: "fake", count: 1, memoryBytes: 512 * 2 ** 20 }],
    ["fake:1024x1GB", { kind: "fake", count: 1024, memoryBytes: 1e9 }],
  ])("%s", (text, option) => {
    expect(parseGpusOption(text)).toEqual(option);
  });

  it.each([
    ["", /--gpus "" is not understood/],
    ["all", /"all" is not understood/],
    ["0,", /is not understood/],
    ["-1", /is not understood/],
    ["0,GPU-1", /is not understood/],
    ["1,1", /names "1" twice/],
    ["GPU-a,GPU-a", /names "GPU-a" twice/],
    ["fake:8", /a number and a size/],
    ["fake:8x", /a number and a size/],
    ["fake:8x80", /a number and a size/],
    ["fake:0x80GB", /asks for 0 GPUs; 1 to 1024/],
    ["fake:1025x1GB", /asks for 1025 GPUs; 1 to 1024/],
    ["GPU-$(rm)", /is not understood/],
  ])("refuses %j in one line", (text, message) => {
    const clear = {
      name: "AppError",
      code: "invalid",
      message: expect.stringMatching(message),
      hint: expect.any(String),
    };
    expect(() => parseGpusOption(text)).toThrow(expect.objectContaining(clear));
  });
});

describe("createDevices", () => {
  const open = (options: Partial<DevicesOptions>) =>
    createDevices({ gpus: "none", cpuSlots: undefined, nodeName: "n1", nvidiaSmi: "/no/nvidia-smi", ...options });
  const uuids = async (options: Partial<DevicesOptions>) =>
    (await (await open(options)).list()).map((device) => device.uuid);

  it.each(["auto", "none"])("offers a slot for each CPU on a host without GPUs, with --gpus %s", async (gpus) => {
    expect(await uuids({ gpus })).toHaveLength(availableParallelism());
  });

  it("names slots and fake GPUs uniquely for each node", async () => {
    expect(await uuids({ cpuSlots: 2 })).toEqual(["n1/cpu-0", "n1/cpu-1"]);
    const mine = await uuids({ gpus: "fake:2x1GB" });
    const yours = await uuids({ gpus: "fake:2x1GB", nodeName: "n2" });
    expect(new Set([...mine, ...yours]).size).toBe(4);
    expect(await uuids({ gpus: "fake:2x1GB" })).toEqual(mine);
    expect(mine[1]).toMatch(/^GPU-fake-[0-9a-f]{8}-1$/);
  });

  it("offers no slots beside GPUs unless asked", async () => {
    expect(await uuids({ gpus: "fake:2x1GB" })).toHaveLength(2);
    expect(await uuids({ gpus: "fake:2x1GB", cpuSlots: 3 })).toHaveLength(5);
    expect(await uuids({ cpuSlots: 0 })).toHaveLength(0);
  });

  it.each([[-1], [1.5], [Number.NaN], [4097]])("refuses --cpu-slots %d", async (cpuSlots) => {
    await expect(open({ cpuSlots })).rejects.toMatchObject({
      code: "invalid",
      message: expect.stringMatching(/from 0 to 4096/),
    });
  });

  it("tells a run which GPUs are its own, and one without GPUs that it has none", async () => {
    const devices = await open({ gpus: "fake:3x1GB", cpuSlots: 1 });
    const [a, b, , slot] = (await devices.list()).map((device) => device.uuid);
    const order = { CUDA_DEVICE_ORDER: "PCI_BUS_ID" };
    expect(devices.environment([b, a].flatMap((uuid) => uuid ?? []))).toEqual({
      ...order,
      CUDA_VISIBLE_DEVICES: `${b},${a}`,
    });
    expect(devices.environment(slot ? [slot] : [])).toEqual({ ...order, CUDA_VISIBLE_DEVICES: "" });
    expect((await open({ gpus: "none" })).environment([])).toEqual({ ...order, CUDA_VISIBLE_DEVICES: "" });
    expect((await open({ gpus: "auto" })).environment([])).toEqual({});
  });

  it("checks GPUs and slots together, and does not know what it never had", async () => {
    const devices = await open({ gpus: "fake:1x1GB", cpuSlots: 1 });
    const all = (await devices.list()).map((device) => device.uuid);
    expect((await devices.check(all)).map((device) => device.health)).toEqual(["clean", "clean"]);
    expect(await devices.check([deviceUuid("GPU-gone")])).toMatchObject([{ uuid: "GPU-gone", health: "unknown" }]);
    expect(await (await open({})).check([deviceUuid("GPU-gone")])).toMatchObject([{ health: "unknown" }]);
  });

  it.each([["0"], ["GPU-1"]])("refuses --gpus %s where there is no nvidia-smi", async (gpus) => {
    await expect(open({ gpus })).rejects.toMatchObject({
      code: "invalid",
      message: expect.stringMatching(/shows no GPU/),
    });
  });
});

describe("fake GPUs", () => {
  it("report a change of health", async () => {
    const driver = createFakeDriver({ count: 2, memoryBytes: 80e9, nodeName: "n" });
    const [first] = await driver.list();
    expect(first).toMatchObject({ model: "Fake GPU 80GB", memoryBytes: 80e9, kind: "gpu", health: "clean" });
    const heard: string[][] = [];
    driver.onChange?.((devices) => heard.push(devices.map((device) => device.health)));
    if (first) driver.setHealth(first.uuid, "dirty", "held");
    expect(heard).toEqual([["dirty", "clean"]]);
    expect(await driver.check(first ? [first.uuid] : [])).toMatchObject([{ health: "dirty", reason: "held" }]);
  });
});
