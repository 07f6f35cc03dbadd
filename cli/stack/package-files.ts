/** Where the programs are that a local stack consists of, in a clone and in an installed package. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { AppError } from "../../shared/kernel/errors.ts";
import type { Environment } from "../config.ts";

/** Absolute path of a file of this package, such as "bin/exp-agent"; sought upwards, as sources may lie in dist/. */
export function packageFile(path: string): string {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    const candidate = join(folder, path);
    if (existsSync(candidate)) return candidate;
    if (folder === dirname(folder)) throw new AppError("internal", `${path} is missing from this package`);
  }
}

/** A nats-server that is there or was fetched. Throws AppError (invalid) that says how to get one. */
export async function natsServerPath(env: Environment, onNote: (line: string) => void): Promise<string> {
  const script = packageFile("scripts/nats-server.sh");
  const result = await execa("sh", [script], { env, extendEnv: false, reject: false, stdin: "ignore" });
  const said = result.stderr
    .split("\n")
    .map((line) => line.replace(/^nats-server: /, "").trim())
    .filter((line) => line !== "");
  const path = result.stdout.trim();
  if (result.exitCode !== 0 || path === "") {
    throw new AppError("invalid", `no nats-server: ${said.at(-1) ?? "the search for one failed"}`, {
      id: "up.no-nats",
    });
  }
  for (const line of said) onNote(`nats-server: ${line}`);
  return path;
}
