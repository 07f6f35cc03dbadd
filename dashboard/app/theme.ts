/** Light or dark: as the system has it, unless the user chose one. Styles read `data-theme` of the root element. */
import { signal } from "@preact/signals";

export type Theme = "system" | "light" | "dark";

const KEY = "expfleet-theme";
const dark = matchMedia("(prefers-color-scheme: dark)");

export const theme = signal<Theme>(stored());
/** What is drawn now; charts, which draw on a canvas, read their colours again when it changes. */
export const shownTheme = signal<"light" | "dark">("light");

export function applyTheme(): void {
  shownTheme.value = theme.value === "system" ? (dark.matches ? "dark" : "light") : theme.value;
  document.documentElement.dataset.theme = shownTheme.value;
}

export function chooseTheme(choice: Theme): void {
  theme.value = choice;
  localStorage.setItem(KEY, choice);
  applyTheme();
}

/** Value of a colour of the style sheet, such as "--accent". */
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

dark.addEventListener("change", applyTheme);

function stored(): Theme {
  const text = localStorage.getItem(KEY);
  return text === "light" || text === "dark" ? text : "system";
}
