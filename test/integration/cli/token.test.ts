/** Tokens for others, as the command line makes and shows them. */
import { afterAll, describe, expect, test } from "vitest";
import { createExpRig } from "../../helpers/exp-rig.ts";

const rig = createExpRig();
afterAll(() => rig[Symbol.dispose]());
const { withServer } = rig;

const AT = Date.parse("2026-03-01T12:00:00Z");
const FUTURE = Date.parse("2999-01-01T00:00:00Z");
const token = (name: string, role: string, patch: object = {}) => ({
  ...{ name, role, createdAt: AT, expiresAt: 0, node: "", usedAt: 0, usedBy: "", ...patch },
});
const TOKENS = [
  token("alice", "user"),
  token("gpu-07", "agent", { node: "gpu-07" }),
  token("guest", "reader", { expiresAt: AT + 1 }),
  token("join-1", "join", { expiresAt: FUTURE }),
  token("join-2", "join", { expiresAt: AT + 1, node: "gpu-09" }),
  token("join-3", "join", { expiresAt: AT + 1, usedAt: AT + 1, usedBy: "gpu-07" }),
];

describe("token join", () => {
  const made = { createJoinToken: () => ({ token: token("join-1", "join"), secret: "s3cret" }) };

  test.each([
    [["token", "join"], { node: "", lifetimeMs: 900_000 }, "join token join-1 for one host, for 15m"],
    [
      ["token", "join", "gpu-07", "--for", "2h"],
      { node: "gpu-07", lifetimeMs: 7_200_000 },
      "for the host gpu-07, for 2h",
    ],
    [["token", "join", "--name", "gpu-07"], { node: "gpu-07", lifetimeMs: 900_000 }, "for the host gpu-07, for 15m"],
  ])("%j: the word alone on stdout", async (args, request, says) => {
    const { code, stdout, stderr, calls } = await withServer(made, args);
    expect({ code, stdout }).toEqual({ code: 0, stdout: "s3cret\n" });
    expect(stderr).toContain(says);
    expect(calls).toEqual([{ method: "createJoinToken", request }]);
  });

  test("as JSON", async () => {
    const { stdout } = await withServer(made, ["token", "join", "--json"]);
    expect(JSON.parse(stdout)).toEqual({ name: "join-1", role: "join", token: "s3cret" });
  });

  test.each([
    [["token", "ls", "--for", "1h"], "--for is for exp token join"],
    [["token", "join", "--role", "user"], "--role is for exp token create"],
    [["token", "join", "--for", "soon"], "--for must be a duration"],
  ])("%j is refused", async (args, says) => {
    expect(await withServer(made, args)).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining(says) });
  });
});

test("token ls shows whose each is, and how join tokens stand", async () => {
  const { stdout } = await withServer({ listTokens: () => ({ tokens: TOKENS }) }, ["token", "ls"]);
  const cells = stdout.split("\n").map((line) => line.split(/ {2,}/).filter((cell) => !/^\d+[a-z]/.test(cell)));
  expect(cells.slice(0, -1)).toEqual([
    ["NAME", "ROLE", "NODE", "AGE", "EXPIRES", "STATE"],
    ["alice", "user", "-", "-", "valid"],
    ["gpu-07", "agent", "gpu-07", "-", "valid"],
    ["guest", "reader", "-", "2026-03-01", "expired"],
    ["join-1", "join", "-", "2999-01-01 00:00:00", "waiting"],
    ["join-2", "join", "gpu-09", "2026-03-01 12:00:00", "expired"],
    ["join-3", "join", "-", "2026-03-01 12:00:00", "used by gpu-07 at 2026-03-01 12:00:00"],
  ]);
  const json = await withServer({ listTokens: () => ({ tokens: TOKENS }) }, ["token", "ls", "--json"]);
  expect(JSON.parse(json.stdout)).toMatchObject([
    { state: "valid", node: null, expiresAt: null },
    { state: "valid", node: "gpu-07" },
    { state: "expired" },
    { state: "waiting" },
    { state: "expired", node: "gpu-09" },
    { state: "used", usedAt: "2026-03-01T12:00:00.001Z", usedBy: "gpu-07" },
  ]);
});
