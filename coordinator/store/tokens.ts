/** Tokens that were handed out: who has which name, and may do what. Of a secret only its SHA-256 is kept. */
import type { DatabaseSync } from "node:sqlite";
import { assert } from "../../shared/kernel/assert.ts";
import { isRole, type Role } from "../../shared/run/roles.ts";

export interface TokenRow {
  readonly name: string;
  readonly role: Role;
  /** Unix ms. */
  readonly createdAt: number;
  /** Unix ms; undefined: for good. */
  readonly expiresAt: number | undefined;
}

export interface TokenBook {
  /** By name. */
  list(): readonly TokenRow[];
  /** By the hash of its secret, whether or not its time has passed. */
  find(hash: Uint8Array): TokenRow | undefined;
  /** False where the name is taken. Durable when it returns. */
  add(row: TokenRow, hash: Uint8Array): boolean;
  /** False where there is none. Durable when it returns; listeners have been told. */
  remove(name: string): boolean;
  /** Called with the name of each token that is no more. Gives what ends it. */
  onRemoved(listener: (name: string) => void): () => void;
}

interface Stored {
  readonly name: string;
  readonly role: string;
  readonly hash: Uint8Array;
  readonly created_at: number;
  readonly expires_at: number | null;
}

export function createTokenBook(db: DatabaseSync): TokenBook {
  const insert = db.prepare("INSERT INTO tokens (name, role, hash, created_at, expires_at) VALUES (?, ?, ?, ?, ?)");
  const remove = db.prepare("DELETE FROM tokens WHERE name = ?");
  const byName = new Map<string, TokenRow>();
  const byHash = new Map<string, TokenRow>();
  const listeners = new Set<(name: string) => void>();
  const keyOf = (hash: Uint8Array) => Buffer.from(hash).toString("hex");
  const keep = (row: TokenRow, hash: Uint8Array) => {
    byName.set(row.name, row);
    byHash.set(keyOf(hash), row);
  };
  for (const stored of db.prepare("SELECT * FROM tokens").all() as unknown as Stored[]) {
    const { name, role, hash, created_at: createdAt, expires_at } = stored;
    assert(isRole(role), `the role of the token ${name} is known`);
    keep({ name, role, createdAt, expiresAt: expires_at ?? undefined }, hash);
  }

  return {
    list: () => [...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
    find: (hash) => byHash.get(keyOf(hash)),
    add(row, hash) {
      if (byName.has(row.name)) return false;
      insert.run(row.name, row.role, hash, row.createdAt, row.expiresAt ?? null);
      keep(row, hash);
      return true;
    },
    remove(name) {
      const row = byName.get(name);
      if (!row) return false;
      remove.run(name);
      byName.delete(name);
      for (const [key, one] of byHash) if (one === row) byHash.delete(key);
      for (const listener of listeners) listener(name);
      return true;
    },
    onRemoved(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
