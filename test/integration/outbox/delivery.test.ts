/** The outbox against a real HTTP server: what fails comes again, what is refused does not, and nothing is lost in between. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { createSlackChannel, createWebhookChannel } from "../../../coordinator/outbox/channels/messages.ts";
import { NO_CHANNELS, readChannels } from "../../../coordinator/outbox/channels-file.ts";
import { type DeliveryPolicy, startDelivery } from "../../../coordinator/outbox/delivery.ts";
import type { SweepFacts } from "../../../coordinator/outbox/facts.ts";
import { openDatabase } from "../../../coordinator/store/database.ts";
import { createOutbox } from "../../../coordinator/store/outbox.ts";
import { type Receiver, type Reply, startReceiver } from "../../helpers/receiver.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

const POLICY: DeliveryPolicy = { backoff: { baseMs: 5, maxMs: 40 }, triesMax: 5, ageMsMax: 60_000 };
const FACTS: SweepFacts = { sweep: "digits.1", project: "", started: { runs: 2 } };

function rig(receiver: Receiver, policy = POLICY) {
  const db = openDatabase(":memory:");
  const outbox = createOutbox(db);
  const lines: { fields: { error?: string }; message: string }[] = [];
  const log = (fields: object, message: string) => void lines.push({ fields, message });
  const url = `${receiver.url}/services/very-secret-path`;
  const channels = [
    createWebhookChannel({ name: "webhook:ci", url, secret: "s3cret" }, () => Date.now()),
    createSlackChannel({ name: "slack:ml", url, secret: "" }, () => Date.now()),
  ];
  const start = () =>
    startDelivery({
      outbox,
      channels,
      clock: { wallMs: () => Date.now() },
      random: () => 0.5,
      logger: { info: log, warn: log, error: log } as never,
      secrets: [url, "s3cret"],
      policy,
    });
  let n = 0;
  const put = (channel = "webhook:ci", facts: SweepFacts = FACTS) => {
    const now = Date.now();
    n += 1;
    const body = JSON.stringify(facts);
    outbox.put({ id: `id-${n}`, channel, subject: `s-${n}`, body, createdAt: now, dueAt: now, merge: (old) => old });
  };
  return { outbox, start, put, lines, db };
}

describe("what goes wrong", () => {
  const failures: [string, Reply][] = [
    ["a server error", { status: 503 }],
    ["too many requests", { status: 429, headers: { "retry-after": "0" } }],
    ["a lost answer", { hangUp: true }],
  ];
  test.each(failures)("%s: again, with the same id and content", async (_, reply) => {
    await using receiver = await startReceiver();
    receiver.answer = (__, count) => (count < 3 ? reply : {});
    const { outbox, start, put } = rig(receiver);
    put();
    const loop = start();
    await waitUntil("it is delivered", () => outbox.count() === 0);
    await loop.stop();
    expect(receiver.received.map(({ headers }) => headers["x-expfleet-delivery"])).toEqual(["id-1", "id-1", "id-1"]);
    expect(receiver.received.map(({ headers }) => headers["x-expfleet-try"])).toEqual(["1", "2", "3"]);
    expect(new Set(receiver.received.map(({ text }) => text)).size).toBe(1);
  });

  test("the receiver says when", async () => {
    await using receiver = await startReceiver();
    const times: number[] = [];
    receiver.answer = (_, count) => {
      times.push(performance.now());
      return count === 1 ? { status: 429, headers: { "retry-after": "1" } } : {};
    };
    const { outbox, start, put } = rig(receiver);
    put();
    const loop = start();
    await waitUntil("it is delivered", () => outbox.count() === 0);
    await loop.stop();
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThan(950);
  });

  test.each([404, 400, 302])("HTTP %i: refused, not sent again, and no secret in the log", async (status) => {
    await using receiver = await startReceiver();
    receiver.answer = (request) => ({ status, headers: { location: "/other" }, body: { seen: request.path } });
    const { outbox, start, put, lines } = rig(receiver);
    put();
    const loop = start();
    await waitUntil("it is dropped", () => outbox.count() === 0);
    await loop.stop();
    expect(receiver.received).toHaveLength(1);
    expect(lines.map(({ message }) => message)).toEqual(["message refused by its channel: not sent again"]);
    expect(JSON.stringify(lines)).not.toContain("s3cret");
  });

  test("tries are bounded", async () => {
    await using receiver = await startReceiver();
    receiver.answer = () => ({ status: 500 });
    const { outbox, start, put, lines } = rig(receiver);
    put();
    const loop = start();
    await waitUntil("it is given up", () => outbox.count() === 0);
    await loop.stop();
    expect(receiver.received).toHaveLength(POLICY.triesMax);
    expect(lines.at(-1)?.message).toBe("message given up");
  });

  test("a silent receiver holds up its own channel only, and not the end of the program", async () => {
    await using receiver = await startReceiver();
    receiver.answer = ({ json }) => (json?.id ? { silent: true } : {});
    const { outbox, start, put } = rig(receiver);
    put("webhook:ci");
    put("slack:ml");
    const loop = start();
    await waitUntil("the other one is delivered", () => outbox.count() === 1);
    await loop.stop();
    expect(outbox.count()).toBe(1);
    receiver.answer = () => ({});
    const again = start();
    await waitUntil("it is delivered after a start", () => outbox.count() === 0);
    await again.stop();
    expect(receiver.received.filter(({ json }) => json.id === "id-1")).toHaveLength(2);
  });
});

test("entries of one subject are merged until one is being sent", () => {
  const db = openDatabase(":memory:");
  const outbox = createOutbox(db);
  const put = (id: string) =>
    outbox.put({
      id,
      channel: "slack:ml",
      subject: "s",
      body: "1",
      createdAt: 0,
      dueAt: 5,
      merge: (old) => String(Number(old) + 1),
    });
  for (let i = 0; i < 100; i++) put(`a${i}`);
  const first = outbox.due("slack:ml", 5, 10);
  expect(first).toMatchObject([{ id: "a0", body: "100", tries: 0 }]);
  outbox.begin(first);
  put("b");
  expect(outbox.due("slack:ml", 5, 10)).toMatchObject([
    { id: "a0", body: "100", tries: 1 },
    { id: "b", body: "1", tries: 0 },
  ]);
});

test("the file is read only where nobody else can read it", () => {
  const dir = mkdtempSync(join(tmpdir(), "exp-channels-"));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const file = join(dir, "channels.toml");
  expect(readChannels(file, false)).toEqual(NO_CHANNELS);
  expect(() => readChannels(file, true)).toThrow("no such file");
  writeFileSync(file, '[slack.ml]\nurl = "https://hooks.slack.com/services/x"\n', { mode: 0o640 });
  expect(() => readChannels(file, false)).toThrow(`${file}: others may read it`);
  chmodSync(file, 0o600);
  expect(readChannels(file, false).messages).toMatchObject([{ name: "slack:ml", kind: "slack" }]);
});

test("Slack's texts cannot address anybody", async () => {
  await using receiver = await startReceiver();
  const { outbox, start, put } = rig(receiver);
  const examples = [{ run: "digits.1.1", reason: "<!channel> & <http://x|y>" }];
  put("slack:ml", { sweep: "digits.1", project: "", failed: { count: 1, examples } });
  const loop = start();
  await waitUntil("it is delivered", () => outbox.count() === 0);
  await loop.stop();
  expect(receiver.received[0]?.json.text).toContain("&lt;!channel&gt; &amp; &lt;http://x|y&gt;");
});
