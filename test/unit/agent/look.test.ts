/** A look finds what lives, also what comes while it looks. */
import { expect, test } from "vitest";
import { createLook, type ProcessTable } from "../../../agent/process/look.ts";
import type { ProcessStat } from "../../../agent/process/proc.ts";

const STAT = { comm: "x", state: "S", parent: 1, group: 1, session: 1, startTime: 7 };

/** Processes by pid, some of which do as told when they are about to be read. */
function tableOf(processes: Map<number, Partial<ProcessStat>>, onRead: (pid: number) => void = () => {}) {
  const lists: number[][] = [];
  const markers: number[] = [];
  const table: ProcessTable = {
    allPids() {
      const list = [...processes.keys()];
      lists.push(list);
      return list;
    },
    readStat(pid) {
      onRead(pid);
      const stat = processes.get(pid);
      return stat && { ...STAT, pid, ...stat };
    },
    markerOf(pid) {
      markers.push(pid);
      return `of ${pid}`;
    },
  };
  return { lists, markers, look: createLook(table) };
}

test("a chain of processes that start the next one and end is found", () => {
  const processes = new Map<number, Partial<ProcessStat>>([
    [2, {}],
    [10, {}],
  ]);
  const { look, lists } = tableOf(processes, (pid) => {
    if (pid < 10 || pid >= 30) return;
    processes.delete(pid);
    processes.set(pid + 1, {});
  });
  expect(look().map(({ pid, marker }) => [pid, marker])).toEqual([
    [2, "of 2"],
    [30, "of 30"],
  ]);
  expect(lists).toHaveLength(21);
});

test("one list is enough where nothing ends meanwhile, and the environment of each is read once", () => {
  const { look, lists, markers } = tableOf(
    new Map([
      [2, {}],
      [3, {}],
    ]),
  );
  expect(look()).toHaveLength(2);
  expect(look()).toHaveLength(2);
  expect(lists).toHaveLength(2);
  expect(markers).toEqual([2, 3]);
});

test("a pid that another process has by now is read anew", () => {
  const processes = new Map<number, Partial<ProcessStat>>([[2, {}]]);
  const { look, markers } = tableOf(processes);
  look();
  processes.set(2, { startTime: 8 });
  look();
  expect(markers).toEqual([2, 2]);
});

test("a zombie is dead, and causes a second list only while it is new", () => {
  const processes = new Map<number, Partial<ProcessStat>>([
    [2, {}],
    [3, { state: "Z" }],
  ]);
  const { look, lists } = tableOf(processes);
  expect(look().map(({ pid }) => pid)).toEqual([2]);
  expect(lists).toHaveLength(2);
  look();
  expect(lists).toHaveLength(3);
});

test("a host on which each process ends before it is read does not hold the look up for ever", () => {
  const processes = new Map<number, Partial<ProcessStat>>([[2, {}]]);
  let next = 3;
  const { look, lists } = tableOf(processes, (pid) => {
    processes.delete(pid);
    processes.set(next++, {});
  });
  expect(look()).toEqual([]);
  expect(lists).toHaveLength(100);
});
