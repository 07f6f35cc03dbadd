/** The access token of this tab: from the address (`#t=TOKEN`, removed at once), else typed in. Never stored beyond the tab. */
import { signal } from "@preact/signals";

const TOKEN_KEY = "expfleet-token";

export const token = signal(takeToken());
/** Why the last token was not good; empty while it is. */
export const tokenProblem = signal("");

export function useToken(text: string): void {
  sessionStorage.setItem(TOKEN_KEY, text);
  tokenProblem.value = "";
  token.value = text;
}

export function forgetToken(problem: string): void {
  sessionStorage.removeItem(TOKEN_KEY);
  tokenProblem.value = problem;
  token.value = "";
}

function takeToken(): string {
  const given = new URLSearchParams(location.hash.slice(1)).get("t");
  if (given === null) return sessionStorage.getItem(TOKEN_KEY) ?? "";
  sessionStorage.setItem(TOKEN_KEY, given);
  history.replaceState(null, "", location.pathname + location.search);
  return given;
}
