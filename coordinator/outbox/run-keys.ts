/** Keys that all channels for runs have. */
import { z } from "zod";
import { parseDuration } from "../../shared/kernel/duration.ts";
import type { RunTarget } from "./tracked-runs.ts";

export const WORD = z.string().min(1);

export const ADDRESS = z.string().refine((url) => URL.canParse(url) && /^https?:$/.test(new URL(url).protocol), {
  error: "must be an address that begins with https:// or http://",
});

const EVERY_MS_MIN = 1_000;
const EVERY_MS_MAX = 3_600_000;
/** Time between two updates of a run that goes on. */
const EVERY_MS = 10_000;

export const RUN_KEYS = {
  projects: z.array(WORD).optional(),
  sweeps: z.array(WORD).optional(),
  every: z
    .string()
    .transform((text, context) => {
      const ms = parseDuration(text);
      if (ms !== undefined && ms >= EVERY_MS_MIN && ms <= EVERY_MS_MAX) return ms;
      context.addIssue({ code: "custom", message: "must be a duration from 1s to 1h" });
      return z.NEVER;
    })
    .optional(),
} as const;

interface RunKeys {
  readonly projects?: string[] | undefined;
  readonly sweeps?: string[] | undefined;
  readonly every?: number | undefined;
}

export function runTarget(name: string, { projects = [], sweeps = [], every = EVERY_MS }: RunKeys): RunTarget {
  return { name, projects, sweeps, updateMs: every };
}
