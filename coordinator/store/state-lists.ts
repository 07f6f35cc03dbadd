/** Groups of run states as SQL lists, for `state IN (…)`. */
import { LIVE_STATES, TERMINAL_STATES } from "../../shared/run/states.ts";

const listed = (states: readonly string[]): string => states.map((state) => `'${state}'`).join(", ");

export const LIVE_LIST = listed(LIVE_STATES);
export const TERMINAL_LIST = listed(TERMINAL_STATES);
