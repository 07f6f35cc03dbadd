/** The book of tokens: what is in memory is what is stored, and a join token is used up with its one successor or not at all. */
import { expect, test } from "vitest";
import { hashToken } from "../../../coordinator/rpc/auth.ts";
import { openDatabase } from "../../../coordinator/store/database.ts";
import { createTokenBook, type TokenBook } from "../../../coordinator/store/tokens.ts";

const DAY_MS = 86_400_000;
const join = (name: string, expiresAt = DAY_MS) => ({
  name,
  node: undefined,
  createdAt: 0,
  expiresAt,
  used: undefined,
});
const agent = (name: string, agentId: string) => ({
  ...({ name, role: "agent", createdAt: 5, expiresAt: undefined } as const),
  bound: { name, agentId },
});

function createCase() {
  const db = openDatabase(":memory:");
  const book = createTokenBook(db);
  const told: string[] = [];
  book.onRemoved((name) => told.push(name));
  const all = ({ list, joins }: TokenBook) => ({ tokens: list(), joins: joins() });
  return { db, book, told, expectStored: () => expect(all(createTokenBook(db))).toEqual(all(book)) };
}

test("a join token is used once; what was bound to the node before is no more", () => {
  const { book, told, expectStored } = createCase();
  for (const name of ["join-a", "join-b"]) expect(book.addJoin(join(name), hashToken(name), 0)).toBe(true);
  expect(book.redeem("join-a", agent("gpu-07", "one"), hashToken("1"))).toBe(true);
  expect(book.findJoin(hashToken("join-a"))?.used).toEqual({ at: 5, by: "gpu-07" });
  expectStored();
  expect(book.redeem("join-a", agent("gpu-08", "two"), hashToken("2"))).toBe(false);
  expect(book.find(hashToken("2"))).toBeUndefined();
  expect(told).toEqual([]);
  expect(book.redeem("join-b", agent("gpu-07", "three"), hashToken("3"))).toBe(true);
  expect(told).toEqual(["gpu-07"]);
  expect(book.find(hashToken("1"))).toBeUndefined();
  expect(book.find(hashToken("3"))?.bound).toEqual({ name: "gpu-07", agentId: "three" });
  expectStored();
});

test("where the successor cannot be stored, the join token waits still", () => {
  const { book, expectStored } = createCase();
  book.addJoin(join("join-a"), hashToken("join-a"), 0);
  book.add({ name: "alice", role: "user", createdAt: 0, expiresAt: undefined }, hashToken("alice"));
  // The hash is another token's.
  expect(() => book.redeem("join-a", agent("gpu-07", "one"), hashToken("alice"))).toThrow();
  expect(book.findJoin(hashToken("join-a"))?.used).toBeUndefined();
  expectStored();
});

test("names are shared by both kinds; those that ended long ago are forgotten", () => {
  const { book, told, expectStored } = createCase();
  expect(book.addJoin(join("a", 1), hashToken("a"), 0)).toBe(true);
  expect(book.addJoin(join("a"), hashToken("b"), 0)).toBe(false);
  expect(book.add({ name: "a", role: "user", createdAt: 0, expiresAt: undefined }, hashToken("c"))).toBe(false);
  expect(book.addJoin(join("b"), hashToken("b"), 2)).toBe(true);
  expect(book.joins().map(({ name }) => name)).toEqual(["b"]);
  expect(book.remove("b")).toBe(true);
  expect(told).toEqual(["b"]);
  expectStored();
});
