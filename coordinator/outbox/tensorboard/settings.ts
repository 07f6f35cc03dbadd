/** The keys of a log directory of TensorBoard. */
import { isAbsolute } from "node:path";
import { z } from "zod";
import { RUN_KEYS, runTarget, WORD } from "../run-keys.ts";
import type { RunTarget } from "../tracked-runs.ts";

export interface TensorboardTarget extends RunTarget {
  readonly directory: string;
}

export const TENSORBOARD_KEYS = z.strictObject({
  directory: WORD.refine(isAbsolute, { error: "must begin with /" }),
  ...RUN_KEYS,
});

export function tensorboardTarget(name: string, keys: z.infer<typeof TENSORBOARD_KEYS>): TensorboardTarget {
  return { ...runTarget(name, keys), directory: keys.directory };
}
