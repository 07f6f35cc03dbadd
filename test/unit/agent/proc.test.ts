import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isAlive, parseMarker, parseStat, readStat } from "../../../agent/process/proc.ts";
import { parseShimLog } from "../../../agent/process/shim.ts";

const TAIL = "1 42 42 0 -1 4194304 100 0 0 0 1 2 3 4 20 0 1 0 98765 2580480 220 18446744073709551615";

describe("parseStat", () => {
  it.each([
    ["a plain name", "sh"],
    ["a name with spaces", "my program"],
    ["a name with brackets", "a) S 1 (b"],
    ["a name that ends in a bracket", "evil) "],
    ["a name with a newline", "two\nlines"],
    ["no name", ""],
  ])("counts fields from the last bracket: %s", (_, comm) => {
    expect(parseStat(`42 (${comm}) S ${TAIL}`)).toEqual({
      pid: 42,
      comm,
      state: "S",
      parent: 1,
      group: 42,
      session: 42,
      startTime: 98765,
    });
  });

  it.each([
    [""],
    ["42"],
    ["42 (sh"],
    ["42 (sh) S"],
    ["42 (sh) S 1 2 3"],
    ["x (sh) S ".concat(TAIL)],
    ["0 (sh) S ".concat(TAIL)],
  ])("refuses %j", (text) => {
    expect(parseStat(text)).toBeUndefined();
  });

  it("never throws, and reads back any name", () => {
    fc.assert(
      fc.property(fc.string(), (comm) => {
        parseStat(comm);
        expect(parseStat(`42 (${comm}) S ${TAIL}`)?.startTime).toBe(98765);
      }),
    );
  });
});

describe("parseMarker", () => {
  it.each([
    ["A=1\0EXP_ATTEMPT_DIR=/w/runs/1\0B=2\0", "/w/runs/1"],
    ["EXP_ATTEMPT_DIR=/w/runs/1\0", "/w/runs/1"],
    ["EXP_ATTEMPT_DIR=/w/runs/1", "/w/runs/1"],
    ["EXP_ATTEMPT_DIR=/w/runs/1\0EXP_ATTEMPT_DIR=/w/runs/2\0", "/w/runs/2"],
    ["NOT_EXP_ATTEMPT_DIR=/w/runs/1\0", undefined],
    ["A=EXP_ATTEMPT_DIR=/w/runs/1\0", undefined],
    ["", undefined],
  ])("%j", (environ, marker) => {
    expect(parseMarker(environ)).toBe(marker);
  });
});

describe("isAlive", () => {
  it("knows this process, and nobody else with its pid", () => {
    const startTime = readStat(process.pid)?.startTime ?? 0;
    expect(isAlive(process.pid, startTime)).toBe(true);
    expect(isAlive(process.pid, startTime + 1)).toBe(false);
    expect(isAlive(2 ** 30, startTime)).toBe(false);
  });
});

describe("parseShimLog", () => {
  const start = `start 42 (sh) S ${TAIL}\n`;
  const started = { pid: 42, startTime: 98765 };
  it.each([
    ["", {}],
    [start, { started }],
    [`${start}exit 7 123.45\n`, { started, exit: { code: 7, uptimeSeconds: 123.45 } }],
    ["exit 0 9\n", { exit: { code: 0, uptimeSeconds: 9 } }],
    ["start 42 (sh) S\n", {}],
    ["exit seven 1\n", {}],
    [`${start}exit 7\n`, { started }],
    ["garbage\n\n\0\n", {}],
  ])("%j", (text, log) => {
    expect(parseShimLog(text)).toEqual(log);
  });

  it("does not count a torn last line, wherever it is torn", () => {
    const whole = `${start}exit 7 123.45\n`;
    for (let length = 0; length < whole.length; length++) {
      const log = parseShimLog(whole.slice(0, length));
      expect(log).toEqual(length < start.length ? {} : { started });
    }
  });
});
