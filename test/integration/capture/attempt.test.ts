/** Capture of one attempt on real files: floods, restarts at any moment, sources that tell the same, files of others. */
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { AttemptCapture } from "../../../agent/capture/attempt-capture.ts";
import { Claims } from "../../../agent/capture/claims.ts";
import { FileFinder } from "../../../agent/capture/find-files.ts";
import { type CaptureChoices, captureOptions } from "../../../shared/capture/options.ts";
import { parseClientLine } from "../../../shared/run/client-event.ts";

const MIB = 1024 * 1024;
const RECORDED = join(import.meta.dirname, "../../fixtures/recorded/capture");

let root: string;
let nowMs: number;
let claims: Claims;

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "exp-capture-")));
  for (const name of ["runs/1", "runs/2", "work"]) mkdirSync(join(root, name), { recursive: true });
  nowMs = 1_000;
  claims = new Claims();
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const now = () => ({ ms: nowMs, seconds: Date.now() / 1000 });
const dirOf = (number: number) => join(root, "runs", String(number));
const output = (text: string, number = 1) => appendFileSync(join(dirOf(number), "output.log"), text);

function start(choices: CaptureChoices = {}, number = 1): AttemptCapture {
  const capture = captureOptions(choices);
  const startedMs = started;
  const cwd = join(root, "work");
  return new AttemptCapture({ dir: dirOf(number), cwd, capture, startedMs, claims, finder: new FileFinder() }, now());
}
const started = Date.now() - 1_000;

function look(capture: AttemptCapture, afterMs = 3_000): void {
  nowMs += afterMs;
  capture.look(8 * MIB, now());
}

function lines(number = 1): string[] {
  try {
    return readFileSync(join(dirOf(number), "client.jsonl"), "utf8")
      .split("\n")
      .filter(Boolean);
  } catch {
    return [];
  }
}

const valuesOf = (key: string, number = 1) =>
  lines(number).flatMap((line) => {
    const event = parseClientLine(line);
    const value = event?.kind === "metric" ? event.values.get(key) : undefined;
    return value === undefined ? [] : [value];
  });

test("an agent that ends at any moment and starts again: each line once, in its order", () => {
  let text = "";
  for (let i = 0; i < 40; i++) text += i % 3 === 0 ? `words ${i}\n` : `{'loss': ${i}, 'step': ${i}}\n`;
  const expected = Array.from({ length: 40 }, (_, i) => i).filter((i) => i % 3 !== 0);
  let capture = start();
  for (let at = 0; at < text.length; at += 7) {
    output(text.slice(at, at + 7));
    look(capture, 400);
    // Killed: nothing is noted but what is written already; sometimes it left in peace.
    if (at % 5 === 0) {
      if (at % 2 === 0) capture.close(now(), true);
      capture = start();
    }
  }
  capture.finish(now());
  expect(valuesOf("loss")).toEqual(expected);
});

test("a million lines without metrics cost no line; of a flood of metrics some are taken, and how many not is said", () => {
  output("x".repeat(79).concat("\n").repeat(100_000));
  output("{'loss': 1, 'step': 2}\n".repeat(100_000));
  const capture = start();
  for (let i = 0; i < 4; i++) look(capture, 1_100);
  capture.finish(now());
  const taken = valuesOf("loss").length;
  expect(taken).toBeGreaterThanOrEqual(20_000);
  const dropped = lines().flatMap((line) => (JSON.parse(line) as { dropped?: number }).dropped ?? []);
  expect(taken + dropped.reduce((sum, each) => sum + each, 0)).toBe(100_000);
});

test("of more output than can be read the end is read, and the rest is counted in bytes", () => {
  const noise = "y".repeat(MIB - 1).concat("\n");
  for (let i = 0; i < 70; i++) output(noise);
  output("{'loss': 3, 'step': 1}\n");
  const capture = start();
  look(capture);
  capture.finish(now());
  expect(valuesOf("loss")).toEqual([3]);
  const bytes = lines().flatMap((line) => (JSON.parse(line) as { droppedBytes?: number }).droppedBytes ?? []);
  expect(bytes).toEqual([69 * MIB + 23]);
});

test("a line of 100 MB, binary and broken text pass by", () => {
  output("{'loss': 1, 'step': 1}\n");
  output("{".repeat(4 * MIB));
  const capture = start();
  look(capture);
  output("{'a".repeat(MIB));
  look(capture);
  appendFileSync(join(dirOf(1), "output.log"), Buffer.from([0xff, 0xfe, 0, 10, 0x7b, 0xc3, 10]));
  output("{'loss': 2, 'step': 2}\n{'loss': 3, 'step': 3}");
  look(capture);
  capture.finish(now());
  expect(valuesOf("loss")).toEqual([1, 2, 3]);
});

test("what the program logs itself is known before its print-out is taken, also after a restart", () => {
  output("{'loss': 1, 'step': 1, 'own': 5}\n");
  let capture = start();
  look(capture, 250);
  appendFileSync(join(dirOf(1), "client.jsonl"), '{"e":"m","s":1,"v":{"loss":1}}\n');
  look(capture);
  capture.close(now(), true);
  capture = start();
  output("{'loss': 2, 'step': 2, 'own': 6}\n");
  look(capture);
  look(capture);
  expect(valuesOf("loss")).toEqual([1]);
  expect(valuesOf("own")).toEqual([5, 6]);
});

test("a half-written line of the program is not joined with ours", () => {
  appendFileSync(join(dirOf(1), "client.jsonl"), '{"e":"m","v":{"a":1}}\n{"e":"m","v":');
  output("{'loss': 1, 'step': 1}\n");
  const capture = start();
  look(capture);
  capture.finish(now());
  expect(valuesOf("loss")).toEqual([1]);
});

test("a CSV of Keras with a header that grows; one that was there before counts from its end", () => {
  const keras = readFileSync(join(RECORDED, "keras-3.15.csv"), "utf8");
  writeFileSync(join(root, "work", "training.csv"), "epoch,loss\n0,9\n1,8\n");
  const before = (started - 60_000) / 1000;
  utimesSync(join(root, "work", "training.csv"), before, before);
  let capture = start({ csv: ["training.csv", "logs/*.csv"] });
  look(capture);
  expect(valuesOf("loss")).toEqual([]);
  appendFileSync(join(root, "work", "training.csv"), "2,7\n3,");
  mkdirSync(join(root, "work", "logs"));
  writeFileSync(join(root, "work", "logs", "keras.csv"), keras.slice(0, 120));
  look(capture);
  expect(valuesOf("loss")).toEqual([7, 1.5251240730285645]);
  capture = start({ csv: ["training.csv", "logs/*.csv"] });
  writeFileSync(join(root, "work", "logs", "keras.csv"), keras);
  look(capture);
  look(capture);
  expect(valuesOf("val_mae")).toEqual([1.0395909547805786, 0.9507402181625366, 0.8723138570785522]);
  const wider = keras.replace("val_mae\r\n", "val_mae,lr\r\n").replace(/(\d)\r\n/g, "$1,\r\n");
  writeFileSync(join(root, "work", "logs", "keras.csv"), `${wider}3,1,1,1,1,0.5\r\n`);
  look(capture);
  expect(valuesOf("lr")).toEqual([0.5]);
  expect(valuesOf("val_mae")).toHaveLength(4);
});

test("a file that may be of two runs is nobody's, and that is said; one below the run's directory is its own", () => {
  const first = start({}, 1);
  const second = start({}, 2);
  mkdirSync(join(root, "work/lightning_logs/version_0"), { recursive: true });
  writeFileSync(join(root, "work/lightning_logs/version_0/metrics.csv"), "step,loss\n1,2\n");
  mkdirSync(join(dirOf(2), "lightning_logs/version_0"), { recursive: true });
  writeFileSync(join(dirOf(2), "lightning_logs/version_0/metrics.csv"), "step,loss\n1,3\n");
  for (const capture of [first, second]) look(capture);
  first.finish(now());
  first.close(now(), false);
  look(second);
  second.finish(now());
  expect(valuesOf("loss", 1)).toEqual([]);
  expect(valuesOf("loss", 2)).toEqual([3]);
  expect(lines(1).join()).toContain("may be of another run");
});

test("several event writers of one run are told apart by their folders", () => {
  const bytes = readFileSync(join(RECORDED, "tensorboard-2.21.tfevents"));
  const capture = start();
  for (const split of ["train", "validation"]) {
    const folder = join(root, "work/logs", split);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `events.out.tfevents.${Math.ceil(Date.now() / 1000)}.elsewhere`), bytes);
    look(capture);
  }
  expect(valuesOf("train/val/acc")).toEqual([0, 0.5, 1]);
  expect(valuesOf("validation/val/acc")).toEqual([0, 0.5, 1]);
});
