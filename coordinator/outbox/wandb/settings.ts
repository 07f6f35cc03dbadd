/** The keys of a project of W&B, and what they amount to. */
import { isAbsolute } from "node:path";
import { z } from "zod";
import { ADDRESS, RUN_KEYS, runTarget, WORD } from "../run-keys.ts";
import type { RunTarget } from "../tracked-runs.ts";
import type { WandbAccess } from "./helper-process.ts";

export interface WandbTarget extends RunTarget {
  readonly access: WandbAccess;
  /** Empty: the account's own. */
  readonly entity: string;
  /** Empty: that of the sweep. */
  readonly project: string;
}

export const WANDB_KEYS = z.strictObject({
  api_key: WORD.optional(),
  entity: WORD.optional(),
  project: WORD.optional(),
  url: ADDRESS.optional(),
  mode: z.enum(["online", "offline"]).optional(),
  python: WORD.optional(),
  directory: WORD.refine(isAbsolute, { error: "must begin with /" }).optional(),
  ...RUN_KEYS,
});

/** `directory`: absolute, where the keys name none. */
export function wandbTarget(name: string, keys: z.infer<typeof WANDB_KEYS>, directory: string): WandbTarget {
  return {
    ...runTarget(name, keys),
    access: {
      python: keys.python ?? "python3",
      apiKey: keys.api_key ?? "",
      baseUrl: keys.url ?? "",
      mode: keys.mode ?? "online",
      directory: keys.directory ?? directory,
    },
    entity: keys.entity ?? "",
    project: keys.project ?? "",
  };
}
