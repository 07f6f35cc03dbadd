import { describe, expect, test } from "vitest";
import { explain } from "../../../coordinator/core/explain.ts";
import { requeueAfterMs } from "../../../coordinator/core/settings.ts";
import { required } from "../../../shared/kernel/assert.ts";
import { nodeName, runId } from "../../../shared/kernel/ids.ts";
import { CRASHES_BEFORE_HOLD } from "../../../shared/run/limits.ts";
import { CoreRig, makeDevice, makeFinish } from "../../helpers/core-rig.ts";

const A = nodeName("a");

interface Case {
  readonly what: string;
  readonly prepare: (rig: CoreRig) => void;
  /** The run that is asked about; the last one submitted by default. */
  readonly run?: string;
  readonly reason: string;
  readonly node?: string;
}

const CASES: readonly Case[] = [
  {
    what: "no agent",
    prepare: (rig) => rig.submit(1),
    reason: "no agent has joined yet: run `exp-agent start` on a host",
  },
  {
    what: "the parallel limit",
    prepare: (rig) => {
      rig.join("a", { devices: [makeDevice("a/cpu-0"), makeDevice("a/cpu-1")] });
      rig.submit(2, { parallel: 1 });
      rig.schedule();
    },
    reason: "its sweep runs 1 of at most 1 at a time ([limits] parallel)",
    node: "fits now",
  },
  {
    what: "no node is large enough",
    prepare: (rig) => {
      rig.join("a");
      rig.submit(1, { resources: { gpus: 2, cpus: undefined } });
    },
    reason: "no node has 2 GPUs: a: no GPU, needs 2",
    node: "no GPU, needs 2",
  },
  {
    what: "every node is cordoned",
    prepare: (rig) => {
      rig.join("a");
      rig.apply({ kind: "node-action", name: A, action: "cordon" });
      rig.submit(1);
    },
    reason: "every node that fits is closed: a cordoned",
    node: "cordoned",
  },
  {
    what: "every node drains",
    prepare: (rig) => {
      rig.join("a");
      rig.apply({ kind: "node-action", name: A, action: "drain" });
      rig.submit(1);
    },
    reason: "every node that fits is closed: a draining",
    node: "draining",
  },
  {
    what: "every node is away",
    prepare: (rig) => {
      const { session } = rig.join("a");
      rig.apply({ kind: "disconnected", session });
      rig.submit(1);
    },
    reason: "every node that fits is closed: a not connected",
    node: "not connected",
  },
  {
    what: "every node is silent",
    prepare: (rig) => {
      rig.join("a");
      rig.monotonicMs += 60_000;
      rig.apply({ kind: "tick" });
      rig.submit(1);
    },
    reason: "every node that fits is closed: a silent",
    node: "silent",
  },
  {
    what: "busy devices, and others before it",
    prepare: (rig) => {
      rig.running();
      rig.submit(3);
    },
    reason: "all fitting devices are busy; 2 queued runs are placed first",
    node: "0 of 1 CPU slot free",
  },
  {
    what: "busy devices, and it is the next",
    prepare: (rig) => {
      rig.running();
      rig.submit(1);
    },
    reason: "all fitting devices are busy",
    node: "0 of 1 CPU slot free",
  },
  {
    what: "somebody else's process",
    prepare: (rig) => {
      rig.join("a", { devices: [makeDevice("GPU-0", { health: "foreign", reason: "python by ann" })] });
      rig.submit(1);
    },
    reason: "all fitting devices are busy",
    node: "0 of 1 GPU free; not offered: 0 (python by ann)",
  },
  {
    what: "a retry delay",
    prepare: (rig) => {
      const { attempt, session } = rig.running({ retryMax: 1 });
      rig.apply({ kind: "finished", session, finish: makeFinish(attempt.fence, { kind: "failed", exitCode: 3 }) });
    },
    run: "run_1_1",
    reason: "next try in 550ms: exit code 3 (retry 1 of 1)",
    node: "fits now",
  },
  {
    what: "it starts",
    prepare: (rig) => {
      rig.join("a");
      rig.submit(1);
      rig.schedule();
    },
    reason: "starting on a",
  },
  { what: "it runs", prepare: (rig) => void rig.running(), reason: "running on a" },
  {
    what: "its node is silent",
    prepare: (rig) => {
      rig.running();
      rig.monotonicMs += 60_000;
      rig.apply({ kind: "tick" });
    },
    reason: "a is silent; the run may go on there and is not started elsewhere yet",
  },
  {
    what: "it is being cancelled",
    prepare: (rig) => {
      const { run } = rig.running();
      rig.apply({ kind: "cancel", runIds: [run.id] });
    },
    reason: "stopping on a: cancelled by the user",
  },
  {
    what: "it is held",
    prepare: (rig) => {
      const { run } = rig.running();
      for (let i = 0; i < CRASHES_BEFORE_HOLD && run.state !== "held"; i++) {
        rig.monotonicMs += requeueAfterMs(rig.settings) + 1;
        rig.apply({ kind: "tick" });
        rig.wallMs += 400_000;
        rig.apply({ kind: "tick" });
        rig.join("a");
        rig.schedule();
      }
    },
    reason: "held: lost: its host was silent for longer than the lease, 5 times in a row; `exp retry` lets it go",
  },
];

describe("why a run waits", () => {
  test.each(CASES)("$what", ({ prepare, run, reason, node }) => {
    const rig = new CoreRig();
    prepare(rig);
    const last = [...rig.cluster.runs.keys()].at(-1);
    const explanation = explain(rig.cluster, run ? runId(run) : required(last, "a run"), rig.wallMs);
    expect(explanation?.reason).toBe(reason);
    expect(explanation?.needs).not.toBe("");
    if (node !== undefined) expect(explanation?.nodes).toEqual([{ node: "a", reason: node }]);
  });

  test("a run that is not live has no reason here", () => {
    expect(explain(new CoreRig().cluster, runId("run_x"), 0)).toBeUndefined();
  });
});
