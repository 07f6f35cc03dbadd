/**
 * Which Host and Origin a request may name. A page elsewhere can point its own name at this machine (DNS rebinding); only
 * names that are ours are answered. Addresses cannot be rebound, so the one that was connected to is always right.
 */
const HOST = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?))(?::\d{1,5})?$/;
const LOOPBACK = ["127.0.0.1", "::1", "localhost"];

export interface HostRule {
  /** `header` is the Host header, `localAddress` the address that the peer connected to. */
  allows(header: string | undefined, localAddress: string | undefined): boolean;
}

/** Allows the loopback names, `bound` and `allowed` (names or addresses without port). */
export function createHostRule(bound: string, allowed: readonly string[]): HostRule {
  const names = new Set([...LOOPBACK, bound, ...allowed].map((name) => name.toLowerCase().replace(/^\[(.*)\]$/, "$1")));
  return {
    allows(header, localAddress) {
      const match = HOST.exec(header?.toLowerCase() ?? "");
      const host = match?.[1] ?? match?.[2];
      if (host === undefined) return false;
      return names.has(host) || host === localAddress?.replace(/^::ffff:(?=\d+\.)/, "");
    },
  };
}

/** True when a request with this Origin comes from a page of ours, or from no page at all. */
export function isSameOrigin(origin: string | undefined, host: string): boolean {
  if (origin === undefined) return true;
  return URL.canParse(origin) && new URL(origin).host === host.toLowerCase();
}
