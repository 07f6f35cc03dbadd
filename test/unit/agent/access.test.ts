/** How an agent is told who it is: by a token, by a join token, or by what it keeps from its first start. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { agentConfigOf, loadAgentConfig } from "../../../agent/config.ts";

const dir = mkdtempSync(join(tmpdir(), "exp-access-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
const file = join(dir, "token");
writeFileSync(file, "a-token-of-some-length\n", { mode: 0o600 });

function accessOf(flags: { readonly [name: string]: string }) {
  const { values } = loadAgentConfig({
    flags: { coordinator: "lab:7718", ...flags },
    env: {},
    envPrefix: "EXP_AGENT",
    file: undefined,
  });
  return agentConfigOf(values, "host", "/client").access;
}

test("a token is read at once; a join token only where it is needed", () => {
  expect(accessOf({ "token-file": file })).toEqual({
    kind: "token",
    token: { secret: "a-token-of-some-length", certificate: undefined },
  });
  const gone = join(dir, "gone");
  expect(accessOf({ "join-token-file": gone })).toEqual({ kind: "own", joinTokenFile: gone });
  expect(accessOf({})).toEqual({ kind: "own", joinTokenFile: undefined });
});

test("both at once are refused, and a token that others can read", () => {
  expect(() => accessOf({ "token-file": file, "join-token-file": file })).toThrow("are two ways to say who this is");
  chmodSync(file, 0o644);
  expect(() => accessOf({ "token-file": file })).toThrow("can be read by others");
});
