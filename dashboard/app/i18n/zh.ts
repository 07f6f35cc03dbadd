/** 简体中文。 */
import type { Key } from "./i18n.ts";
import { fleet } from "./zh-fleet.ts";
import { run } from "./zh-run.ts";
import { runs } from "./zh-runs.ts";
import { shell } from "./zh-shell.ts";

export const zh: { readonly [key in Key]: string } = { ...shell, ...fleet, ...runs, ...run };
