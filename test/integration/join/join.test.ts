/** How a host joins: one token, one host, once; and whatever is killed in between, the same host again. */
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { LOGIN_FAILURES_MAX } from "../../../coordinator/rpc/limits.ts";
import { formatToken, parseToken } from "../../../shared/kernel/token.ts";
import { ensureCertificate, type OwnCertificate } from "../../../shared/tls/own-certificate.ts";
import { fingerprintOf } from "../../../shared/tls/pinned.ts";
import { type JoinRig, startJoinRig } from "../../helpers/join-rig.ts";

let rig: JoinRig;
beforeEach(async () => {
  rig = await startJoinRig();
});
afterEach(() => rig[Symbol.asyncDispose]());

const OWN = { kind: "own", joinTokenFile: undefined } as const;
const secretOf = (letter: string) => letter.repeat(43);
const asking = (name: string, letter: string) => ({ name, agentId: `agent-${name}`, secret: secretOf(letter) });

test("the first start draws a token, which later starts find; nothing secret is said or kept in words", async () => {
  const word = await rig.joinToken("gpu-07");
  const token = await rig.startAgent("gpu-07", word);
  expect(token.secret).toMatch(/^[\w-]{43}$/);
  expect(token.certificate).toBe(parseToken(word).certificate);
  const file = join(rig.dir, "gpu-07/own-token.json");
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(existsSync(join(rig.dir, "gpu-07/own-token.asked.json"))).toBe(false);
  expect(await rig.startAgent("gpu-07", OWN)).toEqual(token);
  // The join token may lie there still: it is used, and nobody minds.
  expect(await rig.startAgent("gpu-07", word)).toEqual(token);

  expect(rig.tokens.list()).toMatchObject([
    { name: "gpu-07", role: "agent", bound: { name: "gpu-07", agentId: "agent-gpu-07" } },
  ]);
  expect(rig.tokens.joins()).toMatchObject([{ node: "gpu-07", used: { at: rig.clock.now, by: "gpu-07" } }]);
  expect(rig.history()).toMatchObject([
    { kind: "node-enrolled", node: "gpu-07", text: expect.stringContaining("join-") },
  ]);
  const stored = readFileSync(join(rig.dir, "store.db")).toString("latin1") + rig.log.join("\n");
  for (const secret of [token.secret, parseToken(word).secret]) expect(stored).not.toContain(secret);
});

describe("a join token", () => {
  test("is used by one host alone: another is told when and by whom", async () => {
    const word = await rig.joinToken();
    expect(await rig.join(word, asking("gpu-07", "a"))).toBe("gpu-07");
    rig.clock.now += 60_000;
    await expect(rig.join(word, asking("gpu-08", "b"))).rejects.toMatchObject({
      code: "unauthorized",
      id: "join.over",
      message: "the join token was already used at 2026-03-01T12:00:00Z by gpu-07",
    });
    // With another secret it is not the same host either.
    await expect(rig.join(word, asking("gpu-07", "b"))).rejects.toThrow(
      "already used at 2026-03-01T12:00:00Z by gpu-07",
    );
    expect(rig.tokens.list()).toHaveLength(1);
    expect(rig.history().map(({ kind, node }) => `${kind} ${node}`)).toEqual([
      "node-enrolled gpu-07",
      "node-denied gpu-08",
      "node-denied gpu-07",
    ]);
  });

  test("said again with the same secret is the same answer, also when its time is over by then", async () => {
    const word = await rig.joinToken();
    await rig.join(word, asking("gpu-07", "a"));
    rig.clock.now += 86_400_000;
    expect(await rig.join(word, asking("gpu-07", "a"))).toBe("gpu-07");
    expect(rig.tokens.list()).toHaveLength(1);
    // Of a token that was revoked since, there is no such second time.
    rig.tokens.remove("gpu-07");
    await expect(rig.join(word, asking("gpu-07", "a"))).rejects.toThrow("already used");
  });

  test("waits so long and no longer", async () => {
    const word = await rig.joinToken("", 15 * 60_000);
    rig.clock.now += 15 * 60_000;
    await expect(rig.join(word, asking("gpu-07", "a"))).rejects.toMatchObject({
      code: "unauthorized",
      message: "the time of the join token was over at 2026-03-01T12:15:00Z",
    });
    await expect(rig.joinToken("", 7 * 86_400_000 + 1)).rejects.toThrow("seven days at most");
  });

  test("for one node is for no other", async () => {
    const word = await rig.joinToken("gpu-07");
    await expect(rig.join(word, asking("gpu-08", "a"))).rejects.toMatchObject({
      code: "forbidden",
      id: "join.node",
      message: "the join token is for gpu-07, and this node is gpu-08",
    });
    expect(await rig.join(word, asking("gpu-07", "a"))).toBe("gpu-07");
  });

  test("of two hosts that race for it, exactly one has it", async () => {
    const word = await rig.joinToken();
    const names = Array.from({ length: 8 }, (_, i) => `gpu-${i}`);
    const results = await Promise.allSettled(names.map((name, i) => rig.join(word, asking(name, String(i)))));
    const won = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
    expect(won).toHaveLength(1);
    expect(rig.tokens.list().map(({ bound }) => bound?.name)).toEqual(won);
    for (const result of results) {
      if (result.status === "rejected") expect(String(result.reason)).toContain(`already used at`);
    }
  });

  test("that nobody knows, or that is none: said so, and guessing is slowed down, for nobody else", async () => {
    const { certificate } = parseToken(await rig.joinToken());
    const wrong = formatToken({ secret: "no-such-token-at-all", certificate });
    await expect(rig.join(wrong, asking("gpu-07", "a"))).rejects.toMatchObject({
      code: "unauthorized",
      message: "the coordinator does not know this join token",
    });
    const other = formatToken({ secret: "correct-horse-battery-staple", certificate });
    await expect(rig.join(other, asking("gpu-07", "a"))).rejects.toMatchObject({ code: "invalid", id: "join.token" });
    for (let i = 1; i < LOGIN_FAILURES_MAX; i++) await rig.join(wrong, asking("x", "a")).catch(() => undefined);
    await expect(rig.join(wrong, asking("x", "a"))).rejects.toMatchObject({ id: "auth.limited" });
    expect(await rig.join(await rig.joinToken(), asking("gpu-07", "a"))).toBe("gpu-07");
    expect(rig.log.join("\n")).not.toContain("no-such-token-at-all");
  });

  test("does nothing but let a host join", async () => {
    const session = rig.session(parseToken(await rig.joinToken()));
    await expect.poll(() => session.ended).toMatchObject({ code: "forbidden" });
    expect(session.ended?.message).toContain("has the role join, which may not call Connect");
  });

  test("is forgotten a week after it was used, and not before", async () => {
    await rig.join(await rig.joinToken(), asking("gpu-07", "a"));
    await rig.joinToken();
    expect(rig.tokens.joins()).toHaveLength(2);
    rig.clock.now += 8 * 86_400_000;
    await rig.joinToken();
    await rig.reopen();
    expect(rig.tokens.joins()).toHaveLength(1);
    expect(rig.tokens.list()).toHaveLength(1);
  });
});

describe("names", () => {
  test("another work directory takes a node's name only with a token that names it; the former is out then", async () => {
    await rig.join(await rig.joinToken(), asking("gpu-07", "a"));
    const anew = { ...asking("gpu-07", "b"), agentId: "agent-anew" };
    await expect(rig.join(await rig.joinToken(), anew)).rejects.toMatchObject({ code: "conflict", id: "join.name" });
    const former = rig.session({ secret: secretOf("a"), certificate: parseToken(await rig.joinToken()).certificate });
    expect(await rig.join(await rig.joinToken("gpu-07"), anew)).toBe("gpu-07");
    await expect.poll(() => former.ended).toMatchObject({ code: "unauthorized" });
    expect(rig.tokens.list()).toMatchObject([{ bound: { agentId: "agent-anew" } }]);
  });

  test("a token of another kind that is called like the node stays", async () => {
    const row = { name: "gpu-07", role: "agent", createdAt: 0, expiresAt: undefined } as const;
    rig.tokens.add(row, Buffer.alloc(32));
    expect(await rig.join(await rig.joinToken(), asking("gpu-07", "a"))).toBe("gpu-07.2");
    expect(rig.tokens.list().map(({ name }) => name)).toEqual(["gpu-07", "gpu-07.2"]);
  });

  test.each([
    [{ ...asking("../x", "a") }, "the node name contains"],
    [{ ...asking("gpu-07", "a"), secret: "short" }, "not 256 bits"],
    [{ ...asking("gpu-07", "a"), agentId: "" }, "no id"],
  ])("what no agent of ours sends is refused: %j", async (request, message) => {
    const word = await rig.joinToken();
    await expect(rig.join(word, request)).rejects.toMatchObject({
      code: "invalid",
      message: expect.stringContaining(message),
    });
    expect(rig.tokens.joins()[0]?.used).toBeUndefined();
  });
});

describe("killed in between", () => {
  test("the coordinator, after it has committed and before it answers: the agent asks again and is in", async () => {
    const word = await rig.joinToken();
    let reopened: Promise<void> | undefined;
    rig.afterCommit = () => {
      rig.afterCommit = () => undefined;
      reopened = rig.reopen();
    };
    const token = await rig.startAgent("gpu-07", word);
    await reopened;
    expect(rig.log.join("\n")).toContain("cannot join yet; it is tried again");
    expect(rig.tokens.list()).toMatchObject([{ name: "gpu-07" }]);
    expect(rig.tokens.joins()).toMatchObject([{ used: { by: "gpu-07" } }]);
    const session = rig.session(token);
    expect(session.ended).toBeUndefined();
  });

  test("the agent, before it hears the answer: its next start asks with the same secret, also after the time is over", async () => {
    const word = await rig.joinToken();
    rig.afterCommit = () => {
      throw new Error("the answer is lost");
    };
    await expect(rig.startAgent("gpu-07", word)).rejects.toMatchObject({ code: "internal" });
    rig.afterCommit = () => undefined;
    // Without the join token it does not take for granted what it was never told.
    await expect(rig.startAgent("gpu-07", OWN)).rejects.toMatchObject({ id: "agent.token" });
    await rig.reopen();
    rig.clock.now += 86_400_000;
    await rig.startAgent("gpu-07", word);
    expect(rig.tokens.list()).toHaveLength(1);
    expect(await rig.startAgent("gpu-07", OWN)).toEqual(await rig.startAgent("gpu-07", word));
  });
});

describe("the host's own token", () => {
  test("a new join token replaces it; one that is of no use does not", async () => {
    const first = await rig.startAgent("gpu-07", await rig.joinToken());
    rig.tokens.remove("gpu-07");
    const second = await rig.startAgent("gpu-07", await rig.joinToken());
    expect(second.secret).not.toBe(first.secret);
    const used = await rig.joinToken();
    await rig.join(used, asking("gpu-09", "c"));
    expect(await rig.startAgent("gpu-07", used)).toEqual(second);
    expect(rig.log.join("\n")).toContain("the join token is of no use; this host goes on with the token that it has");
  });

  test("is for one name and one journal", async () => {
    await rig.startAgent("gpu-07", await rig.joinToken());
    await expect(rig.startAgent("gpu-07", OWN, "another-journal")).rejects.toMatchObject({ id: "agent.own-token" });
    const file = join(rig.dir, "gpu-07/own-token.json");
    writeFileSync(file, readFileSync(file, "utf8").replace('"gpu-07"', '"gpu-08"'), { mode: 0o600 });
    await expect(rig.startAgent("gpu-07", OWN)).rejects.toThrow("has joined as gpu-08, and is started as gpu-07");
    writeFileSync(file, "{}");
    await expect(rig.startAgent("gpu-07", OWN)).rejects.toThrow("is damaged");
  });

  test("nobody but the coordinator that the join token names is asked: both fingerprints are said", async () => {
    const other: OwnCertificate = await ensureCertificate(join(rig.dir, "other"), []);
    const { secret, certificate = "" } = parseToken(await rig.joinToken());
    const refused = rig.startAgent("gpu-07", formatToken({ secret, certificate: other.certificate }));
    const error = (await refused.catch((thrown: unknown) => thrown)) as Error & { id: string };
    expect(error.id).toBe("tls.other");
    for (const each of [certificate, other.certificate]) expect(error.message).toContain(fingerprintOf(each));
    expect(rig.tokens.joins()[0]?.used).toBeUndefined();
  });
});
