/**
 * Who calls. The coordinator's own token, compared in constant time, and those that were handed out, found by their SHA-256.
 * Addresses that keep failing are told to wait; a right token always passes, so that nobody can lock others out who share an
 * address.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import type { Clock } from "../../shared/kernel/clock.ts";
import { type CallerRole, JOIN_ROLE } from "../../shared/run/roles.ts";
import type { BoundNode, TokenBook } from "../store/tokens.ts";
import { LOGIN_ADDRESSES_MAX, LOGIN_FAILURES_MAX, LOGIN_WINDOW_MS } from "./limits.ts";

export interface Caller {
  /** Of the token; empty for the coordinator's own. */
  readonly name: string;
  readonly role: CallerRole;
  /** Unix ms; absent: for good. Absent of a join token too: of its time, the answer to Join says more than a refusal here. */
  readonly expiresAt?: number;
  /** The one node that it speaks for; absent: it is bound to none. */
  readonly bound?: BoundNode;
}

export type Access = { readonly kind: "granted"; readonly caller: Caller } | { readonly kind: "denied" | "limited" };

export interface Verifier {
  /** `authorization` is the value of the header, `address` the peer's IP address. */
  check(address: string, authorization: string | undefined): Access;
  /** Calls `end` with the reason when the caller's token is worth nothing any more. Gives what ends the watch. */
  watch(caller: Caller, end: (why: string) => void): () => void;
}

const OWN: Caller = { name: "", role: "admin" };
/** Of setTimeout. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export interface LoginLog {
  warn(fields: object, message: string): void;
}

/** SHA-256 of a token, as a verifier keeps it. */
export function hashToken(token: string): Buffer {
  return createHash("sha256").update(token, "utf8").digest();
}

/** `book`: tokens that were handed out; absent: there are none. */
export function createVerifier(
  tokenHash: Uint8Array,
  clock: Pick<Clock, "monotonicMs" | "wallMs">,
  log: LoginLog,
  book?: TokenBook,
): Verifier {
  const failures = new Map<string, { count: number; sinceMs: number }>();

  /** Counts a failure; true when it is one too many. */
  function countFailure(address: string): boolean {
    const now = clock.monotonicMs();
    const seen = failures.get(address);
    const entry = seen && now - seen.sinceMs < LOGIN_WINDOW_MS ? seen : { count: 0, sinceMs: now };
    entry.count += 1;
    // Set anew to be the youngest: the map drops whom it has not heard for longest.
    failures.delete(address);
    failures.set(address, entry);
    const [oldest] = failures.keys();
    if (failures.size > LOGIN_ADDRESSES_MAX && oldest !== undefined) failures.delete(oldest);
    // The log is spared too: it says each of the first failures, and once that the limit was reached.
    if (entry.count <= LOGIN_FAILURES_MAX) log.warn({ address }, "login refused");
    else if (entry.count === LOGIN_FAILURES_MAX + 1) log.warn({ address }, "login limited: too many failures");
    return entry.count > LOGIN_FAILURES_MAX;
  }

  function callerOf(hash: Buffer): Caller | undefined {
    if (timingSafeEqual(hash, tokenHash)) return OWN;
    const join = book?.findJoin(hash);
    if (join) return { name: join.name, role: JOIN_ROLE };
    const row = book?.find(hash);
    if (!row || (row.expiresAt !== undefined && row.expiresAt <= clock.wallMs())) return undefined;
    const { name, role, expiresAt, bound } = row;
    return { name, role, ...(expiresAt !== undefined && { expiresAt }), ...(bound && { bound }) };
  }

  return {
    check(address, authorization) {
      // Scripts send the token as it is in the file: what follows the dot is for them, and no secret.
      const token = /^Bearer ([\x21-\x2d\x2f-\x7e]{1,512})(?:\.[\w-]{0,8192})?$/i.exec(authorization ?? "")?.[1];
      const caller = token === undefined ? undefined : callerOf(hashToken(token));
      if (caller) return { kind: "granted", caller };
      return { kind: countFailure(address) ? "limited" : "denied" };
    },
    watch({ name, expiresAt }, end) {
      if (name === "" || !book) return () => undefined;
      const forget = book.onRemoved((removed) => {
        if (removed === name) end(`the token ${name} was revoked`);
      });
      if (expiresAt === undefined) return forget;
      let timer: NodeJS.Timeout | undefined;
      const wait = (): void => {
        const leftMs = expiresAt - clock.wallMs();
        if (leftMs <= 0) end(`the time of the token ${name} is over`);
        else timer = setTimeout(wait, Math.min(TIMER_MS_MAX, leftMs)).unref();
      };
      wait();
      return () => {
        clearTimeout(timer);
        forget();
      };
    },
  };
}

/** The address without port: of "10.0.0.7:4711", "[::1]:80" or "::ffff:10.0.0.7". */
export function addressOf(peer: string): string {
  const bare = /^\[(.*)\](?::\d+)?$/.exec(peer)?.[1] ?? (/^[^:]+:\d+$/.test(peer) ? peer.replace(/:\d+$/, "") : peer);
  return bare.replace(/^::ffff:(?=\d+\.)/i, "");
}
