/** The NVIDIA driver against a fake nvidia-smi that fails in every way the real one is known for. */

import { spawn } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createDevices, type Devices } from "../../../agent/device/devices.ts";
import { readStat } from "../../../agent/process/proc.ts";
import { deviceUuid } from "../../../shared/kernel/ids.ts";
import type { Device } from "../../../shared/run/devices.ts";
import { program } from "../../helpers/attempts.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

const uuid = (index: number) => deviceUuid(`GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a0${index}`);
const TIMING = { tickMs: 50, answerMs: 700, settleMs: 800, appsMs: 100, restartMs: 100 };

let home = "";
let opened: Devices | undefined;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "nvidia-"));
  copyFileSync(program("fake-nvidia-smi"), join(home, "nvidia-smi"));
  put("apps", "");
});

afterEach(async () => {
  await opened?.close();
  opened = undefined;
  const pids = (readIfThere("calls") ?? "").split("\n").map((line) => Number(line.split(" ")[0]));
  await waitUntil("no nvidia-smi is left", () => !pids.some((pid) => pid > 0 && isRunning(pid)));
  rmSync(home, { recursive: true });
});

describe("a host with GPUs", () => {
  it("lists them by UUID, clean while they are idle", async () => {
    hostOf(2);
    const devices = await open();
    expect(await devices.list()).toMatchObject([
      {
        uuid: uuid(0),
        index: 0,
        kind: "gpu",
        model: "RTX 3090",
        memoryBytes: 24576 * 2 ** 20,
        health: "clean",
        reason: "",
      },
      { uuid: uuid(1), index: 1, health: "clean" },
    ]);
    expect(devices.driverVersion).toBe("550.54.15");
  });

  it("says which CUDA its driver offers, asked once, when somebody wants to know", async () => {
    hostOf(1);
    put("table", "| NVIDIA-SMI 550.54.15   Driver Version: 550.54.15   CUDA Version: 12.4 |\n");
    const devices = await open();
    expect(await Promise.all([devices.cudaVersion(), devices.cudaVersion()])).toEqual(["12.4", "12.4"]);
    expect(await devices.cudaVersion()).toBe("12.4");
    expect(calls().filter((line) => /^\d+ ?$/.test(line))).toHaveLength(1);
  });

  it("says none where nvidia-smi fails", async () => {
    hostOf(1);
    const devices = await open();
    put("fails", "no");
    expect(await devices.cudaVersion()).toBe("");
  });

  it("keeps one long-lived nvidia-smi, and asks nothing else while the GPUs are idle", async () => {
    hostOf(1);
    await open();
    await waitUntil("the stream runs", () => calls().some((line) => line.includes("-lms 50")));
    const before = calls().length;
    await ticks(10);
    expect(calls().length).toBe(before);
  });

  it.each([
    ["0", [0]],
    ["1,0", [1, 0]],
    [uuid(1), [1]],
  ])("offers those that were asked for: --gpus %s", async (gpus, indices) => {
    hostOf(3);
    expect((await (await open(gpus)).list()).map((device) => device.index)).toEqual(indices);
  });

  it.each([
    ["7", /--gpus 7: this host has no GPU 7/],
    ["GPU-1", /--gpus GPU-1: this host has no GPU-1/],
  ])("refuses --gpus %s and says what there is", async (gpus, message) => {
    hostOf(1);
    const refusal = {
      code: "invalid",
      message: expect.stringMatching(message),
      hint: `it has 0 (RTX 3090, ${uuid(0)})`,
    };
    await expect(open(gpus)).rejects.toMatchObject(refusal);
  });

  it("offers the instances of a GPU in MIG mode", async () => {
    put("list", recorded("list-mig.txt"));
    put("gpus", recorded("gpus-mig.csv"));
    put("apps", recorded("apps-mig.csv"));
    const devices = await (await open()).list();
    expect(devices.map(({ uuid, health }) => [uuid.slice(0, 4), health])).toEqual([
      ["MIG-", "foreign"],
      ["MIG-", "clean"],
      ["GPU-", "clean"],
    ]);
  });
});

describe("a host whose nvidia-smi does not work", () => {
  it("has no GPUs where it finds none", async () => {
    put("fails", recorded("fails-no-devices.txt"));
    expect((await (await open()).list()).every((device) => device.kind === "cpu")).toBe(true);
  });

  it.each([
    ["fails-no-driver.txt", /nvidia-smi fails: NVIDIA-SMI has failed because .* \(exit code 9\)/],
    ["fails-driver-mismatch.txt", /Driver\/library version mismatch/],
  ])("is refused with its own words: %s", async (file, message) => {
    put("fails", recorded(file));
    const refusal = {
      code: "unavailable",
      message: expect.stringMatching(message),
      hint: expect.stringMatching(/--gpus none/),
    };
    await expect(open()).rejects.toMatchObject(refusal);
  });

  it("is refused when it hangs, and the hanging process is killed", async () => {
    put("hang", "");
    await expect(open()).rejects.toMatchObject({ message: expect.stringMatching(/does not answer within 0.7 s/) });
  });
});

describe("a GPU in use", () => {
  it("by somebody else is foreign, with who it is, and clean when they are gone", async () => {
    hostOf(2);
    const devices = await open();
    const other = spawn("sleep", ["20"], { stdio: "ignore" });
    put("apps", `${uuid(1)}, ${other.pid}, 9000, /usr/bin/python3\n`);
    put("gpus", rows([11, 9011]));
    const [, second] = await becomes(devices, 1, "foreign");
    const owner = { pid: other.pid, name: "/usr/bin/python3", user: userInfo().username, memoryBytes: 9000 * 2 ** 20 };
    expect(second).toMatchObject({ health: "foreign", foreign: [owner] });
    expect(second?.reason).toContain(`python3 (pid ${other.pid} of ${userInfo().username}, 9.4GB)`);
    expect((await devices.list())[0]?.health).toBe("clean");
    put("apps", "");
    put("gpus", rows([11, 11]));
    await becomes(devices, 1, "clean");
    other.kill("SIGKILL");
  });

  it("by a run of this agent is clean, also by a child with a bare environment", async () => {
    hostOf(2);
    const devices = await open();
    const env = { PATH: process.env.PATH, EXP_ATTEMPT_DIR: join(home, "runs", "1") };
    const own = spawn("sh", ["-c", "env -i sleep 20 & echo $!; wait"], { env, stdio: ["ignore", "pipe", "ignore"] });
    let said = "";
    own.stdout.on("data", (piece) => (said += piece));
    const child = Number(await waitUntil("the child's pid", () => said.trim() || undefined));
    put("apps", `${uuid(0)}, ${own.pid}, 9000, sh\n${uuid(1)}, ${child}, 9000, sleep\n`);
    put("gpus", rows([9011, 9011]));
    await waitUntil("who is there was asked", () => calls().filter((line) => line.includes("compute-apps")).length > 2);
    expect((await devices.check([uuid(0), uuid(1)])).map((device) => device.health)).toEqual(["clean", "clean"]);
    own.kill("SIGKILL");
    process.kill(child, "SIGKILL");
  });

  it("by a run of another agent is foreign", async () => {
    hostOf(1);
    const env = { PATH: process.env.PATH, EXP_FENCE: "1", EXP_ATTEMPT_DIR: "/somewhere/else/runs/1" };
    const other = spawn("sleep", ["20"], { env, stdio: "ignore" });
    put("apps", `${uuid(0)}, ${other.pid}, 9000, sleep\n`);
    put("gpus", rows([9011]));
    expect((await (await open()).list())[0]?.health).toBe("foreign");
    other.kill("SIGKILL");
  });

  it("by memory that nobody answers for is dirty, and clean only after three polls without", async () => {
    hostOf(1);
    const devices = await open();
    const seen: string[] = [];
    devices.onChange((now) => seen.push(now[0]?.health ?? ""));
    put("gpus", rows([9011]));
    const [dirty] = await becomes(devices, 0, "dirty");
    expect(dirty?.reason).toMatch(/9\.4GB of memory in use and no process to be seen/);
    put("gpus", rows([11]));
    await waitUntil(
      "the memory is back",
      async () => (await devices.list())[0]?.reason === "its memory has only just come back",
    );
    await becomes(devices, 0, "clean");
    expect(seen).toEqual(["dirty", "clean"]);
  });

  it("by memory held at start is dirty from the first moment", async () => {
    hostOf(1);
    put("gpus", rows([9011]));
    expect((await (await open()).list())[0]?.health).toBe("dirty");
  });
});

describe("after an attempt", () => {
  it("a GPU that is clean is told at once", async () => {
    hostOf(1);
    const devices = await open();
    const before = performance.now();
    expect(await devices.check([uuid(0)])).toMatchObject([{ health: "clean" }]);
    expect(performance.now() - before).toBeLessThan(TIMING.settleMs);
  });

  it("memory may take a moment to come back", async () => {
    hostOf(1);
    put("gpus", rows([9011]));
    const devices = await open();
    const checked = devices.check([uuid(0)]);
    put("gpus", rows([11]));
    expect(await checked).toMatchObject([{ health: "clean" }]);
    expect((await devices.list())[0]?.health).toBe("clean");
  });

  it("memory that does not come back is told as dirty", async () => {
    hostOf(1);
    const devices = await open();
    put("gpus", rows([9011]));
    expect(await devices.check([uuid(0)])).toMatchObject([
      { health: "dirty", reason: expect.stringMatching(/memory in use/) },
    ]);
  });

  it("a GPU of which nothing is known is unknown at once", async () => {
    hostOf(1);
    const devices = await open();
    put("fails", "Unable to determine the device handle for GPU 0000:BA:00.0: Unknown Error\n");
    expect(await devices.check([uuid(0)])).toMatchObject([
      { health: "unknown", reason: expect.stringMatching(/Unknown Error/) },
    ]);
  });

  it("many checks at once share their questions", async () => {
    hostOf(4);
    const devices = await open();
    const before = calls().length;
    await Promise.all(Array.from({ length: 20 }, (_, i) => devices.check([uuid(i % 4)])));
    expect(calls().length - before).toBeLessThanOrEqual(4);
  });
});

describe("never clean while in doubt", () => {
  it.each<[string, () => unknown, RegExp]>([
    ["a hang", () => put("hang", ""), /has told nothing for 0.25 s|does not answer/],
    ["garbage", () => put("gpus", "\0\u0001garbage, ,,,\n\n0, 1, 2\n"), /does not list it any more|has told nothing/],
    [
      "rows cut short",
      () => put("gpus", `0, ${uuid(0)}, 245\n1, ${uuid(1)}, 24576, 11, 550\n`),
      /does not list it any more|has told nothing/,
    ],
    [
      "figures in trouble",
      () => put("gpus", recorded("gpus-unknown-error.csv").replaceAll(" 11,", " [Unknown Error],")),
      /\[Unknown Error\]/,
    ],
    ["nothing printed", () => put("gpus", ""), /has told nothing/],
    [
      "an end with an error",
      () => [put("fails", "GPU is lost\n"), put("stop", "")],
      /ended with code|GPU is lost|has told nothing/,
    ],
  ])("%s makes every GPU unknown, and an answer makes it clean again", async (_, harm, reason) => {
    hostOf(2);
    const devices = await open();
    harm();
    const now = await becomes(devices, 0, "unknown");
    expect(now.map((device) => device.health)).toEqual(["unknown", "unknown"]);
    expect(now[0]?.reason).toMatch(reason);
    hostOf(2);
    for (const name of ["hang", "fails", "stop"]) rmSync(join(home, name), { force: true });
    await becomes(devices, 0, "clean");
  });

  it("a GPU that is left out is unknown, the others are not", async () => {
    hostOf(2);
    const devices = await open();
    put("gpus", rows([11]));
    const now = await becomes(devices, 1, "unknown");
    expect(now.map((device) => device.health)).toEqual(["clean", "unknown"]);
    expect(await devices.check([uuid(1), uuid(0)])).toMatchObject([{ health: "unknown" }, { health: "clean" }]);
  });

  it("is unknown while it cannot be told who is on a GPU in use", async () => {
    hostOf(1);
    const devices = await open();
    put("hang-apps", "");
    put("gpus", rows([9011]));
    const [now] = await becomes(devices, 0, "unknown");
    expect(now?.reason).toMatch(/does not answer/);
    rmSync(join(home, "hang-apps"));
    await becomes(devices, 0, "dirty");
  });
});

function hostOf(count: number): void {
  const lines = Array.from({ length: count }, (_, i) => `GPU ${i}: RTX 3090 (UUID: ${uuid(i)})\n`);
  put("list", lines.join(""));
  put("gpus", rows(lines.map(() => 11)));
}

/** One row for each GPU, with this many MiB in use. */
function rows(usedMib: readonly number[]): string {
  return usedMib.map((used, i) => `${i}, ${uuid(i)}, 24576, ${used}, 550.54.15, RTX 3090\n`).join("");
}

function put(name: string, text: string): void {
  writeFileSync(join(home, `${name}.new`), text);
  renameSync(join(home, `${name}.new`), join(home, name));
}

async function open(gpus = "auto"): Promise<Devices> {
  const nvidiaSmi = join(home, "nvidia-smi");
  opened = await createDevices({
    gpus,
    cpuSlots: undefined,
    nodeName: "n",
    workdir: home,
    nvidiaSmi,
    nvidiaTiming: TIMING,
  });
  return opened;
}

function becomes(devices: Devices, index: number, health: Device["health"]): Promise<Device[]> {
  return waitUntil(`GPU ${index} is ${health}`, async () => {
    const now = await devices.list();
    return now[index]?.health === health && now;
  });
}

async function ticks(count: number): Promise<void> {
  const end = performance.now() + count * TIMING.tickMs;
  await waitUntil(`${count} ticks`, () => performance.now() > end);
}

function calls(): string[] {
  return (readIfThere("calls") ?? "").trimEnd().split("\n");
}

function readIfThere(name: string): string | undefined {
  return existsSync(join(home, name)) ? readFileSync(join(home, name), "utf8") : undefined;
}

function recorded(name: string): string {
  return readFileSync(new URL(`../../fixtures/recorded/nvidia-smi/${name}`, import.meta.url), "utf8");
}

function isRunning(pid: number): boolean {
  const stat = readStat(pid);
  return stat !== undefined && stat.state !== "Z";
}
