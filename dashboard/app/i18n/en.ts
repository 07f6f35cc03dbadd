/** English. Keys are `area.name`; views keep theirs in files of their own. */
import { attempt } from "./en-attempt.ts";
import { fleet } from "./en-fleet.ts";
import { history } from "./en-history.ts";
import { node } from "./en-node.ts";
import { queue } from "./en-queue.ts";
import { record } from "./en-record.ts";
import { run } from "./en-run.ts";
import { runs } from "./en-runs.ts";
import { settings } from "./en-settings.ts";
import { shell } from "./en-shell.ts";
import { submit } from "./en-submit.ts";
import { sweeps } from "./en-sweeps.ts";

export const en = {
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
} as const;
