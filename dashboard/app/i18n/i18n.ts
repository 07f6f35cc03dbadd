/**
 * The words of the page, in English and in Simplified Chinese, from one dictionary: `en` has every key, and the type of `zh`
 * makes a missing one an error. `{name}` in a text is replaced by a value.
 */
import { signal } from "@preact/signals";
import { en } from "./en.ts";
import { zh } from "./zh.ts";

export type Key = keyof typeof en;
export type Language = "en" | "zh";

const STORED = "expfleet-language";
const DICTIONARIES: { readonly [language in Language]: { readonly [key in Key]: string } } = { en, zh };

export const language = signal<Language>(first());

export function t(key: Key, values: { readonly [name: string]: string | number } = {}): string {
  return DICTIONARIES[language.value][key].replace(/\{(\w+)\}/g, (all, name: string) => String(values[name] ?? all));
}

export function chooseLanguage(choice: Language): void {
  localStorage.setItem(STORED, choice);
  language.value = choice;
  document.documentElement.lang = choice === "zh" ? "zh-Hans" : "en";
}

function first(): Language {
  const stored = localStorage.getItem(STORED);
  const choice = stored === "en" || stored === "zh" ? stored : navigator.language.startsWith("zh") ? "zh" : "en";
  document.documentElement.lang = choice === "zh" ? "zh-Hans" : "en";
  return choice;
}
