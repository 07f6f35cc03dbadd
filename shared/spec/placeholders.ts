/** `${…}` in texts of a sweep file: what is literal and what is a name. `$$` is a dollar sign; any other `$` stays. */

/** Names that every run has; a parameter cannot be called like one of them. */
export const BUILTIN_NAMES = ["run.id", "run.name", "run.index", "run.dir", "sweep.name", "node.name", "gpus"] as const;
export type BuiltinName = (typeof BUILTIN_NAMES)[number];

/** Stands for all parameters in the style of `run.args`. */
export const ARGS_NAME = "args";

export type Segment =
  | { readonly kind: "literal"; readonly text: string }
  /** `raw` is the placeholder as written, `${ lr }`; unclosed: without a `}` up to the end of the text. */
  | { readonly kind: "name"; readonly name: string; readonly raw: string; readonly closed: boolean };

/** The parts of a text in order. Neighbouring literals are one. */
export function parsePlaceholders(text: string): Segment[] {
  const segments: Segment[] = [];
  let literal = "";
  let at = 0;
  const flush = () => {
    if (literal !== "") segments.push({ kind: "literal", text: literal });
    literal = "";
  };
  while (at < text.length) {
    const dollar = text.indexOf("$", at);
    if (dollar < 0) break;
    literal += text.slice(at, dollar);
    at = dollar;
    if (text[at + 1] === "$") {
      literal += "$";
      at += 2;
    } else if (text[at + 1] === "{") {
      flush();
      const close = text.indexOf("}", at);
      const raw = close < 0 ? text.slice(at) : text.slice(at, close + 1);
      const name = raw.slice(2, close < 0 ? undefined : -1).trim();
      segments.push({ kind: "name", name, raw, closed: close >= 0 });
      at += raw.length;
    } else {
      literal += "$";
      at += 1;
    }
  }
  literal += text.slice(at);
  flush();
  return segments;
}

/** The text as a template that renders to it. */
export function escapeTemplate(text: string): string {
  return text.replaceAll("$", "$$$$");
}
