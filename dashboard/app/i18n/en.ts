/** English. Keys are `area.name`; views keep theirs in files of their own. */
import { fleet } from "./en-fleet.ts";
import { run } from "./en-run.ts";
import { runs } from "./en-runs.ts";
import { shell } from "./en-shell.ts";

export const en = { ...shell, ...fleet, ...runs, ...run } as const;
