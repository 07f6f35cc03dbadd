import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { COMMAND_TREE } from "../../../cli/command-tree.ts";
import { cliReference } from "../../../cli/reference.ts";

const DOCS = join(import.meta.dirname, "../../../docs/cli.md");

test("docs/cli.md is what the command tree says: node scripts/cli-docs.ts writes it", async () => {
  expect(readFileSync(DOCS, "utf8")).toBe(await cliReference());
}, 30_000);

test("every command is in it", async () => {
  const text = await cliReference();
  expect(COMMAND_TREE.filter(({ name }) => !text.includes(`### exp ${name}\n`))).toEqual([]);
});
