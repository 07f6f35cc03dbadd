/** Writes docs/cli.md, the reference of `exp`, from the command tree: node scripts/cli-docs.ts [--check] */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cliReference } from "../cli/reference.ts";

const file = join(import.meta.dirname, "..", "docs", "cli.md");
const text = await cliReference();
if (!process.argv.includes("--check")) writeFileSync(file, text);
else if (readFileSync(file, "utf8") !== text) {
  process.stderr.write(
    "docs/cli.md is not what the command tree says: run node scripts/cli-docs.ts and commit the result.\n",
  );
  process.exitCode = 1;
}
