/** Before tests that serve the page: builds it where its sources are newer. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

export function setup(): void {
  execFileSync(process.execPath, [fileURLToPath(new URL("../../scripts/dashboard.ts", import.meta.url))]);
}
