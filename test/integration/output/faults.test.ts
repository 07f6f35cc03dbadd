/** Every byte arrives once, whatever happens to the bus, the ingest and the plane on its way. */
import { appendFileSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { appendStatus } from "../../../agent/output/status-log.ts";
import { fence } from "../../../shared/kernel/ids.ts";
import { OUTPUT_CONSUMER, OUTPUT_STREAM } from "../../../shared/subjects.ts";
import { type NatsServer, startNats } from "../../helpers/nats.ts";
import { type OutputRig, sha256Of, startOutputRig } from "../../helpers/output-rig.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

const ATTEMPTS = [1, 2, 3, 4];

let nats: NatsServer;
let rig: OutputRig;

beforeEach(async () => {
  nats = await startNats();
  rig = startOutputRig({ access: nats.access });
});
afterEach(async () => {
  expect(rig.fatal).toEqual([]);
  await rig.stop();
  await nats.stop();
});

/** Programs that write metrics and logs until told to stop; gives how many points each wrote. */
function startPrograms(): () => Promise<Map<number, number>> {
  let going = true;
  const points = new Map<number, number>();
  for (const number of ATTEMPTS) rig.watch(number);
  const programs = ATTEMPTS.map(async (number) => {
    while (going) {
      const from = points.get(number) ?? 0;
      const lines = Array.from({ length: 50 }, (_, i) => `{"e":"m","s":${from + i},"v":{"loss":${number}}}\n`);
      appendFileSync(rig.hostFile(number, "client"), lines.join(""));
      appendFileSync(rig.hostFile(number, "output"), `step ${from} ${"=".repeat(from % 4_000)}\r\n\u0000`);
      points.set(number, from + lines.length);
      await sleep(2);
    }
  });
  return async () => {
    going = false;
    await Promise.all(programs);
    return points;
  };
}

/** Ends all attempts and compares what is stored with what was written. */
async function expectWhole(points: ReadonlyMap<number, number>): Promise<void> {
  for (const number of ATTEMPTS) await rig.plane.end(fence(number));
  for (const number of ATTEMPTS) {
    await waitUntil(`attempt ${number} is stored`, () => rig.plane.isStored(fence(number)), {
      boundMs: 30_000,
      seen: () => ({ plane: rig.plane.stats(), ingest: rig.ingest.stats(), health: rig.ingest.health() }),
    });
    for (const stream of ["output", "client"] as const) {
      expect(await sha256Of(rig.resultFile(number, stream))).toBe(await sha256Of(rig.hostFile(number, stream)));
    }
    const row = rig.db.prepare("SELECT count FROM metric_lasts WHERE fence = ?").get(number);
    expect(row?.count).toBe(points.get(number));
  }
}

const grows = async (by = 1): Promise<void> => {
  const before = rig.ingest.stats().bytes;
  await waitUntil("stored bytes grow", () => rig.ingest.stats().bytes >= before + by, {
    boundMs: 20_000,
    seen: () => ({ plane: rig.plane.stats(), ingest: rig.ingest.stats(), health: rig.ingest.health() }),
  });
};

describe("exactly once", () => {
  it("over kill -9 of the server in mid-stream", { timeout: 120_000 }, async () => {
    const stop = startPrograms();
    for (let kill = 0; kill < 10; kill++) {
      await grows();
      await sleep((kill * 37) % 100);
      await nats.restart();
    }
    await expectWhole(await stop());
  });

  it("over the deletion of the server's data", { timeout: 120_000 }, async () => {
    const stop = startPrograms();
    for (let cut = 0; cut < 3; cut++) {
      await grows(20_000);
      await nats.kill9();
      nats.deleteStore();
      await nats.restart();
    }
    await expectWhole(await stop());
  });

  it("over the deletion of the stream or the consumer under a living server", { timeout: 60_000 }, async () => {
    const stop = startPrograms();
    await grows();
    const [server] = nats.access.servers;
    const connection = await connect({ servers: server ?? "", user: nats.access.user, pass: nats.access.password });
    const manager = await jetstreamManager(connection);
    await manager.consumers.delete(OUTPUT_STREAM, OUTPUT_CONSUMER);
    await grows(50_000);
    await manager.streams.delete(OUTPUT_STREAM);
    await grows(50_000);
    await connection.close();
    await expectWhole(await stop());
  });

  it("over restarts of the ingest", { timeout: 60_000 }, async () => {
    const stop = startPrograms();
    for (let restart = 0; restart < 5; restart++) {
      await grows();
      await rig.restartIngest();
    }
    await expectWhole(await stop());
  });

  it("over restarts of the plane", { timeout: 60_000 }, async () => {
    const stop = startPrograms();
    for (let restart = 0; restart < 5; restart++) {
      await grows();
      await rig.restartPlane();
      for (const number of ATTEMPTS) rig.watch(number);
    }
    await expectWhole(await stop());
  });

  it("when all of what was stored is unknown to a new plane", async () => {
    writeFileSync(rig.hostFile(1, "output"), "one\ntwo\n");
    rig.watch(1);
    await waitUntil("stored", () => rig.committed(1, "output") === 8);
    await rig.restartPlane();
    rig.plane.watch(fence(1), rig.host(1), new Map());
    await rig.plane.end(fence(1));
    await waitUntil("stored again", () => rig.plane.isStored(fence(1)));
    expect(await sha256Of(rig.resultFile(1, "output"))).toBe(await sha256Of(rig.hostFile(1, "output")));
  });

  it("over watermarks that never reached the agent", async () => {
    rig.session = false;
    writeFileSync(rig.hostFile(1, "output"), "one\ntwo\n");
    rig.watch(1);
    await rig.plane.end(fence(1));
    await waitUntil("a watermark that nobody hears", () => rig.unheard.some(({ offset }) => offset === 8));
    expect(rig.committed(1, "output")).toBe(8);
    expect(rig.plane.isStored(fence(1))).toBe(false);
    rig.session = true;
    await waitUntil("the agent hears of it", () => rig.plane.isStored(fence(1)), { boundMs: 15_000 });
  });
});

describe("without a bus", () => {
  it("status records take the control session, and nothing is doubled when the bus is back", async () => {
    await rig.stop();
    await nats.kill9();
    rig = startOutputRig({ access: nats.access, plane: { busAwayMs: 100 } });
    rig.watch(1);
    writeFileSync(rig.hostFile(1, "output"), "bulk waits\n");
    appendStatus(rig.host(1), { t: 1, e: "started", pid: 9 });
    await waitUntil("the status record", () => rig.committed(1, "status") > 0);
    expect(rig.committed(1, "output")).toBe(0);
    expect(rig.plane.stats().busAvailable).toBe(false);
    expect(rig.plane.stats().busProblem).not.toBe("");
    expect(rig.ingest.health().connected).toBe(false);
    await nats.restart();
    appendStatus(rig.host(1), { t: 2, e: "exited", outcome: "succeeded", code: 0 });
    await rig.plane.end(fence(1));
    await waitUntil("all is stored", () => rig.plane.isStored(fence(1)), { boundMs: 20_000 });
    expect(await sha256Of(rig.resultFile(1, "status"))).toBe(await sha256Of(rig.hostFile(1, "status")));
  });
});

describe("a bus that is full", () => {
  it("is said, holds nothing but the agents up, and is over when there is room", { timeout: 60_000 }, async () => {
    await rig.stop();
    rig = startOutputRig({ access: nats.access, streamBytesMax: 1024 * 1024 });
    await waitUntil("the stream", () => rig.ingest.health().connected);
    await rig.ingest.close();
    rig.watch(1);
    writeFileSync(rig.hostFile(1, "output"), Buffer.alloc(8 * 1024 * 1024, "full\n"));
    await waitUntil("the refusal", () => /maximum bytes/.test(rig.plane.stats().busProblem), {
      seen: () => rig.plane.stats(),
    });
    await rig.restartIngest();
    await rig.plane.end(fence(1));
    await waitUntil("all is stored", () => rig.plane.isStored(fence(1)), {
      boundMs: 40_000,
      seen: () => ({ plane: rig.plane.stats(), ingest: rig.ingest.stats() }),
    });
  });
});
