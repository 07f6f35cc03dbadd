/** [P] Bodies of the actions: what each needs, and how much of it there may be. */
import { z } from "zod";
import { NAME_CHARS_MAX, PRIORITY_MAX, SPEC_BYTES_MAX } from "../run/limits.ts";

const REFS_MAX = 10_000;
const REF_CHARS_MAX = 300;
const TAGS_MAX = 50;
const NOTE_CHARS_MAX = 20_000;
const PATH_CHARS_MAX = 4_096;

const ref = z.string().min(1).max(REF_CHARS_MAX).describe("A reference such as digits.1.4, digits.1 or digits.1.1-5.");
const refs = z.array(ref).min(1).max(REFS_MAX);
const priority = z.int().min(-PRIORITY_MAX).max(PRIORITY_MAX).describe("Larger goes first.");
const tag = z
  .string()
  .regex(/^[^\s,\p{C}]+$/u, "a tag has no spaces, no commas, and only characters that are seen")
  .max(NAME_CHARS_MAX);
const source = z.strictObject({
  text: z.string().max(SPEC_BYTES_MAX).describe("The sweep file."),
  path: z.string().max(PATH_CHARS_MAX).optional().describe("Its name, for messages."),
  directory: z
    .string()
    .max(PATH_CHARS_MAX)
    .regex(/^\/[^\0]*$/, "an absolute directory is wanted")
    .describe("Absolute directory on the hosts from which runs start, where the file says no other."),
});
const force = z.boolean().optional().describe("Nothing is reused: every point runs again.");

export const ACTION_BODIES = {
  cancel: z.strictObject({ refs }),
  retry: z.strictObject({ refs }),
  pause: z.strictObject({ refs }),
  resume: z.strictObject({ refs }),
  priority: z.strictObject({ refs, priority }),
  annotate: z.strictObject({
    ref,
    tags: z.array(tag).max(TAGS_MAX).optional(),
    note: z.string().max(NOTE_CHARS_MAX).optional(),
    favourite: z.boolean().optional(),
  }),
  node: z.strictObject({
    name: z.string().min(1).max(NAME_CHARS_MAX),
    action: z.enum(["cordon", "uncordon", "drain", "stop"]),
  }),
  plan: z.strictObject({
    source,
    force,
    show: z.int().min(0).max(1_000).optional().describe("Points to show; 20 where it is not said."),
  }),
  submit: z.strictObject({ source, force, priority: priority.optional() }),
  apply: z.strictObject({
    source,
    sweep: ref.optional().describe("The sweep; the last one of the file's name where it is not said."),
    dryRun: z.boolean().optional().describe("Says what is different, and changes nothing."),
  }),
} as const;

export type ActionName = keyof typeof ACTION_BODIES;
export type ActionBody<Name extends ActionName> = z.infer<(typeof ACTION_BODIES)[Name]>;
