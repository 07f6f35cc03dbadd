/** Command templates as stored and sent. */
import type { RunTemplate } from "./types.ts";

export function templateToJson(template: RunTemplate): string {
  const { command, args, cwd, env } = template;
  return JSON.stringify({ command, args, cwd, env });
}

/** Reverse of `templateToJson`. Throws a plain error for a text that it cannot have made. */
export function templateFromJson(text: string): RunTemplate {
  const body: unknown = JSON.parse(text);
  if (typeof body !== "object" || body === null) throw new Error("a command template is an object");
  const { command, args, cwd, env } = body as { readonly [key: string]: unknown };
  if (typeof command !== "string" && !isTexts(command)) throw new Error("a command template has a command");
  if (args !== "flags") throw new Error(`a command template has no args style ${JSON.stringify(args)}`);
  if (typeof cwd !== "string") throw new Error("a command template has a directory");
  if (typeof env !== "object" || env === null || !isTexts(Object.values(env))) {
    throw new Error("a command template has an environment of texts");
  }
  return { command, args, cwd, env: env as { readonly [name: string]: string } };
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}
