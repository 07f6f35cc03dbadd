/** What programs say in words, through the ingest: each once, also where it is stored in pieces and the coordinator restarts. */
import { expect, test } from "vitest";
import { createAnnotations } from "../../../coordinator/store/annotations.ts";
import { WARNINGS_PER_RUN_MAX } from "../../../coordinator/store/run-words.ts";
import { fence, type RunId, runId } from "../../../shared/kernel/ids.ts";
import { startNats } from "../../helpers/nats.ts";
import { AGENT_ID, startOutputRig } from "../../helpers/output-rig.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

const RUN = runId("run");

test("tags, notes and warnings join what people wrote, once, through a restart in the middle of a line", async () => {
  await using nats = await startNats();
  await using rig = startOutputRig({ access: nats.access });
  rig.host(1);
  const annotations = createAnnotations(rig.db);
  annotations.set(RUN, { tags: ["mine"], note: "by hand", favourite: true });
  const told = new Set<RunId>();
  rig.feed.subscribe(({ runs }) => {
    for (const run of runs) told.add(run);
  });
  const at = Date.now() / 1000 - 60;
  const lines = [
    { e: "t", t: at, v: ["paper", "mine"] },
    { e: "n", t: at, text: "from the program" },
    { e: "w", t: at, text: "loss is nan", level: "error" },
    { e: "m", v: { loss: 1 } },
    { e: "w", text: "no time of its own" },
  ];
  const bytes = Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  const cut = bytes.indexOf("loss is nan");
  const put = (offset: number, data: Uint8Array) =>
    rig.ingest.ingestChunk(AGENT_ID, { fence: fence(1), stream: "client", offset, data });
  const committed = (size: number) =>
    waitUntil(`${size} bytes are stored`, () => rig.committed(1, "client") === size, { boundMs: 20_000 });
  put(0, bytes.subarray(0, cut));
  await committed(cut);
  expect(annotations.get(RUN)).toEqual({ tags: ["mine", "paper"], note: "by hand\nfrom the program", favourite: true });
  expect(told).toEqual(new Set([RUN]));
  // What a person changes meanwhile stays as it is.
  annotations.set(RUN, { tags: ["mine"], note: "again by hand" });
  await rig.restartIngest();
  put(0, bytes.subarray(0, cut));
  put(cut, bytes.subarray(cut));
  await committed(bytes.length);
  expect(annotations.get(RUN)).toEqual({ tags: ["mine"], note: "again by hand", favourite: true });
  const events = rig.db.prepare("SELECT at, kind, run_id, node, text FROM events ORDER BY seq").all();
  expect(events).toMatchObject([
    { at: Math.round(at * 1000), kind: "warning", run_id: "run", node: "node", text: "error: loss is nan" },
    { kind: "warning", text: "no time of its own" },
  ]);
});

test("a program that warns all the time fills no history", async () => {
  await using nats = await startNats();
  await using rig = startOutputRig({ access: nats.access });
  rig.host(1);
  const data = Buffer.from(
    Array.from({ length: WARNINGS_PER_RUN_MAX + 50 }, (_, i) => `{"e":"w","text":"n ${i}"}\n`).join(""),
  );
  rig.ingest.ingestChunk(AGENT_ID, { fence: fence(1), stream: "client", offset: 0, data });
  await waitUntil("it is stored", () => rig.committed(1, "client") === data.length, { boundMs: 20_000 });
  const events = rig.db.prepare("SELECT text FROM events ORDER BY seq").all();
  expect(events).toHaveLength(WARNINGS_PER_RUN_MAX);
  expect(events.at(-1)).toEqual({ text: "further warnings are in client.jsonl only" });
});

test("more metric names than are kept are one warning of the run, also through a restart", async () => {
  await using nats = await startNats();
  await using rig = startOutputRig({ access: nats.access });
  rig.host(1);
  const lineOf = (from: number, to: number) => {
    const values = Array.from({ length: to - from }, (_, i) => [`n${from + i}`, 1] as const);
    return Buffer.from(`${JSON.stringify({ e: "m", s: 1, v: Object.fromEntries(values) })}\n`);
  };
  const warnings = () =>
    rig.db.prepare("SELECT text FROM events WHERE kind = 'warning'").all() as unknown as { text: string }[];
  let offset = 0;
  const put = async (data: Buffer) => {
    rig.ingest.ingestChunk(AGENT_ID, { fence: fence(1), stream: "client", offset, data });
    offset += data.length;
    await waitUntil("it is stored", () => rig.committed(1, "client") === offset, { boundMs: 20_000 });
  };
  await put(Buffer.concat([lineOf(0, 5_000), lineOf(5_000, 10_000)]));
  expect(warnings()).toEqual([]);
  await put(Buffer.concat([lineOf(10_000, 10_001), lineOf(10_001, 10_003)]));
  expect(warnings()).toMatchObject([{ text: expect.stringMatching(/^more than 10,000 metric names: /) }]);
  await rig.restartIngest();
  await put(lineOf(10_003, 10_004));
  expect(warnings()).toHaveLength(1);
  expect(rig.db.prepare("SELECT count(*) AS n FROM metric_lasts").get()).toEqual({ n: 10_000 });
});
