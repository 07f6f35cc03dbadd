/** [P] Names and texts as MLflow takes them: of few characters, not too long, and still different where they were different. */
import { hash } from "node:crypto";

/** Characters of a key of a metric, a parameter or a tag. */
export const KEY_CHARS_MAX = 250;
export const PARAM_CHARS_MAX = 6_000;
export const TAG_CHARS_MAX = 5_000;
export const EXPERIMENT_CHARS_MAX = 500;

/** The name, where MLflow takes it; else what it would take, with a part that tells it from others like it. */
export function mlflowKey(name: string): string {
  if (isKey(name)) return name;
  const plain = name
    .replace(/[^\p{L}\p{N}_\-./ ]/gu, "_")
    .split("/")
    .map((part) => (/^\.*$/.test(part) ? "_" : part))
    .join("/");
  return `${plain.slice(0, KEY_CHARS_MAX - 9)}_${hash("sha256", name, "hex").slice(0, 8)}`;
}

/** Cut where it is too long, visibly. */
export function cutText(text: string, charsMax: number): string {
  return text.length <= charsMax ? text : `${text.slice(0, charsMax - 1)}…`;
}

/** Letters, digits, "_", "-", "." and spaces, as a path that is written in only one way. */
function isKey(name: string): boolean {
  if (name.length > KEY_CHARS_MAX || !/^[\p{L}\p{N}_\-./ ]+$/u.test(name)) return false;
  return name.split("/").every((part) => part !== "" && part !== "." && part !== "..");
}
