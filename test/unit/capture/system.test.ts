/** What the host sees of a run: lines of /proc and of nvidia-smi as numbers. */
import { describe, expect, test } from "vitest";
import { ProgressKeeper } from "../../../agent/capture/progress.ts";
import { systemValues } from "../../../agent/capture/system-values.ts";
import { parseIo, parseUsage, treeOf } from "../../../agent/capture/tree-usage.ts";
import { parseGauges } from "../../../agent/device/nvidia-gauges.ts";
import { deviceUuid } from "../../../shared/kernel/ids.ts";

describe("nvidia-smi", () => {
  test.each([
    [
      "GPU-1a, 97, 40536, 612.43, 61",
      { utilizationPercent: 97, memoryBytes: 40536 * 2 ** 20, powerWatts: 612.43, temperatureCelsius: 61 },
    ],
    ["GPU-1a, [N/A], 512, [Not Supported], 40", { memoryBytes: 512 * 2 ** 20, temperatureCelsius: 40 }],
    ["GPU-1a, [Unknown Error], [Unknown Error], [GPU is lost], [N/A]", {}],
  ])("%s", (line, gauges) => {
    expect(parseGauges(line)).toEqual({ uuid: "GPU-1a", gauges });
  });

  test.each([
    "",
    "No devices were found",
    "GPU-1a, 1, 2, 3",
    "MIG-1, 1, 2, 3, 4",
    'Field "power.draw" is not a valid field to query.',
  ])("%s is no line of gauges", (line) => expect(parseGauges(line)).toBeUndefined());
});

test("a line of /proc/PID/stat; the name may hold anything", () => {
  const text =
    "42 (a) b (x) S 7 42 9 0 -1 4194304 100 0 0 0 150 50 30 20 20 0 4 0 12345 1000000 256 18446744073709551615";
  expect(parseUsage(text)).toMatchObject({
    pid: 42,
    parent: 7,
    session: 9,
    startTime: 12345,
    cpuTicks: 200,
    childTicks: 50,
  });
  expect(parseUsage(text.replace(") S ", ") Z "))).toBeUndefined();
  expect(parseUsage("")).toBeUndefined();
  expect(parseIo("rchar: 1\nread_bytes: 4096\nwrite_bytes: 12\ncancelled_write_bytes: 3\n")).toEqual({
    read: 4096,
    write: 12,
  });
});

test("a tree is the session of the shim and what descends from it, and nothing older", () => {
  const process = (pid: number, parent: number, session: number, startTime = 100) => ({
    pid,
    parent,
    session,
    startTime,
    cpuTicks: 0,
    childTicks: 0,
    memoryBytes: 0,
  });
  const all = [
    process(1, 0, 1, 1),
    process(50, 1, 50),
    process(51, 50, 50),
    process(60, 51, 60),
    process(61, 60, 61),
    process(70, 1, 70),
    process(52, 1, 50, 5),
  ];
  expect(treeOf({ pid: 50, startTime: 100 }, all).map(({ pid }) => pid)).toEqual([50, 51, 60, 61]);
});

test("GPUs are numbered as the program sees them; what is not known is left out", () => {
  const [first, second] = [deviceUuid("GPU-a"), deviceUuid("GPU-b")];
  const usage = {
    cpuPercent: 99.96,
    memoryBytes: 5,
    processes: 2,
    readBytesPerSecond: undefined,
    writeBytesPerSecond: 0,
  };
  const gauges = new Map([[second, { powerWatts: 300 }]]);
  expect(systemValues(usage, [deviceUuid("n/cpu-0"), first, second], gauges)).toEqual({
    "sys/cpu_percent": 100,
    "sys/memory_bytes": 5,
    "sys/processes": 2,
    "sys/write_bytes_per_s": 0,
    "sys/gpu1/power_watts": 300,
  });
  expect(systemValues(undefined, [], new Map())).toEqual({});
});

test("of bars within each other the outer one is told, at most every two seconds, and the last one", () => {
  const keeper = new ProgressKeeper();
  const bar = (name: string, done: number, total: number) => ({
    bar: name,
    done,
    total,
    rate: undefined,
    etaSeconds: undefined,
  });
  keeper.take(bar("outer", 0, 2), 0);
  expect(keeper.due(false, 0)).toMatchObject({ bar: "outer", done: 0 });
  keeper.take(bar("inner", 5, 9), 100);
  keeper.take(bar("outer", 1, 2), 200);
  expect(keeper.due(false, 300)).toBeUndefined();
  expect(keeper.due(false, 2_300)).toMatchObject({ bar: "outer", done: 1 });
  keeper.take(bar("outer", 2, 2), 2_400);
  expect(keeper.due(true, 2_500)).toMatchObject({ done: 2 });
  expect(keeper.due(true, 2_600)).toBeUndefined();
  keeper.take(bar("next", 1, 4), 2_700);
  expect(keeper.due(true, 2_800)).toMatchObject({ bar: "next" });
});
