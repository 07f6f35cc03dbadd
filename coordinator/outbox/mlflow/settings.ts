/** The keys of an MLflow server, and what they amount to. */
import { z } from "zod";
import type { AppError } from "../../../shared/kernel/errors.ts";
import { ADDRESS, RUN_KEYS, runTarget, WORD } from "../run-keys.ts";
import type { RunTarget } from "../tracked-runs.ts";
import type { MlflowAccess } from "./client.ts";

export interface MlflowTarget extends RunTarget {
  readonly access: MlflowAccess;
  readonly prefix: string;
  readonly secrets: readonly string[];
}

export const MLFLOW_KEYS = z.strictObject({
  url: ADDRESS,
  token: WORD.optional(),
  user: WORD.optional(),
  password: WORD.optional(),
  prefix: z.string().max(200).optional(),
  ...RUN_KEYS,
});

/** `wrong` makes the refusal of a key. */
export function mlflowTarget(
  name: string,
  keys: z.infer<typeof MLFLOW_KEYS>,
  wrong: (key: string, what: string) => AppError,
): MlflowTarget {
  const { token, user, password } = keys;
  if (token !== undefined && user !== undefined) throw wrong("token", "say a token, or a user and a password");
  if ((user === undefined) !== (password === undefined)) {
    throw wrong(user === undefined ? "password" : "user", "a user and a password go together");
  }
  const basic = user === undefined ? "" : Buffer.from(`${user}:${password}`).toString("base64");
  const authorization = token !== undefined ? `Bearer ${token}` : basic === "" ? "" : `Basic ${basic}`;
  return {
    ...runTarget(name, keys),
    access: { url: keys.url.replace(/\/+$/, ""), authorization },
    prefix: keys.prefix ?? "",
    secrets: [token ?? "", password ?? "", basic].filter((secret) => secret !== ""),
  };
}
