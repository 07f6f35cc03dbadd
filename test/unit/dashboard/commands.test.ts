/** The commands that the page shows for what it does. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { actionCommand, apiCommand, referenceWords, shellWord } from "../../../dashboard/app/commands.ts";
import { parseRef } from "../../../shared/run/refs.ts";

test.each<[string[], string[]]>([
  [[], []],
  [["digits.1"], ["digits.1"]],
  [["digits.1.4"], ["digits.1.4"]],
  [["digits.1.3", "digits.1.1", "digits.1.2", "digits.1.7"], ["digits.1.1-3,7"]],
  [
    ["digits.1.2", "a.b.2.1", "digits.1.2"],
    ["digits.1.2", "a.b.2.1"],
  ],
])("%j as the references %j", (refs, words) => {
  expect(referenceWords(refs)).toEqual(words);
});

test("a thousand runs apart from each other are references that are taken", () => {
  const words = referenceWords(Array.from({ length: 1_000 }, (_, i) => `digits.1.${2 * i + 1}`));
  expect(words.length).toBeGreaterThan(1);
  const picked = words.flatMap((word) => {
    const parsed = parseRef(word);
    const reading = parsed.ok ? parsed.readings.find(({ kind }) => kind === "runs") : undefined;
    return reading?.kind === "runs" && reading.picks !== "all" ? reading.picks : [];
  });
  expect(picked).toHaveLength(1_000);
});

test("each action by its command", () => {
  expect(actionCommand("cancel", ["a.1.1", "a.1.2"])).toBe("exp cancel a.1.1-2");
  expect(actionCommand("priority", ["a.1"], 3)).toBe("exp edit a.1 --priority 3");
  expect(actionCommand("priority", ["a.1"], -3)).toBe("exp edit a.1 --priority=-3");
});

test.each([
  ["val/acc", "val/acc"],
  ["a b", "'a b'"],
  ["it's", "'it'\\''s'"],
  ["", "''"],
])("the word %j", (word, quoted) => {
  expect(shellWord(word)).toBe(quoted);
});

test("the token comes to curl by its input, as a header", () => {
  const dir = mkdtempSync(join(tmpdir(), "exp-curl-"));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const token = join(dir, "token");
  writeFileSync(token, "secret\n");
  writeFileSync(join(dir, "curl"), '#!/bin/sh\nprintf "%s\\n" "$@"\ncat\n', { mode: 0o755 });
  const env = { PATH: `${dir}:${process.env.PATH}`, EXP_TOKEN_FILE: token };
  const said = execFileSync("sh", ["-c", apiCommand("http://127.0.0.1:7717", "/usage?days=7&kind=gpu")], { env });
  expect(said.toString()).toBe(
    "-sS\n-H\n@-\nhttp://127.0.0.1:7717/api/v1/usage?days=7&kind=gpu\nAuthorization: Bearer secret\n",
  );
});
