/** Contents at the coordinator: whole or not at all, whatever becomes of the upload. */
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type BlobStore, type ContentFrame, openBlobStore } from "../../../coordinator/blobs/blob-store.ts";
import { CONTENT_BYTES_MAX } from "../../../shared/run/limits.ts";

let dir = "";
let store: BlobStore;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "exp-blobs-"));
  store = await openBlobStore(dir);
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const nameOf = (content: Uint8Array) => createHash("sha256").update(content).digest("hex");

function framesOf(content: Uint8Array, frameBytes = 1000, from = 0): ContentFrame[] {
  const frames: ContentFrame[] = [];
  for (let offset = from; offset < content.length || frames.length === 0; offset += frameBytes) {
    const data = content.subarray(offset, offset + frameBytes);
    frames.push({ hash: nameOf(content), size: content.length, offset, data });
  }
  return frames;
}

async function* given(...frames: ContentFrame[]): AsyncGenerator<ContentFrame> {
  yield* frames;
}

test("contents come back as they were, and are there after a restart", async () => {
  const contents = [Buffer.alloc(0), Buffer.from("x"), randomBytes(700_000)];
  expect(await store.receive(given(...contents.flatMap((content) => framesOf(content, 300_000))))).toBe(3);
  const again = await openBlobStore(dir);
  for (const content of contents) {
    expect(await again.size(nameOf(content))).toBe(content.length);
    expect(await again.read(nameOf(content))).toEqual(content);
  }
  expect(readdirSync(join(dir, "incoming"))).toEqual([]);
});

test("an upload that is broken off counts for nothing, and goes on where it stopped", async () => {
  const content = randomBytes(5_000);
  const name = nameOf(content);
  expect(await store.receive(given(...framesOf(content).slice(0, 3)))).toBe(0);
  const again = await openBlobStore(dir);
  expect(await again.size(name)).toBeUndefined();
  expect(await again.received(name)).toBe(3000);
  await expect(again.read(name)).rejects.toThrow(`the coordinator has no content ${name}`);
  await expect(again.receive(given(...framesOf(content)))).rejects.toThrow(
    "a frame begins at 0, and 3000 bytes are there",
  );
  expect(await again.receive(given(...framesOf(content, 1000, 3000)))).toBe(1);
  expect(await again.read(name)).toEqual(content);
});

test("a content that is not what its name says is refused, and nothing of it stays", async () => {
  const content = randomBytes(2_500);
  const [first, ...rest] = framesOf(content);
  if (!first) throw new Error("no frames");
  const damaged = { ...first, data: Buffer.alloc(first.data.length) };
  await expect(store.receive(given(damaged, ...rest))).rejects.toThrow("a content is not what its name says");
  expect(await store.received(nameOf(content))).toBe(0);
  expect(await store.receive(given(...framesOf(content)))).toBe(1);
});

test.each([
  ["a name that leads elsewhere", { hash: "../../../etc/passwd" }, "the name of a content is 64 hex digits"],
  ["a size beyond the limit", { size: CONTENT_BYTES_MAX + 1 }, "a content is at most"],
  ["more bytes than its size", { size: 2 }, "a content is longer than its size"],
  ["an empty content of another name", { size: 0, data: Buffer.alloc(0) }, "a content without bytes has another name"],
])("refused: %s", async (_what, part, message) => {
  const [frame] = framesOf(Buffer.from("abc"));
  if (!frame) throw new Error("no frame");
  await expect(store.receive(given({ ...frame, ...part }))).rejects.toThrow(message);
  expect(readdirSync(join(dir, "incoming"))).toEqual([]);
});

test("two uploads of one content do not mix", async () => {
  const content = randomBytes(3_000);
  const frames = framesOf(content);
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  async function* slowly(): AsyncGenerator<ContentFrame> {
    for (const [i, frame] of frames.entries()) {
      if (i === 1) await gate;
      yield frame;
    }
  }
  const first = store.receive(slowly());
  await expect.poll(() => store.received(nameOf(content))).toBe(1000);
  await expect(store.receive(given(...frames))).rejects.toThrow("another upload of the same content");
  open();
  expect(await first).toBe(1);
  // What is there already is passed over.
  expect(await store.receive(given(...frames))).toBe(0);
});
