/**
 * Tokens that were handed out: who has which name, and may do what. Of a secret only its SHA-256 is kept. Join tokens are beside
 * them: each becomes one agent's own token, which is bound to its node.
 */
import type { DatabaseSync } from "node:sqlite";
import { assert } from "../../shared/kernel/assert.ts";
import { isRole, type Role } from "../../shared/run/roles.ts";
import { transaction } from "./database.ts";

/** Whom a token of an agent speaks for: this node, from the work directory with this id. */
export interface BoundNode {
  readonly name: string;
  readonly agentId: string;
}

export interface TokenRow {
  readonly name: string;
  readonly role: Role;
  /** Unix ms. */
  readonly createdAt: number;
  /** Unix ms; undefined: for good. */
  readonly expiresAt: number | undefined;
  /** Undefined: it is nobody's in particular. */
  readonly bound?: BoundNode | undefined;
}

export interface JoinTokenRow {
  readonly name: string;
  /** Node that alone may use it; undefined: any whose name nobody has. */
  readonly node: string | undefined;
  /** Unix ms. */
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly used: { readonly at: number; readonly by: string } | undefined;
}

export interface TokenBook {
  /** By name. */
  list(): readonly TokenRow[];
  /** By the hash of its secret, whether or not its time has passed. */
  find(hash: Uint8Array): TokenRow | undefined;
  /** False where the name is taken. Durable when it returns. */
  add(row: TokenRow, hash: Uint8Array): boolean;
  /** Of both kinds. False where there is none. Durable when it returns; listeners have been told. */
  remove(name: string): boolean;
  /** Called with the name of each token that is no more. Gives what ends it. */
  onRemoved(listener: (name: string) => void): () => void;
  /** By name. */
  joins(): readonly JoinTokenRow[];
  /** By the hash of its secret, also when it was used or its time has passed. */
  findJoin(hash: Uint8Array): JoinTokenRow | undefined;
  /** False where the name is taken. Lets go of those that ended before `forgetBefore` (Unix ms). Durable when it returns. */
  addJoin(row: JoinTokenRow, hash: Uint8Array, forgetBefore: number): boolean;
  /**
   * The join token is used and the agent has its own token, both or neither; one that was bound to the same node before is no
   * more. False where the join token was used before. Durable when it returns.
   */
  redeem(join: string, row: TokenRow & { readonly bound: BoundNode }, hash: Uint8Array): boolean;
}

interface StoredToken {
  readonly name: string;
  readonly role: string;
  readonly hash: Uint8Array;
  readonly created_at: number;
  readonly expires_at: number | null;
  readonly node: string | null;
  readonly agent_id: string | null;
}

interface StoredJoin {
  readonly name: string;
  readonly hash: Uint8Array;
  readonly node: string | null;
  readonly created_at: number;
  readonly expires_at: number;
  readonly used_at: number | null;
  readonly used_by: string | null;
}

export function createTokenBook(db: DatabaseSync): TokenBook {
  const sql = {
    token: db.prepare(
      "INSERT INTO tokens (name, role, hash, created_at, expires_at, node, agent_id) VALUES (?, ?, ?, ?, ?, ?, ?)",
    ),
    remove: db.prepare("DELETE FROM tokens WHERE name = ?"),
    join: db.prepare("INSERT INTO join_tokens (name, hash, node, created_at, expires_at) VALUES (?, ?, ?, ?, ?)"),
    use: db.prepare("UPDATE join_tokens SET used_at = ?, used_by = ? WHERE name = ? AND used_at IS NULL"),
    removeJoin: db.prepare("DELETE FROM join_tokens WHERE name = ?"),
  };
  const tokens = createNamed<TokenRow>();
  const joins = createNamed<JoinTokenRow>();
  const listeners = new Set<(name: string) => void>();
  for (const stored of db.prepare("SELECT * FROM tokens").all() as unknown as StoredToken[]) {
    tokens.set(tokenOf(stored), stored.hash);
  }
  for (const stored of db.prepare("SELECT * FROM join_tokens").all() as unknown as StoredJoin[]) {
    joins.set(joinOf(stored), stored.hash);
  }

  const isTaken = (name: string) => tokens.has(name) || joins.has(name);
  const tell = (name: string) => {
    for (const listener of listeners) listener(name);
  };
  const insert = ({ name, role, createdAt, expiresAt, bound }: TokenRow, hash: Uint8Array) =>
    sql.token.run(name, role, hash, createdAt, expiresAt ?? null, bound?.name ?? null, bound?.agentId ?? null);

  return {
    list: () => tokens.list(),
    find: (hash) => tokens.find(hash),
    add(row, hash) {
      if (isTaken(row.name)) return false;
      insert(row, hash);
      tokens.set(row, hash);
      return true;
    },
    remove(name) {
      if (!isTaken(name)) return false;
      sql.remove.run(name);
      sql.removeJoin.run(name);
      tokens.delete(name);
      joins.delete(name);
      tell(name);
      return true;
    },
    onRemoved(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    joins: () => joins.list(),
    findJoin: (hash) => joins.find(hash),
    addJoin(row, hash, forgetBefore) {
      const old = joins.list().filter(({ expiresAt, used }) => (used?.at ?? expiresAt) < forgetBefore);
      if (isTaken(row.name)) return false;
      transaction(db, () => {
        for (const { name } of old) sql.removeJoin.run(name);
        sql.join.run(row.name, hash, row.node ?? null, row.createdAt, row.expiresAt);
      });
      for (const { name } of old) joins.delete(name);
      joins.set(row, hash);
      return true;
    },
    redeem(join, row, hash) {
      const before = tokens.list().filter(({ bound }) => bound?.name === row.bound.name);
      const used = { at: row.createdAt, by: row.bound.name };
      const isUsed = transaction(db, () => {
        if (sql.use.run(used.at, used.by, join).changes === 0) return false;
        for (const { name } of before) sql.remove.run(name);
        insert(row, hash);
        return true;
      });
      if (!isUsed) return false;
      joins.replace(join, (found) => ({ ...found, used }));
      for (const { name } of before) {
        tokens.delete(name);
        tell(name);
      }
      tokens.set(row, hash);
      return true;
    },
  };
}

/** Rows in memory, found by name and by the hash of their secret. */
function createNamed<Row extends { readonly name: string }>() {
  const byName = new Map<string, { row: Row; readonly key: string }>();
  const nameOf = new Map<string, string>();
  const keyOf = (hash: Uint8Array) => Buffer.from(hash).toString("hex");
  return {
    has: (name: string) => byName.has(name),
    list: () => [...byName.values()].map(({ row }) => row).sort((a, b) => (a.name < b.name ? -1 : 1)),
    find: (hash: Uint8Array) => byName.get(nameOf.get(keyOf(hash)) ?? "")?.row,
    set(row: Row, hash: Uint8Array) {
      byName.set(row.name, { row, key: keyOf(hash) });
      nameOf.set(keyOf(hash), row.name);
    },
    replace(name: string, change: (row: Row) => Row) {
      const found = byName.get(name);
      if (found) found.row = change(found.row);
    },
    delete(name: string) {
      nameOf.delete(byName.get(name)?.key ?? "");
      byName.delete(name);
    },
  };
}

function tokenOf({ name, role, created_at: createdAt, expires_at, node, agent_id }: StoredToken): TokenRow {
  assert(isRole(role), `the role of the token ${name} is known`);
  const bound = node === null || agent_id === null ? undefined : { name: node, agentId: agent_id };
  return { name, role, createdAt, expiresAt: expires_at ?? undefined, ...(bound && { bound }) };
}

function joinOf({ name, node, created_at, expires_at, used_at, used_by }: StoredJoin): JoinTokenRow {
  const used = used_at === null ? undefined : { at: used_at, by: used_by ?? "" };
  return { name, node: node ?? undefined, createdAt: created_at, expiresAt: expires_at, used };
}
