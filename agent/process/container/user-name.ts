/** What this user is called. */
import { userInfo } from "node:os";

/** The number of a user that the host has no name for, as in a container. */
export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 0);
  }
}
