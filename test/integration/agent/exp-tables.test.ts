/** Tables that EXP writes in a run's directory become rows of the client stream: each once, whatever is in between. */
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import { withExpTables } from "../../../agent/output/exp-tables.ts";
import type { OutputPlane } from "../../../agent/output/output-plane.ts";
import { systemClock } from "../../../shared/kernel/clock.ts";
import { fence } from "../../../shared/kernel/ids.ts";
import { parseClientLine } from "../../../shared/run/client-event.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

const FENCE = fence(7);

let dir: string;
let nudges: number;
let planes: OutputPlane[];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "exp-tables-"));
  mkdirSync(join(dir, "metrics"));
  nudges = 0;
  planes = [];
});

afterEach(async () => {
  for (const plane of planes) await plane.close();
  rmSync(dir, { recursive: true, force: true });
});

/** A plane that only counts, as an agent that has just been started would have it. */
function startPlane(): OutputPlane {
  const below: OutputPlane = {
    setBus: () => undefined,
    watch: () => undefined,
    nudge: () => {
      nudges += 1;
    },
    end: () => Promise.resolve(new Map()),
    applyWatermarks: () => undefined,
    isStored: () => false,
    onStored: () => () => undefined,
    forget: () => undefined,
    stats: () => {
      throw new Error("not asked");
    },
    close: () => Promise.resolve(),
  };
  const plane = withExpTables(below, { clock: systemClock, logger: pino({ level: "silent" }) });
  planes.push(plane);
  plane.watch(FENCE, dir, new Map());
  return plane;
}

const write = (text: string, name = "run_0001.csv") => writeFileSync(join(dir, "metrics", name), text);

function rows(): object[] {
  let text = "";
  try {
    text = readFileSync(join(dir, "client.jsonl"), "utf8");
  } catch {
    return [];
  }
  return text.split("\n").flatMap((line) => {
    const event = parseClientLine(line);
    return event?.kind === "row" ? [Object.fromEntries(event.cells)] : [];
  });
}

test("rows appear while the program runs, and the last ones at its end", async () => {
  const plane = startPlane();
  write("loss,step\r\n0.5,1\r\n");
  await waitUntil("the first row", () => rows().length === 1, { boundMs: 10_000 });
  expect(nudges).toBe(1);
  write('acc,loss,step\r\n,0.5,1\r\n"a ""b""",0.25,2\r\n,,3');
  await plane.end(FENCE);
  expect(rows()).toEqual([
    { loss: "0.5", step: "1" },
    { acc: 'a "b"', loss: "0.25", step: "2" },
  ]);
});

test("a table that is being written anew loses and doubles nothing", async () => {
  const plane = startPlane();
  write("a\r\n1\r\n2\r\n");
  await waitUntil("two rows", () => rows().length === 2, { boundMs: 10_000 });
  write("a\r\n1");
  await plane.end(FENCE);
  plane.watch(FENCE, dir, new Map());
  write("a\r\n1\r\n2\r\n3\r\n");
  await plane.end(FENCE);
  expect(rows()).toEqual([{ a: "1" }, { a: "2" }, { a: "3" }]);
});

test("an agent that is started again goes on behind what was taken, however much the program logged since", async () => {
  write("a\r\n1\r\n2\r\n");
  await startPlane().end(FENCE);
  appendFileSync(join(dir, "client.jsonl"), '{"e":"m","s":1,"v":{"x":1}}\n'.repeat(100_000));
  write("a\r\n1\r\n2\r\n3\r\n");
  await startPlane().end(FENCE);
  expect(rows()).toEqual([{ a: "1" }, { a: "2" }, { a: "3" }]);
});

test("another of EXP's runs in the same directory has its own table", async () => {
  const plane = startPlane();
  write("a\r\n1\r\n");
  await waitUntil("a row", () => rows().length === 1, { boundMs: 10_000 });
  write("a\r\n5\r\n", "run_0002.csv");
  await plane.end(FENCE);
  expect(rows()).toEqual([{ a: "1" }, { a: "5" }]);
});

test("a run without tables has no client stream", async () => {
  await startPlane().end(FENCE);
  rmSync(join(dir, "metrics"), { recursive: true });
  await startPlane().end(FENCE);
  expect(rows()).toEqual([]);
});
