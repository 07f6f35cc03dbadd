/** [P] Refusals as people and programs read them: one line of what, then where, then how. */
import type { AppError } from "../../shared/kernel/errors.ts";
import { paint } from "./colour.ts";
import { escapeControl } from "./text.ts";
import { displayWidth } from "./width.ts";

/** Ends with a newline. Without a place in a file it is one line. */
export function errorText(error: AppError, color: boolean): string {
  const { place, hint } = error;
  const message = escapeControl(error.message);
  const head = `${paint(`error[${escapeControl(error.id)}]:`, "bad", color)} ${message}`;
  const how = hint === undefined ? "" : escapeControl(hint);
  if (!place) return how === "" ? `${head}\n` : `${head}${message.endsWith("?") ? "" : ";"} ${how}\n`;
  const lines = [head, `  --> ${escapeControl(place.file)}:${place.line}:${place.column}`];
  if (place.text === undefined) {
    if (how !== "") lines.push(`   = ${how}`);
    return `${lines.join("\n")}\n`;
  }
  const number = String(place.line);
  const before = displayWidth(escapeControl(place.text.slice(0, place.column - 1)));
  const marked = place.text.slice(place.column - 1, place.column - 1 + (place.length ?? 1));
  const caret = paint("^".repeat(Math.max(1, displayWidth(escapeControl(marked)))), "bad", color);
  lines.push(`${number} | ${escapeControl(place.text)}`);
  lines.push(`${" ".repeat(number.length)} | ${" ".repeat(before)}${caret}${how === "" ? "" : ` ${how}`}`);
  return `${lines.join("\n")}\n`;
}

/** `{"error": {code, id, message, hint?, place?}}` and a newline. */
export function errorJson(error: AppError): string {
  const { code, id, message, hint, place } = error;
  return `${JSON.stringify({ error: { code, id, message, hint, place } })}\n`;
}
