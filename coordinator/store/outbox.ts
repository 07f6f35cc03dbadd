/**
 * What waits to be told to the world outside, on disk. Entries of one channel about one subject are merged until the first
 * of them is being sent; what was sent once keeps its id and its content, so that a receiver can tell a repeat.
 */
import type { Database } from "./database.ts";

export interface OutboxEntry {
  readonly seq: number;
  /** The same for every try of it. */
  readonly id: string;
  /** As `kind:name`. */
  readonly channel: string;
  /** What it is about: a sweep's id or a run's. */
  readonly subject: string;
  /** JSON. */
  readonly body: string;
  /** Unix ms. */
  readonly createdAt: number;
  readonly dueAt: number;
  /** Begun so far. */
  readonly tries: number;
}

export interface NewEntry extends Omit<OutboxEntry, "seq" | "tries"> {
  /** What the two say together. */
  readonly merge: (before: string) => string;
}

/** Writes are durable when they return, or with the transaction around them. */
export interface Outbox {
  put(entry: NewEntry): void;
  /** Entries of a channel that are due, in the order in which they became so. */
  due(channel: string, nowMs: number, limit: number): OutboxEntry[];
  /** When the next one of the channel is due; undefined: nothing waits. Unix ms. */
  nextDue(channel: string): number | undefined;
  /** Counts a try, before anything leaves the house. */
  begin(entries: readonly OutboxEntry[]): void;
  /** The entries with all others of their channel about the same subjects: one of each subject is left, with the most tries. */
  absorb(entries: readonly OutboxEntry[]): OutboxEntry[];
  remove(entry: OutboxEntry): void;
  postpone(entry: OutboxEntry, dueAt: number): void;
  /** A part of it was delivered: it is due, as after its first try. */
  goOn(entry: OutboxEntry, dueAt: number): void;
  /** When something about the subject was last delivered there; 0: never. Unix ms. */
  lastSent(channel: string, subject: string): number;
  sent(entry: OutboxEntry, atMs: number): void;
  /** What the receiver calls the subject; undefined: not known. */
  remoteId(channel: string, subject: string): string | undefined;
  setRemoteId(channel: string, subject: string, remote: string | undefined): void;
  count(): number;
  /** By channel. */
  counts(): ReadonlyMap<string, number>;
  /** Drops what waits for other channels than these; gives their number. */
  keepOnly(channels: readonly string[]): number;
}

export function createOutbox(db: Database): Outbox {
  const columns = `SELECT seq, id, channel, subject, body, created_at AS createdAt, due_at AS dueAt, tries FROM outbox`;
  const open = db.prepare(`${columns} WHERE channel = ? AND subject = ? AND tries = 0`);
  const insert = db.prepare(
    "INSERT INTO outbox (id, channel, subject, body, created_at, due_at, tries) VALUES (?, ?, ?, ?, ?, ?, 0)",
  );
  const change = db.prepare("UPDATE outbox SET body = ?, due_at = ? WHERE seq = ?");
  const due = db.prepare(`${columns} WHERE channel = ? AND due_at <= ? ORDER BY due_at, seq LIMIT ?`);
  const next = db.prepare("SELECT min(due_at) AS at FROM outbox WHERE channel = ?");
  const begin = db.prepare("UPDATE outbox SET tries = tries + 1 WHERE seq = ?");
  const mostTries = db.prepare("SELECT max(tries) AS tries FROM outbox WHERE channel = ? AND subject = ?");
  const removeOthers = db.prepare("DELETE FROM outbox WHERE channel = ? AND subject = ? AND seq <> ?");
  const setTries = db.prepare("UPDATE outbox SET tries = ? WHERE seq = ?");
  const goOn = db.prepare("UPDATE outbox SET due_at = ?, tries = 1 WHERE seq = ?");
  const remove = db.prepare("DELETE FROM outbox WHERE seq = ?");
  const postpone = db.prepare("UPDATE outbox SET due_at = ? WHERE seq = ?");
  const told = db.prepare("SELECT sent_at, remote FROM outbox_told WHERE channel = ? AND subject = ?");
  const setSent = db.prepare(`INSERT INTO outbox_told (channel, subject, sent_at) VALUES (?, ?, ?)
    ON CONFLICT DO UPDATE SET sent_at = excluded.sent_at`);
  const setRemote = db.prepare(`INSERT INTO outbox_told (channel, subject, sent_at, remote) VALUES (?, ?, 0, ?)
    ON CONFLICT DO UPDATE SET remote = excluded.remote`);
  const keepOnly = db.prepare("DELETE FROM outbox WHERE channel NOT IN (SELECT value FROM json_each(?))");
  const count = db.prepare("SELECT count(*) AS n FROM outbox");
  const counts = db.prepare("SELECT channel, count(*) AS n FROM outbox GROUP BY channel");
  const toldOf = (channel: string, subject: string) =>
    told.get(channel, subject) as { sent_at: number; remote: string | null } | undefined;
  return {
    put({ merge, ...entry }) {
      const before = open.get(entry.channel, entry.subject) as unknown as OutboxEntry | undefined;
      if (before) change.run(merge(before.body), Math.min(before.dueAt, entry.dueAt), before.seq);
      else insert.run(entry.id, entry.channel, entry.subject, entry.body, entry.createdAt, entry.dueAt);
    },
    due: (channel, nowMs, limit) => due.all(channel, nowMs, limit) as unknown as OutboxEntry[],
    nextDue: (channel) => (next.get(channel) as { at: number | null }).at ?? undefined,
    begin(entries) {
      db.exec("BEGIN IMMEDIATE");
      for (const { seq } of entries) begin.run(seq);
      db.exec("COMMIT");
    },
    absorb(entries) {
      const firsts = new Map(entries.toReversed().map((entry) => [entry.subject, entry]));
      const left: OutboxEntry[] = [];
      db.exec("BEGIN IMMEDIATE");
      for (const entry of firsts.values()) {
        const { tries } = mostTries.get(entry.channel, entry.subject) as { tries: number };
        removeOthers.run(entry.channel, entry.subject, entry.seq);
        if (tries !== entry.tries) setTries.run(tries, entry.seq);
        left.push({ ...entry, tries });
      }
      db.exec("COMMIT");
      return left.toReversed();
    },
    remove: ({ seq }) => void remove.run(seq),
    goOn: ({ seq }, dueAt) => void goOn.run(dueAt, seq),
    postpone: ({ seq }, dueAt) => void postpone.run(dueAt, seq),
    lastSent: (channel, subject) => toldOf(channel, subject)?.sent_at ?? 0,
    sent({ seq, channel, subject }, atMs) {
      db.exec("BEGIN IMMEDIATE");
      remove.run(seq);
      setSent.run(channel, subject, atMs);
      db.exec("COMMIT");
    },
    remoteId: (channel, subject) => toldOf(channel, subject)?.remote ?? undefined,
    setRemoteId: (channel, subject, remote) => void setRemote.run(channel, subject, remote ?? null),
    keepOnly: (channels) => Number(keepOnly.run(JSON.stringify(channels)).changes),
    counts: () =>
      new Map((counts.all() as unknown as { channel: string; n: number }[]).map((row) => [row.channel, row.n])),
    count: () => (count.get() as { n: number }).n,
  };
}
