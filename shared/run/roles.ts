/** [P] What a token may do. */

/**
 * `reader` looks. `user` also submits, and changes runs. `agent` is a host: it takes work and brings results, and sees nothing
 * else. `admin` may do everything: close nodes, and hand out tokens.
 */
export const ROLES = ["reader", "user", "agent", "admin"] as const;

export type Role = (typeof ROLES)[number];

/** Of a join token: it makes one agent known, once, and may do nothing else. No token that lasts has it. */
export const JOIN_ROLE = "join";

export type CallerRole = Role | typeof JOIN_ROLE;

export function isRole(text: string): text is Role {
  return ROLES.some((role) => role === text);
}

/** `roles`: those that may, besides `admin`, who always may. */
export function mayCall(role: CallerRole, roles: readonly CallerRole[]): boolean {
  return role === "admin" || roles.includes(role);
}

/** A token as people see it: without its secret, which nobody has but its owner. */
export interface TokenView {
  name: string;
  /** A CallerRole; another one where the coordinator is newer. */
  role: string;
  /** Of an agent's own token, the node that it speaks for; of a join token, the only one that may use it. Null: any. */
  node: string | null;
  createdAt: string;
  /** Null: for good. */
  expiresAt: string | null;
  /** "waiting" and "used" are of join tokens. */
  state: "valid" | "waiting" | "used" | "expired";
  /** Of a join token that was used. */
  usedAt: string | null;
  usedBy: string | null;
}

/** How long a join token may wait for its agent. */
export const JOIN_MS = 15 * 60_000;
export const JOIN_MS_MAX = 7 * 86_400_000;
