import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseAppLine, parseGpuLine, parseGpuList, takeLines } from "../../../agent/device/nvidia-parse.ts";

const MIB = 2 ** 20;
const uuid = (index: number) => `GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a0${index}`;

function recorded(name: string): string {
  return readFileSync(new URL(`../../fixtures/recorded/nvidia-smi/${name}`, import.meta.url), "utf8");
}

const gpuRows = (name: string) => recorded(name).trimEnd().split("\n").map(parseGpuLine);
const appRows = (name: string) => recorded(name).trimEnd().split("\n").map(parseAppLine);

describe("parseGpuLine", () => {
  it("reads a row of figures", () => {
    expect(gpuRows("gpus-8x-a100.csv")).toHaveLength(8);
    expect(gpuRows("gpus-8x-a100.csv")[3]).toEqual({
      index: 3,
      uuid: uuid(3),
      totalBytes: 81920 * MIB,
      usedBytes: 63211 * MIB,
      driverVersion: "535.129.03",
      name: "NVIDIA A100-SXM4-80GB",
      problem: "",
    });
  });

  it.each([
    ["gpus-not-supported.csv", 1],
    ["gpus-unified-memory.csv", 0],
  ])("takes %s for a device without such a figure, not for trouble", (file, row) => {
    expect(gpuRows(file)[row]).toMatchObject({ totalBytes: undefined, usedBytes: undefined, problem: "" });
  });

  it("names the word that stands for a figure in trouble", () => {
    const problems = gpuRows("gpus-unknown-error.csv").map((row) => row?.problem);
    expect(problems).toEqual(["", "[Unknown Error]", "[GPU is lost]", "ERR!"]);
  });

  it("refuses messages between the rows", () => {
    expect(gpuRows("gpus-lost.csv").map((row) => row?.index)).toEqual([0, undefined]);
  });

  it("refuses every truncation of a row that leaves out a column", () => {
    const line = `0, ${uuid(0)}, 24576, 11, 550.54.15, GPU`;
    for (let length = 0; length < line.lastIndexOf(",") + 2; length++) {
      expect(parseGpuLine(line.slice(0, length))).toBeUndefined();
    }
    expect(parseGpuLine(line)?.usedBytes).toBe(11 * MIB);
  });

  it.each([
    [""],
    ["index, uuid, memory.total [MiB], memory.used [MiB], driver_version, name"],
    [`x, ${uuid(0)}, 1, 1, 1, n`],
    ["0, GPU-../../etc, 1, 1, 1, n"],
    ["0, , 1, 1, 1, n"],
    ['Field "mig.mode.current" is not a valid field to query.'],
  ])("refuses %j", (line) => {
    expect(parseGpuLine(line)).toBeUndefined();
  });

  it("takes an empty figure for trouble", () => {
    expect(parseGpuLine(`0, ${uuid(0)}, 24576, , 1, n`)?.problem).toBe("an empty field");
  });

  it("never throws", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const parse = () => [parseGpuLine(text), parseAppLine(text), parseGpuList(text)];
        expect(parse).not.toThrow();
      }),
    );
  });
});

describe("parseAppLine", () => {
  it("keeps commas of a path", () => {
    expect(appRows("apps-8x-a100.csv")).toEqual([
      { gpuUuid: uuid(3), pid: 4121771, memoryBytes: 63196 * MIB, name: "/opt/envs/llm, v2/bin/python3" },
    ]);
  });

  it("reads processes that it may not see", () => {
    expect(appRows("apps-other-namespace.csv")).toMatchObject([
      { pid: 812345, memoryBytes: 20480 * MIB, name: "[Not Found]" },
      { pid: 812346, memoryBytes: 0, name: "[Insufficient Permissions]" },
    ]);
  });

  it("reads MIG instances", () => {
    expect(appRows("apps-mig.csv")).toMatchObject([
      { gpuUuid: "MIG-6fcf0c3e-4a15-5b7f-9b3f-0b6c1a0e8f11", pid: 31337 },
    ]);
  });

  it.each([[""], ["No running processes found"], [`${uuid(0)}, 12, 5`], [`${uuid(0)}, [N/A], 5, python`]])(
    "refuses %j",
    (line) => {
      expect(parseAppLine(line)).toBeUndefined();
    },
  );
});

describe("parseGpuList", () => {
  it("reads GPUs", () => {
    const gpus = parseGpuList(recorded("list-8x-a100.txt"));
    expect(gpus.map((gpu) => gpu.index)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(gpus[7]).toEqual({ index: 7, uuid: uuid(7), name: "NVIDIA A100-SXM4-80GB", migs: [] });
  });

  it("reads MIG instances, in both forms of their UUID", () => {
    const [first, second] = parseGpuList(recorded("list-mig.txt"));
    expect(first?.migs).toEqual([
      { uuid: "MIG-6fcf0c3e-4a15-5b7f-9b3f-0b6c1a0e8f11", profile: "3g.20gb", memoryBytes: 20 * 2 ** 30 },
      { uuid: `MIG-${uuid(0)}/9/0`, profile: "1g.5gb+me", memoryBytes: 5 * 2 ** 30 },
    ]);
    expect(second?.migs).toEqual([]);
  });

  it.each([["fails-no-driver.txt"], ["fails-driver-mismatch.txt"], ["fails-no-devices.txt"]])(
    "finds nothing in %s",
    (file) => {
      expect(parseGpuList(recorded(file))).toEqual([]);
    },
  );
});

describe("takeLines", () => {
  it("gives the same lines however the text is cut", () => {
    const text = "one\ntwo\r\n\nthree\nrest";
    fc.assert(
      fc.property(fc.array(fc.nat(text.length), { maxLength: 6 }), (cuts) => {
        const at = [0, ...cuts.sort((a, b) => a - b), text.length];
        let rest = "";
        const lines: string[] = [];
        for (let i = 1; i < at.length; i++) {
          const taken = takeLines(rest, text.slice(at[i - 1], at[i]));
          rest = taken.rest;
          lines.push(...taken.lines);
        }
        expect({ lines, rest }).toEqual({ lines: ["one", "two", "", "three"], rest: "rest" });
      }),
    );
  });
});
