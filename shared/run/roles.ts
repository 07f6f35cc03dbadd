/** [P] What a token may do. */

/**
 * `reader` looks. `user` also submits, and changes runs. `agent` is a host: it takes work and brings results, and sees nothing
 * else. `admin` may do everything: close nodes, and hand out tokens.
 */
export const ROLES = ["reader", "user", "agent", "admin"] as const;

export type Role = (typeof ROLES)[number];

export function isRole(text: string): text is Role {
  return ROLES.some((role) => role === text);
}

/** `roles`: those that may, besides `admin`, who always may. */
export function mayCall(role: Role, roles: readonly Role[]): boolean {
  return role === "admin" || roles.includes(role);
}

/** A token as people see it: without its secret, which nobody has but its owner. */
export interface TokenView {
  name: string;
  /** A Role; another one where the coordinator is newer. */
  role: string;
  createdAt: string;
  /** Null: for good. */
  expiresAt: string | null;
}
