/** The ingest alone, against messages published by hand in every wrong order and shape. */
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { crc32 } from "node:zlib";
import { headers, type NatsConnection } from "@nats-io/nats-core";
import { connect } from "@nats-io/transport-node";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Fence, fence } from "../../../shared/kernel/ids.ts";
import { CRC_HEADER, OFFSET_HEADER, outputSubject, type StreamName } from "../../../shared/subjects.ts";
import { type NatsServer, startNats } from "../../helpers/nats.ts";
import { AGENT_ID, type OutputRig, startOutputRig } from "../../helpers/output-rig.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

let nats: NatsServer;
let rig: OutputRig;
let bus: NatsConnection;

beforeAll(async () => {
  nats = await startNats();
});
afterAll(() => nats.stop());
beforeEach(async () => {
  rig = startOutputRig({ access: nats.access });
  await waitUntil("the bus is served", () => rig.ingest.health().connected);
  const { user, password } = nats.access;
  bus = await connect({ servers: [...nats.access.servers], user, pass: password });
});
afterEach(async () => {
  expect(rig.fatal).toEqual([]);
  await bus.close();
  await rig.stop();
});

interface Message {
  readonly agent?: string;
  readonly fence?: Fence;
  readonly stream?: StreamName;
  readonly offset: number;
  readonly data: Uint8Array;
  readonly crc?: string;
}

async function send({ agent = AGENT_ID, fence: of = fence(1), stream = "output", offset, data, crc }: Message) {
  const head = headers();
  head.set(OFFSET_HEADER, String(offset));
  head.set(CRC_HEADER, crc ?? String(crc32(data)));
  const answer = await bus.request(outputSubject({ agent, fence: of, stream }), data, {
    headers: head,
    timeout: 5_000,
  });
  expect(answer.string()).toContain('"seq"');
}

const text = (value: string): Uint8Array => Buffer.from(value);
const stored = (): string => readFileSync(rig.resultFile(1, "output"), "utf8");
const handled = (count: number) =>
  waitUntil(`${count} messages handled`, () => rig.ingest.stats().messages >= count, {
    seen: () => rig.ingest.stats(),
  });

describe("ranges by hand", () => {
  beforeEach(() => {
    rig.host(1);
  });

  it("takes an overlap for what is new in it, and gives a hint for a hole", async () => {
    await send({ offset: 0, data: text("abcd") });
    await send({ offset: 2, data: text("cdef") });
    await send({ offset: 0, data: text("abcd") });
    await send({ offset: 9, data: text("far") });
    await handled(4);
    expect(stored()).toBe("abcdef");
    expect(rig.ingest.stats()).toMatchObject({ bytes: 6, holes: 1 });
    await waitUntil("a hint", () => rig.hints > 0);
  });

  it("gives the whole stream once from random doubled, swapped and missing messages", { timeout: 60_000 }, async () => {
    let next = 1;
    const plan = fc.array(fc.record({ at: fc.nat(199), length: fc.integer({ min: 1, max: 60 }) }), {
      minLength: 1,
      maxLength: 40,
    });
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 200, maxLength: 200 }), plan, async (bytes, messages) => {
        next += 1;
        const of = fence(next);
        rig.host(next);
        await Promise.all(
          messages.map(({ at, length }) => send({ fence: of, offset: at, data: bytes.subarray(at, at + length) })),
        );
        // What a sender does in the end: all of it, from the start.
        for (let at = 0; at < bytes.length; at += 50) {
          await send({ fence: of, offset: at, data: bytes.subarray(at, at + 50) });
        }
        await waitUntil("the end", () => rig.committed(next, "output") === bytes.length);
        expect(new Uint8Array(readFileSync(rig.resultFile(next, "output")))).toEqual(new Uint8Array(bytes));
      }),
      { numRuns: 25 },
    );
  });

  it("drops what is damaged or not its sender's, and goes on", async () => {
    await send({ offset: 0, data: text("damaged"), crc: "12345" });
    await send({ offset: 0, data: text("no crc"), crc: "" });
    await send({ offset: -5, data: text("before the start") });
    await send({ offset: Number.NaN, data: text("nowhere") });
    await send({ fence: fence(99), offset: 0, data: text("unknown attempt") });
    await send({ agent: "agent-2", offset: 0, data: text("of another agent") });
    await bus.request("exp.v1.anything.else", "not ours");
    await send({ offset: 0, data: text("good") });
    await waitUntil("the good one", () => rig.committed(1, "output") === 4);
    expect(stored()).toBe("good");
    expect(rig.ingest.stats()).toMatchObject({ dropped: 7, bytes: 4, problem: "" });
  });

  it("takes chunks of control sessions by the same rules", async () => {
    const chunk = { fence: fence(1), stream: "output" as const };
    rig.ingest.ingestChunk("agent-2", { ...chunk, offset: 0, data: text("not its agent") });
    rig.ingest.ingestChunk(AGENT_ID, { ...chunk, offset: 3, data: text("beyond") });
    rig.ingest.ingestChunk(AGENT_ID, { ...chunk, offset: 0, data: text("abc") });
    await waitUntil("stored", () => rig.committed(1, "output") === 3);
    await send({ offset: 0, data: text("abcdef") });
    await waitUntil("stored", () => rig.committed(1, "output") === 6);
    expect(stored()).toBe("abcdef");
  });

  it("stores what comes in at about the same time as one batch", async () => {
    const numbers = Array.from({ length: 20 }, (_, i) => i + 1);
    for (const number of numbers) rig.host(number);
    const { batches } = rig.ingest.stats();
    for (const number of numbers) {
      rig.ingest.ingestChunk(AGENT_ID, { fence: fence(number), stream: "output", offset: 0, data: text("abc") });
    }
    await waitUntil("stored", () => numbers.every((number) => rig.committed(number, "output") === 3));
    // A second one where a message of the bus itself came before.
    expect(rig.ingest.stats().batches - batches).toBeLessThanOrEqual(2);
  });

  it("holds nobody up when one file cannot be written, and heals", async () => {
    // A file where the directory should be fails for every user.
    const blocked = dirname(rig.resultFile(1, "output"));
    mkdirSync(dirname(blocked), { recursive: true });
    writeFileSync(blocked, "in the way");
    rig.host(2);
    await send({ offset: 0, data: text("blocked") });
    await send({ fence: fence(2), offset: 0, data: text("free") });
    await waitUntil("the other one", () => rig.committed(2, "output") === 4);
    expect(rig.committed(1, "output")).toBe(0);
    expect(rig.ingest.stats().problem).not.toBe("");
    rmSync(blocked);
    await send({ offset: 0, data: text("blocked") });
    await waitUntil("healed", () => rig.committed(1, "output") === 7);
    expect(rig.ingest.stats().problem).toBe("");
  });

  it("ends the process, and commits nothing, when bytes cannot be made durable", async () => {
    // Syncing a device file fails with EINVAL, as a broken disk would with EIO.
    mkdirSync(dirname(rig.resultFile(1, "output")), { recursive: true });
    symlinkSync("/dev/null", rig.resultFile(1, "output"));
    rig.host(2);
    await send({ offset: 0, data: text("x") });
    await waitUntil("the end", () => rig.fatal.length > 0);
    expect(rig.fatal.splice(0)[0]?.message).toMatch(/cannot make .*output\.log durable/);
    await send({ fence: fence(2), offset: 0, data: text("after the end") });
    expect(rig.committed(1, "output")).toBe(0);
    rmSync(rig.resultFile(1, "output"));
    await rig.restartIngest();
    // What was handed to the old process is gone with the first acknowledgement of the new one, which stands for all before it.
    // Agents count on nothing else: they send from the watermark again when a new coordinator welcomes them.
    await send({ fence: fence(2), offset: 0, data: text("after the end") });
    await waitUntil("the new process takes it", () => rig.committed(2, "output") > 0, {
      seen: () => rig.fatal.map(String),
    });
    expect(rig.committed(2, "output")).toBe("after the end".length);
  });

  it("goes on with a half line of metrics after a restart", async () => {
    const line = '{"e":"m","s":1,"v":{"loss":1}}\n';
    await send({ stream: "client", offset: 0, data: text(line + line.slice(0, 10)) });
    await waitUntil("stored", () => rig.committed(1, "client") === line.length + 10);
    await rig.restartIngest();
    await send({ stream: "client", offset: line.length + 10, data: text(line.slice(10)) });
    await waitUntil("stored", () => rig.committed(1, "client") === 2 * line.length);
    expect({ ...rig.db.prepare("SELECT key, value, count FROM metric_lasts").get() }).toEqual({
      key: "loss",
      value: 1,
      count: 2,
    });
  });
});
