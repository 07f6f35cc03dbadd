/** Names users give and handles we give back. */
import { NAME_CHARS_MAX } from "./limits.ts";

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/** Undefined when `name` is fit to be the name of a sweep or a node, else the rule it breaks with the bad part quoted. */
export function nameProblem(name: string): string | undefined {
  if (name.length === 0) return "is empty";
  if (name.length > NAME_CHARS_MAX) return `is longer than ${NAME_CHARS_MAX} characters`;
  if (NAME.test(name)) return undefined;
  const bad = [...name].find((char, i) => !(i === 0 ? /[A-Za-z0-9]/ : /[A-Za-z0-9._-]/).test(char)) ?? "";
  const code = `U+${(bad.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
  return `contains ${JSON.stringify(bad)} (${code}); letters, digits, ".", "_" and "-" are allowed, a letter or digit first`;
}

/** "digits.1" */
export function sweepRef(name: string, number: number): string {
  return `${name}.${number}`;
}

/** "digits.1.4" */
export function runRef(sweep: string, index: number): string {
  return `${sweep}.${index}`;
}

/** By which a submission that is sent again is known to be the same. */
export function isSubmitId(text: string): boolean {
  return /^[A-Za-z0-9_-]{8,64}$/.test(text);
}
