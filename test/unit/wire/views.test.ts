import { describe, expect, test } from "vitest";
import { Node, Run, Sweep } from "../../../proto/gen/runner/v1/control.ts";
import { deviceUuid } from "../../../shared/kernel/ids.ts";
import type { NodeRecord, RunRecord, SweepSummary } from "../../../shared/run/records.ts";
import { viewOfNode, viewOfRun, viewOfSweep } from "../../../shared/run/records.ts";
import { type Outcome, RUN_STATES } from "../../../shared/run/states.ts";
import {
  nodeFromProto,
  nodeToProto,
  outcomeFromProto,
  outcomeToProto,
  runFromProto,
  runStateFromProto,
  runStateToProto,
  runToProto,
  sweepFromProto,
  sweepSummaryFromProto,
  sweepToProto,
} from "../../../shared/wire/views.ts";

const RUN: RunRecord = {
  id: "run_01",
  ref: "digits.1.4",
  sweep: "digits.1",
  index: 4,
  state: "failed",
  reason: "exit code 3",
  paramsJson: '{"lr":1.0,"name":"ü","__proto__":1}',
  priority: -2,
  attempt: 2,
  fence: 41,
  node: "gpu-01",
  devices: ["GPU-1", "GPU-2"],
  exitCode: 3,
  createdAt: 1_700_000_000_000,
  startedAt: 1_700_000_001_000,
  finishedAt: 1_700_000_002_500,
  metrics: { acc: 0.5, loss: Number.NaN, top: Number.POSITIVE_INFINITY, low: Number.NEGATIVE_INFINITY },
  sealed: true,
  resultsDir: "/r/digits.1/x",
  reusedFrom: "",
};

const FRESH: RunRecord = {
  ...RUN,
  state: "queued",
  reason: "",
  attempt: 0,
  fence: undefined,
  node: undefined,
  devices: [],
  exitCode: undefined,
  startedAt: undefined,
  finishedAt: undefined,
  metrics: {},
  sealed: false,
  resultsDir: "",
};

describe("a run", () => {
  test("has exactly the keys of the contract, in order", () => {
    expect(Object.keys(viewOfRun(RUN)).join()).toBe(
      "id,ref,sweep,index,state,reason,params,priority,attempt,fence,node,devices,exitCode,createdAt,startedAt,finishedAt,metrics,prunedAt",
    );
  });

  test.each([
    ["finished", RUN],
    ["fresh", FRESH],
    ["ended with 0", { ...RUN, state: "succeeded", exitCode: 0 } satisfies RunRecord],
  ])("%s: is the same view over the wire", (_, record) => {
    const message = Run.decode(Run.encode(runToProto(record)).finish());
    expect(message.paramsJson).toBe(record.paramsJson);
    expect(runFromProto(message)).toEqual(viewOfRun(record));
  });

  test("says what JSON cannot, and keeps hostile names as data", () => {
    const view = viewOfRun(RUN);
    expect(view.metrics).toEqual({ acc: 0.5, loss: "NaN", top: "Infinity", low: "-Infinity" });
    expect(Object.keys(view.params)).toEqual(["lr", "name", "__proto__"]);
    expect(view.finishedAt).toBe("2023-11-14T22:13:22.500Z");
  });

  test("before it ran, what has not happened is null", () => {
    expect(viewOfRun(FRESH)).toMatchObject({ fence: null, node: null, exitCode: null, startedAt: null, devices: [] });
  });
});

test.each(RUN_STATES)("state %s comes back", (state) => {
  expect(runStateFromProto(runStateToProto(state))).toBe(state);
});

test.each<Outcome>([
  { kind: "succeeded" },
  { kind: "failed", exitCode: 3 },
  { kind: "failed", exitCode: 0, stage: "setup" },
  { kind: "signalled", signal: 9 },
  { kind: "oom" },
  { kind: "timeout" },
  { kind: "cancelled" },
  { kind: "skipped" },
  { kind: "lost", reason: "reboot" },
  { kind: "rejected", reason: "device_busy" },
  { kind: "superseded" },
])("outcome $kind comes back", (outcome) => {
  expect(outcomeFromProto(outcomeToProto(outcome))).toEqual(outcome);
});

test("what this version does not know is refused, not guessed", () => {
  expect(() => runStateFromProto(0)).toThrow(/not known/);
  expect(() => outcomeFromProto({ kind: 0, exitCode: undefined, signal: undefined, reason: "" })).toThrow(/not known/);
});

test("a sweep is the same view over the wire", () => {
  const record: SweepSummary = {
    ref: "digits.1",
    name: "digits",
    state: "running",
    total: 12,
    counts: { running: 2, succeeded: 10 },
    reused: 3,
    createdAt: 1_700_000_000_000,
    objective: { metric: "acc", goal: "maximize" },
  };
  const message = Sweep.decode(Sweep.encode(sweepToProto(record)).finish());
  expect(sweepFromProto(message)).toEqual(viewOfSweep(record));
  expect(Object.keys(viewOfSweep(record)).join()).toBe("ref,name,state,total,counts,reused,createdAt");
  expect(sweepSummaryFromProto(message).objective).toEqual(record.objective);
});

test("a node is the same view over the wire", () => {
  const foreign = [{ pid: 7, name: "python", user: "carol", memoryBytes: 18e9 }];
  const device = { uuid: deviceUuid("GPU-1"), index: 0, kind: "gpu", model: "H", memoryBytes: 80e9 } as const;
  const record: NodeRecord = {
    name: "gpu-01",
    state: "ready",
    labels: { zone: "a" },
    devices: [
      {
        device: { ...device, health: "clean", reason: "", foreign: [] },
        state: "busy",
        runs: ["digits.1.4", "digits.1.5"],
        heldMilli: 800,
      },
      { device: { ...device, health: "foreign", reason: "carol", foreign }, state: "foreign", runs: [], heldMilli: 0 },
    ],
    seenAt: 1_700_000_000_000,
    version: "0.1.0",
    hostname: "h",
    cpuCount: 8,
    memoryBytes: 64e9,
    containerEngine: "docker 28.2.2",
  };
  const message = Node.decode(Node.encode(nodeToProto(record)).finish());
  expect(nodeFromProto(message)).toEqual(viewOfNode(record));
  const view = viewOfNode(record);
  expect(Object.keys(view).join()).toBe("name,state,labels,devices,seenAt,containerEngine");
  expect(Object.keys(view.devices[0] ?? {}).join()).toBe("uuid,index,model,memoryBytes,state,run,foreign,runs,share");
});
