/** The five-minute tour, as it is written: its files are saved, its commands typed one after the other. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { processesOf } from "../helpers/fleet.ts";
import { runExp } from "../helpers/program-process.ts";
import { waitUntil } from "../helpers/wait-until.ts";

const TOUR = readFileSync(join(import.meta.dirname, "../../docs/tour.md"), "utf8");
const blocks = [...TOUR.matchAll(/^```(\w+)\n(.*?)^```/gms)].map(([, language, text = ""]) => ({ language, text }));

let dir = "";
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "exp-tour-"));
});
afterAll(async () => {
  await exp(["down", "--yes"]);
  await waitUntil("no process of the tour", () => processesOf(dir).length === 0, { seen: () => processesOf(dir) });
  rmSync(dir, { recursive: true, force: true });
});

const exp = (args: readonly string[]) => runExp(args, dir, { HOME: dir, XDG_CONFIG_HOME: dir });

/** Words as a shell reads them: in single quotes as they are, else between blanks. */
const wordsOf = (line: string) =>
  [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? "");

/** What ends otherwise than with 0, and what is to be seen. */
const CODES: readonly (readonly [start: string, code: number])[] = [["exp submit --param", 1]];
const SAYS: readonly (readonly [start: string, says: string | RegExp])[] = [
  ["exp plan sweep.toml", "8 runs = 2 lr x 2 depth x 2 seed"],
  ["exp ls tour.1 --sort", /NAME +lr +depth +seed +val\/acc +TOOK\ntour\.1\.8 /],
  ["exp ls tour.1 --group", /^0\.01 +4 +2 +0\.9985 .* 2 succeeded$/m],
  ["exp best tour.1", /^ +1 +tour\.1\.8 +0\.9985 +2 /m],
  ["exp logs tour.1.1", "epoch 4 accuracy 0.96"],
  ["exp open", /^http:\/\/127\.0\.0\.1:\d+\/sweeps\/tour\.1$/m],
  ["exp submit sweep.toml --set", "12 runs, 4 new, 8 completed before"],
  ["exp ls --state failed", "python3.1.1"],
  ["exp why last.1", "exit code 1"],
];

test("does what it says", async () => {
  const names = new Map([
    ["python", "train.py"],
    ["toml", "sweep.toml"],
  ]);
  let typed = 0;
  for (const { language = "", text } of blocks) {
    const file = names.get(language);
    if (file !== undefined) {
      writeFileSync(join(dir, file), text);
      continue;
    }
    for (const line of text.split("\n").filter((each) => each !== "")) {
      const words = wordsOf(line).slice(1);
      // The usual ports may be taken on a machine where tests run.
      const { code, stdout, stderr } = await exp(words[0] === "up" ? [...words, "--port", "0"] : words);
      const wanted = CODES.find(([start]) => line.startsWith(start))?.[1] ?? 0;
      expect({ line, code, stderr: code === wanted ? "" : stderr }).toEqual({ line, code: wanted, stderr: "" });
      const says = SAYS.find(([start]) => line.startsWith(start))?.[1];
      if (says !== undefined) expect(stdout).toMatch(says);
      typed += 1;
    }
  }
  expect(typed).toBeGreaterThan(20);
}, 180_000);
