/** Exit codes of `exp` that say more than which refusal ended it (shared/program.ts has those). */

export const EXIT = {
  ok: 0,
  /** The work failed: a waited-for run failed, or a check is red. */
  workFailed: 1,
  usage: 2,
  /** Refused by the state of things: already terminal, already there. */
  refused: 6,
  /** Some of many were done. */
  partly: 7,
  interrupted: 130,
} as const;
