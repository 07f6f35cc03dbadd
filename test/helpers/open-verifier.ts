/** A door that is open to everybody, for tests of what comes after it. */
import type { NodeBounds } from "../../coordinator/rpc/agent/node-bounds.ts";
import type { Verifier } from "../../coordinator/rpc/auth.ts";

export const OPEN_VERIFIER: Verifier = {
  check: () => ({ kind: "granted", caller: { name: "", role: "admin" } }),
  watch: () => () => undefined,
};

export const OPEN_BOUNDS: NodeBounds = {
  checkAgent: () => undefined,
  isOwn: () => true,
  checkSent: () => undefined,
  checkAsked: async () => undefined,
};
