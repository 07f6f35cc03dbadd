/** 简体中文。 */
import type { en } from "./en.ts";
import { attempt } from "./zh-attempt.ts";
import { fleet } from "./zh-fleet.ts";
import { history } from "./zh-history.ts";
import { node } from "./zh-node.ts";
import { queue } from "./zh-queue.ts";
import { record } from "./zh-record.ts";
import { run } from "./zh-run.ts";
import { runs } from "./zh-runs.ts";
import { settings } from "./zh-settings.ts";
import { shell } from "./zh-shell.ts";
import { submit } from "./zh-submit.ts";
import { sweeps } from "./zh-sweeps.ts";

export const zh: { readonly [key in keyof typeof en]: string } = {
  ...shell,
  ...fleet,
  ...runs,
  ...run,
  ...attempt,
  ...record,
  ...node,
  ...history,
  ...settings,
  ...submit,
  ...sweeps,
  ...queue,
};
