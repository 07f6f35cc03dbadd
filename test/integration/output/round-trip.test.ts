/** Output from the file on the host to the file in the results, through a real bus, without any fault. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import {
  appendFileSync,
  createWriteStream,
  existsSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { appendStatus } from "../../../agent/output/status-log.ts";
import { createOutputStore } from "../../../coordinator/store/outputs.ts";
import { fence } from "../../../shared/kernel/ids.ts";
import { type NatsServer, startNats } from "../../helpers/nats.ts";
import { type OutputRig, sha256Of, startOutputRig } from "../../helpers/output-rig.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

const MIB = 1024 * 1024;

let nats: NatsServer;
let rig: OutputRig;

beforeAll(async () => {
  nats = await startNats();
});
afterAll(() => nats.stop());
beforeEach(async () => {
  // Each test begins with an empty bus: fences start from 1 again.
  await nats.kill9();
  nats.deleteStore();
  await nats.restart();
  rig = startOutputRig({ access: nats.access });
  // What is published between the making of the stream and of its consumer is dropped and sent again: a fault's matter.
  await waitUntil("the bus is served", () => rig.ingest.health().connected);
});
afterEach(async () => {
  expect(rig.fatal).toEqual([]);
  await rig.stop();
});

async function stored(number: number, boundMs = 20_000): Promise<void> {
  await waitUntil(`attempt ${number} is stored`, () => rig.plane.isStored(fence(number)), {
    boundMs,
    seen: () => ({ stats: rig.plane.stats(), ingest: rig.ingest.stats(), health: rig.ingest.health() }),
  });
}

describe("output of an attempt", () => {
  it("arrives while the program runs, whole lines at once and a prompt after a moment", async () => {
    const file = rig.hostFile(1, "output");
    rig.watch(1);
    writeFileSync(file, "first\n");
    await waitUntil("the first line", () => rig.committed(1, "output") === 6);
    appendFileSync(file, "password: ");
    await waitUntil("the prompt", () => rig.committed(1, "output") === 16);
    expect(readFileSync(rig.resultFile(1, "output"), "utf8")).toBe("first\npassword: ");
  });

  it("is stored soon after the end of a short run, with final sizes by name and the listener called once", async () => {
    const heard: number[] = [];
    rig.plane.onStored((of) => heard.push(of));
    rig.watch(1);
    appendStatus(rig.host(1), { t: 1, e: "started", pid: 7 });
    writeFileSync(rig.hostFile(1, "output"), "no newline at the end");
    expect(await rig.plane.end(fence(1))).toEqual(
      new Map([
        ["output", 21],
        ["client", 0],
        ["status", statSync(rig.hostFile(1, "status")).size],
      ]),
    );
    await stored(1);
    await waitUntil("the listener", () => heard.length > 0);
    expect(heard).toEqual([1]);
    expect(existsSync(rig.resultFile(1, "client"))).toBe(false);
    rig.plane.forget(fence(1));
    expect(rig.plane.isStored(fence(1))).toBe(false);
  });

  it("is stored at once when there is none", async () => {
    rig.watch(1);
    await rig.plane.end(fence(1));
    expect(rig.plane.isStored(fence(1))).toBe(true);
    expect(rig.ingest.stats().messages).toBe(0);
  });

  it("tells the feed which attempts grew", async () => {
    const grown = new Set<number>();
    rig.feed.subscribe(({ outputs }) => {
      for (const of of outputs) grown.add(of);
    });
    for (const number of [1, 2]) writeFileSync(rig.hostFile(number, "output"), "x\n");
    rig.watch(2);
    await waitUntil("news", () => grown.size > 0);
    expect([...grown]).toEqual([2]);
  });

  it("keeps the last value of each metric, counted once", async () => {
    rig.watch(1);
    const lines = Array.from({ length: 5_000 }, (_, i) => `{"e":"m","s":${i},"v":{"loss":${i},"nan":"NaN"}}\n`);
    writeFileSync(rig.hostFile(1, "client"), lines.join(""));
    await rig.plane.end(fence(1));
    await stored(1);
    const rows = rig.db.prepare("SELECT key, value, text, step, count FROM metric_lasts ORDER BY key").all();
    expect(rows.map((row) => ({ ...row }))).toEqual([
      { key: "loss", value: 4_999, text: null, step: 4_999, count: 5_000 },
      { key: "nan", value: null, text: "NaN", step: 4_999, count: 5_000 },
    ]);
  });

  it("is byte for byte the same for 64 MiB of random bytes", { timeout: 90_000 }, async () => {
    rig.watch(1);
    const file = createWriteStream(rig.hostFile(1, "output"));
    for (let i = 0; i < 64; i++) if (!file.write(randomBytes(MIB))) await once(file, "drain");
    file.end();
    await once(file, "close");
    await rig.plane.end(fence(1));
    await stored(1, 60_000);
    expect(await sha256Of(rig.resultFile(1, "output"))).toBe(await sha256Of(rig.hostFile(1, "output")));
  });

  it("is the same for one line of 100 MB", { timeout: 90_000 }, async () => {
    rig.watch(1);
    const file = createWriteStream(rig.hostFile(1, "client"));
    const part = Buffer.alloc(MIB, "0123456789abcdef");
    for (let i = 0; i < 100; i++) if (!file.write(part)) await once(file, "drain");
    file.end('\n{"e":"m","v":{"after":1}}\n');
    await once(file, "close");
    await rig.plane.end(fence(1));
    await stored(1, 60_000);
    expect(await sha256Of(rig.resultFile(1, "client"))).toBe(await sha256Of(rig.hostFile(1, "client")));
    expect(createOutputStore(rig.db).metricKeys(fence(1))).toEqual(["after"]);
  });

  it("is whole for 64 attempts at once, and a flood delays no other", { timeout: 90_000 }, async () => {
    const numbers = Array.from({ length: 64 }, (_, i) => i + 1);
    writeFileSync(rig.hostFile(100, "output"), randomBytes(48 * MIB));
    rig.watch(100);
    for (const number of numbers) rig.watch(number);
    await Promise.all(
      numbers.map(async (number) => {
        for (let line = 0; line < 40; line++) {
          appendFileSync(rig.hostFile(number, "output"), `attempt ${number} line ${line} ${"x".repeat(line * 7)}\n`);
          appendFileSync(rig.hostFile(number, "client"), `{"e":"m","s":${line},"v":{"loss":${number}}}\n`);
          await sleep(number % 5);
        }
        await rig.plane.end(fence(number));
      }),
    );
    for (const number of numbers) await stored(number);
    await rig.plane.end(fence(100));
    await stored(100, 60_000);
    for (const number of [...numbers, 100]) {
      expect(await sha256Of(rig.resultFile(number, "output"))).toBe(await sha256Of(rig.hostFile(number, "output")));
    }
    const counts = rig.db.prepare("SELECT DISTINCT count FROM metric_lasts").all();
    expect(counts.map((row) => row.count)).toEqual([40]);
    expect(rig.ingest.stats()).toMatchObject({ holes: 0, dropped: 0, problem: "" });
  });

  it("keeps little in memory when a gigabyte waits", { timeout: 30_000 }, async () => {
    const file = rig.hostFile(1, "output");
    writeFileSync(file, "");
    // A sparse file costs no disk here, and reads as zeros.
    truncateSync(file, 1024 * MIB);
    rig.watch(1);
    await waitUntil("some of it", () => rig.committed(1, "output") > 32 * MIB, { boundMs: 20_000 });
    expect(rig.plane.stats().bytesOnTheWay).toBeLessThanOrEqual(5 * MIB);
  });
});
