import { describe, expect, test } from "vitest";
import { displayWidth } from "../../../cli/render/width.ts";
import { keysOf } from "../../../cli/top/keys.ts";
import { FIRST_STATE, onKey, type Picture, type TopState } from "../../../cli/top/state.ts";
import { snapshotLines, type TopSize, topLines } from "../../../cli/top/view.ts";
import { RunState } from "../../../proto/gen/runner/v1/common.ts";
import { nodeFromProto, runFromProto } from "../../../shared/wire/views.ts";
import { AT, aNode, aRun } from "../../helpers/control-server.ts";

const running = { state: RunState.RUN_STATE_RUNNING, finishedAt: 0, reason: "" };
const PICTURE: Picture = {
  server: "local stack ./.exp",
  nowMs: AT + 120_000,
  nodes: [nodeFromProto(aNode()), nodeFromProto(aNode({ name: "机器-02", devices: [] }))],
  queue: [
    {
      ref: "学習率.1.7",
      state: "queued",
      priority: 0,
      needs: "1 GPU",
      reason: "all fitting devices are busy",
      waitingMs: 5_000,
    },
    { ref: "digits.1.8", state: "held", priority: 3, needs: "2 GPUs", reason: "held by you", waitingMs: 65_000 },
  ],
  queueTotal: 1_200,
  runs: [1, 2, 3].map((n) => runFromProto(aRun(n, n < 3 ? running : { reason: "exit 1: \u001b[31mboom" }))),
  stale: "",
};

const press = (...keys: string[]): { state: TopState; actions: unknown[] } => {
  const actions: unknown[] = [];
  let state = FIRST_STATE;
  for (const key of keys) {
    const next = onKey(state, key, PICTURE, 10);
    state = next.state;
    if (next.action) actions.push(next.action);
  }
  return { state, actions };
};

describe("keys", () => {
  test.each([
    ["jk/", ["j", "k", "/"]],
    ["\u001b[A\u001b[B\u001bOA", ["up", "down", "up"]],
    ["\u001b", ["escape"]],
    ["\u001b[Z\t\r\n", ["back-tab", "tab", "enter", "enter"]],
    ["学\u007f", ["学", "backspace"]],
    ["\u0003", ["interrupt"]],
    ["\u001b[<0;3;4M\u001b[1;5Cq", ["q"]],
  ])("%j is %j", (text, keys) => expect(keysOf(text)).toEqual(keys));
});

describe("what keys do", () => {
  test.each<[name: string, keys: string[], expected: Partial<TopState>, actions: unknown[]]>([
    ["tab turns the lists", ["tab"], { pane: "nodes" }, []],
    ["and so it does three times", ["tab", "tab", "tab"], { pane: "runs" }, []],
    ["shift-tab turns back", ["back-tab"], { pane: "queue" }, []],
    ["down and logs", ["j", "l"], {}, [{ kind: "logs", ref: "digits.1.2" }]],
    ["not beyond the end", ["end", "down", "down", "w"], {}, [{ kind: "why", ref: "digits.1.3" }]],
    ["not beyond the start", ["up", "enter"], {}, [{ kind: "logs", ref: "digits.1.1" }]],
    ["retry", ["r"], {}, [{ kind: "retry", ref: "digits.1.1" }]],
    ["cancel asks", ["c"], { mode: "confirm", asked: "digits.1.1" }, []],
    ["yes", ["c", "y"], { mode: "list" }, [{ kind: "cancel", ref: "digits.1.1" }]],
    ["anything else is no", ["c", "enter"], { mode: "list", message: "nothing was cancelled" }, []],
    [
      "a filter takes letters that are keys elsewhere",
      ["/", "q", "c", "backspace", "enter"],
      { filter: "q", mode: "list" },
      [],
    ],
    ["escape ends it", ["/", "x", "escape"], { filter: "", mode: "list" }, []],
    [
      "a filter decides which row is chosen",
      ["/", "1", ".", "2", "enter", "l"],
      {},
      [{ kind: "logs", ref: "digits.1.2" }],
    ],
    ["a node has no logs", ["tab", "l"], { message: "no run is chosen; tab goes to the next list" }, []],
    ["enter on a node shows its runs", ["tab", "enter"], { pane: "runs", filter: "gpu-01" }, []],
    ["help and back", ["?", "x"], { mode: "list" }, []],
    ["quit", ["q"], {}, [{ kind: "quit" }]],
    ["Ctrl-C, wherever", ["/", "interrupt"], {}, [{ kind: "interrupt" }]],
  ])("%s", (_name, keys, expected, actions) => {
    const pressed = press(...keys);
    expect(pressed.state).toMatchObject(expected);
    expect(pressed.actions).toEqual(actions);
  });

  test("the cursor stays on its run when rows come before it, and goes to the first when the run is gone", () => {
    const { state } = press("j");
    const more = { ...PICTURE, runs: [runFromProto(aRun(9, running)), ...PICTURE.runs] };
    expect(onKey(state, "l", more, 10).action).toEqual({ kind: "logs", ref: "digits.1.2" });
    const gone = { ...PICTURE, runs: PICTURE.runs.slice(2) };
    expect(onKey(state, "l", gone, 10).action).toEqual({ kind: "logs", ref: "digits.1.3" });
  });

  test("a reader that is scrolled back goes no further than its lines", () => {
    const reading: TopState = {
      ...FIRST_STATE,
      mode: "reader",
      reader: { title: "", lines: Array(30).fill("x"), back: 0 },
    };
    const up = onKey(reading, "home", PICTURE, 10).state;
    expect(up.reader.back).toBe(20);
    expect(onKey(up, "end", PICTURE, 10).state.reader.back).toBe(0);
    expect(onKey(up, "q", PICTURE, 10)).toMatchObject({ state: { mode: "list" }, action: { kind: "close" } });
  });
});

describe("lines", () => {
  const sizes: TopSize[] = [20, 40, 80, 100, 200].flatMap((columns) =>
    [5, 12, 24, 60].map((rows) => ({ columns, rows })),
  );
  const reader = { title: "logs of 学習率.1.7", lines: ["損失 0.5\u001b[2J".repeat(20)], back: 0 };
  const states: [string, TopState][] = [
    ["runs", FIRST_STATE],
    ["nodes", { ...FIRST_STATE, pane: "nodes" }],
    ["queue with a filter", { ...FIRST_STATE, pane: "queue", filter: "学習" }],
    ["filter", { ...FIRST_STATE, mode: "filter", filter: "学習率".repeat(30) }],
    ["help", { ...FIRST_STATE, mode: "help" }],
    ["reader", { ...FIRST_STATE, mode: "reader", reader }],
    ["confirm", { ...FIRST_STATE, mode: "confirm", asked: "digits.1.1" }],
    ["nothing there", { ...FIRST_STATE, filter: "no such thing" }],
  ];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours take no room.
  const plain = (line: string) => line.replace(/\u001b\[\d+m/g, "");

  test.each(states)(
    "%s: as many lines as the terminal has, none wider, nothing that moves the cursor",
    (_name, state) => {
      for (const size of sizes) {
        for (const color of [false, true]) {
          const lines = topLines(state, PICTURE, size, color);
          expect(lines).toHaveLength(size.rows);
          for (const line of lines) expect(displayWidth(plain(line))).toBeLessThanOrEqual(size.columns);
          // biome-ignore lint/suspicious/noControlCharactersInRegex: only colours may stand there.
          expect(color ? plain(lines.join("")) : lines.join("")).not.toMatch(/[\u0000-\u001f]/);
        }
      }
    },
  );

  test("the lists, at 80 columns", () => {
    expect(topLines(FIRST_STATE, PICTURE, { columns: 80, rows: 20 }, false)).toEqual([
      "exp top local stack ./.exp   2 nodes, 1 of 1 device busy   2 running, 1200 wait…",
      "  FLEET 2",
      "  NODE     STATE  DEVICES  BUSY  MODEL  SEEN",
      "  gpu-01   ready  █         1/1  A100   2m",
      "  机器-02  ready  -         0/0  -      2m",
      "  QUEUE 2 of 1200",
      "  NAME        STATE   PRIORITY  NEEDS   WAITING  WHY",
      "  学習率.1.7  queued         -  1 GPU        5s  all fitting devices are busy",
      "  digits.1.8  held           3  2 GPUs     1m5s  held by you",
      "▸ RUNS 3  2 running, 1 succeeded",
      "  NAME        STATE      lr   WHERE     TOOK   AGE  WHY",
      "> digits.1.1  running    0.1  gpu-01:3  1m59s  2m   -",
      "  digits.1.2  running    0.2  gpu-01:3  1m59s  2m   -",
      "  digits.1.3  succeeded  0.3  gpu-01:3  1m     2m   exit 1: \\x1b[31mboom",
      "",
      "",
      "",
      "",
      "",
      "tab list  / filter  enter logs  w why  c cancel  r retry  ? help  q quit",
    ]);
  });

  test("the cursor is marked by a sign, and by inverse video where there is colour", () => {
    const lines = topLines(FIRST_STATE, PICTURE, { columns: 80, rows: 20 }, true);
    const line = lines.find((each) => each.includes("digits.1.1")) ?? "";
    expect([line.slice(0, 16), line.slice(-5)]).toEqual(
      ["\u001b[7m> digits.1.1", "\u001b[27m"].map((s) => s.slice(0, 16)),
    );
  });

  test("the cursor is always in sight", () => {
    const runs = Array.from({ length: 200 }, (_, n) => runFromProto(aRun(n + 1, running)));
    for (const at of [1, 2, 50, 199, 200]) {
      const state = { ...FIRST_STATE, chosen: { ...FIRST_STATE.chosen, runs: `digits.1.${at}` } };
      const lines = topLines(state, { ...PICTURE, runs }, { columns: 80, rows: 24 }, false);
      expect(lines.filter((line) => line.startsWith("> "))).toEqual([expect.stringContaining(`digits.1.${at} `)]);
    }
  });

  test("a snapshot has everything in full", () => {
    const text = snapshotLines(PICTURE).join("\n");
    for (const wanted of ["FLEET 2", "机器-02", "学習率.1.7", "all fitting devices are busy", "digits.1.3"]) {
      expect(text).toContain(wanted);
    }
  });
});
