/** The expanding threads: one is there ahead, and one that fails costs whoever asks next, and nobody else. */
import { once } from "node:events";
import type { Worker } from "node:worker_threads";
import { afterEach, expect, test } from "vitest";
import { createExpander, type Expander, leave } from "../../../coordinator/rpc/expand/expander.ts";
import type { SourceFiles } from "../../../coordinator/rpc/expand/messages.ts";

const SOURCE: SourceFiles = {
  source: {
    path: "sweep.toml",
    text: 'name = "a"\nrun.command = "true"\n',
    format: "toml",
    directory: "/",
    workingDirectory: "/",
    home: "/",
  },
  files: [],
  digests: {},
};

const started: Worker[] = [];
const note = (worker: Worker) => void started.push(worker);
let expander: Expander;

/** The thread that was started ahead. */
async function begin(program?: URL): Promise<Worker> {
  started.length = 0;
  process.on("worker", note);
  expander = createExpander(program);
  expander.warm();
  const [first] = (await once(process, "worker")) as [Worker];
  return first;
}

afterEach(async () => {
  process.off("worker", note);
  await expander.close();
});

test("the thread that was started ahead serves the first file, and the next", async () => {
  await begin();
  expander.warm();
  for (let round = 1; round <= 2; round++) {
    const { slices, total } = await expander.expand(SOURCE, false);
    expect(total).toBe(1);
    await leave(slices);
  }
  expect(started).toHaveLength(1);
});

test("one that ended while nobody asked is replaced", async () => {
  const first = await begin();
  await first.terminate();
  const { slices, total } = await expander.expand(SOURCE, false);
  expect(total).toBe(1);
  await leave(slices);
  expect(started).toHaveLength(2);
});

test("one that cannot start is told to those who ask", async () => {
  const first = await begin(new URL("data:text/javascript,throw new Error('no room')"));
  await new Promise((resolve) => first.once("exit", resolve));
  await expect(expander.expand(SOURCE, false)).rejects.toThrow("no room");
  expect(started).toHaveLength(2);
});
