/** What says that something goes on: a line on a terminal, plain lines in a pipe. */
import { expect, test } from "vitest";
import { createBusy } from "../../../cli/busy.ts";
import type { Output } from "../../../cli/output.ts";

function rig(options: { isTerminal: boolean; isQuiet?: boolean }) {
  const said: string[] = [];
  let now = 0;
  const out = { raw: (text: string) => said.push(text), note: (line: string) => said.push(line) } as unknown as Output;
  const busy = createBusy(out, { isQuiet: false, ...options, nowMs: () => now });
  const export3 = () =>
    busy.counting("exporting", 3, async (done) => {
      for (const at of [4_000, 11_000, 12_000]) {
        now = at;
        await Promise.resolve();
        done();
      }
      return "over";
    });
  return { said, busy, export3 };
}

test("in a pipe a line each ten seconds; none at the end, none when quiet", async () => {
  const plain = rig({ isTerminal: false });
  expect(await plain.export3()).toBe("over");
  expect(plain.said).toEqual(["exporting: 2 of 3"]);
  const quiet = rig({ isTerminal: false, isQuiet: true });
  await quiet.export3();
  expect(quiet.said).toEqual([]);
});

test("on a terminal one line that goes away, after a moment", async () => {
  const { said, busy } = rig({ isTerminal: true });
  await busy.counting("fetching files", 2, async (done) => {
    done();
    while (said.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  });
  expect(said[0]).toContain("fetching files: 1 of 2");
  expect(said.at(-1)).toBe("\r\u001b[K");
});
