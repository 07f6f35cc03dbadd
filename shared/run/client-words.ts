/** [P] What a program says about its run besides numbers: tags, notes, warnings, and rows that are for a table elsewhere. */
import type { OtherEvent } from "./client-event.ts";
import { NAME_CHARS_MAX, NOTE_CHARS_MAX, TAGS_MAX } from "./limits.ts";
import type { TableName } from "./notify.ts";

export type ClientWord =
  | { readonly kind: "tags"; readonly tags: readonly string[] }
  | { readonly kind: "note"; readonly text: string }
  | {
      readonly kind: "warning";
      /** Unix seconds; undefined where the program did not say. */
      readonly at: number | undefined;
      /** One line. */
      readonly text: string;
      /** Not told a second time of one run. */
      readonly once?: true;
    }
  | {
      /** For a table elsewhere. */
      readonly kind: "row";
      readonly cells: readonly (readonly [string, string])[];
      readonly table: Partial<TableName>;
    };

const WARNING_CHARS_MAX = 1_000;

/** Undefined for an event that says nothing of the kind. */
export function wordOf({ letter, at, body }: OtherEvent): ClientWord | undefined {
  switch (letter) {
    case "t": {
      const tags = (Array.isArray(body.v) ? body.v : []).map(asTag).filter((tag) => tag !== "");
      return tags.length === 0 ? undefined : { kind: "tags", tags };
    }
    case "n": {
      const text = said(body.text).replace(/\r\n?/g, "\n").trim();
      return text === "" ? undefined : { kind: "note", text };
    }
    case "w": {
      const text = warningText(body);
      return text === "" ? undefined : { kind: "warning", at, text };
    }
    default:
      return undefined;
  }
}

/** The tags with those that are new; as many as a run may have. The same array where nothing is new. */
export function withTags(before: readonly string[], added: readonly string[]): readonly string[] {
  const all = [...new Set([...before, ...added])].slice(0, Math.max(TAGS_MAX, before.length));
  return all.length === before.length ? before : all;
}

/** The note with a line more. As it was where it says so already, or where there is no room. */
export function withNote(before: string, line: string): string {
  if (`\n${before}\n`.includes(`\n${line}\n`)) return before;
  const whole = before === "" ? line : `${before}\n${line}`;
  return whole.length > NOTE_CHARS_MAX ? before : whole;
}

/** As people type it: without spaces and commas. */
function asTag(value: unknown): string {
  if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean") return "";
  return String(value)
    .trim()
    .replace(/[\s,\p{Cc}]+/gu, "-")
    .slice(0, NAME_CHARS_MAX);
}

function warningText(body: OtherEvent["body"]): string {
  const dropped = typeof body.dropped === "number" ? `${body.dropped} events were left out` : "";
  const what = [said(body.title), said(body.text), dropped, said(body.reason)].filter((part) => part !== "").join(": ");
  const level = said(body.level);
  // The level of most of them says nothing more than that it is one.
  const shown = level === "" || level === "warning" || what === "" ? what : `${level}: ${what}`;
  const rank = typeof body.rank === "number" && body.rank > 0 ? `rank ${body.rank}: ` : "";
  return `${shown === "" ? "" : rank}${shown}`.replace(/[\p{Cc}\s]+/gu, " ").slice(0, WARNING_CHARS_MAX);
}

function said(value: unknown): string {
  return typeof value === "string" ? value.trim() : "";
}
