/**
 * Who may call. One bearer token, kept as its SHA-256 and compared in constant time. Addresses that keep failing are told
 * to wait; the right token always passes, so that nobody can lock others out who share an address.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import type { Clock } from "../../shared/kernel/clock.ts";
import { LOGIN_ADDRESSES_MAX, LOGIN_FAILURES_MAX, LOGIN_WINDOW_MS } from "./limits.ts";

export type Access = "granted" | "denied" | "limited";

export interface Verifier {
  /** `authorization` is the value of the header, `address` the peer's IP address. */
  check(address: string, authorization: string | undefined): Access;
}

export interface LoginLog {
  warn(fields: object, message: string): void;
}

/** SHA-256 of a token, as a verifier keeps it. */
export function hashToken(token: string): Buffer {
  return createHash("sha256").update(token, "utf8").digest();
}

export function createVerifier(tokenHash: Uint8Array, clock: Pick<Clock, "monotonicMs">, log: LoginLog): Verifier {
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

  return {
    check(address, authorization) {
      // Scripts send the token as it is in the file: what follows the dot is for them, and no secret.
      const token = /^Bearer ([\x21-\x2d\x2f-\x7e]{1,512})(?:\.[\w-]{0,8192})?$/i.exec(authorization ?? "")?.[1];
      if (token !== undefined && timingSafeEqual(hashToken(token), tokenHash)) return "granted";
      return countFailure(address) ? "limited" : "denied";
    },
  };
}

/** The address without port: of "10.0.0.7:4711", "[::1]:80" or "::ffff:10.0.0.7". */
export function addressOf(peer: string): string {
  const bare = /^\[(.*)\](?::\d+)?$/.exec(peer)?.[1] ?? (/^[^:]+:\d+$/.test(peer) ? peer.replace(/:\d+$/, "") : peer);
  return bare.replace(/^::ffff:(?=\d+\.)/i, "");
}
