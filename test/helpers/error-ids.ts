/** Every stable id of an error that the sources can give. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..", "..");
const DOTTED = /^[a-z][a-z0-9-]*\.[a-z][a-z0-9-]*$/;
/** First words that only ids have: there a literal counts wherever it stands, as it may be passed on as an argument. */
const OWN_WORDS =
  /^(?:auth|best|blob|bus|confirm|expression|http|identity|import|net|prune|pull|reader|ref|rerun|server|spec|table|token|up|wait|wire)\./;
/** Literals of that form that are something else. */
const NO_IDS: ReadonlySet<string> = new Set(["bus.json"]);

/** The values of the holes in ids that are put together. A new one fails until its values are here. */
const TEMPLATES: { readonly [text: string]: readonly string[] } = {
  "expression.${kind}": ["syntax", "name", "type", "value", "limit"].map((kind) => `expression.${kind}`),
  "up.${part.name}": ["nats", "coordinator", "agent"].map((name) => `up.${name}`),
};

/** Ids, each with a file that has it. Throws for an id that is put together in an unknown way. */
export function errorIds(): Map<string, string> {
  const ids = new Map<string, string>();
  for (const directory of ["agent", "cli", "coordinator", "shared"]) {
    for (const entry of readdirSync(join(ROOT, directory), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !entry.name.endsWith(".ts") || entry.name === "error-help.ts") continue;
      const file = join(entry.parentPath, entry.name);
      for (const id of idsOf(readFileSync(file, "utf8"))) ids.set(id, file.slice(ROOT.length));
    }
  }
  return ids;
}

function idsOf(text: string): string[] {
  const found: string[] = [];
  // The whole expression after "id:", over a line break where one is.
  for (const [, expression = ""] of text.matchAll(/\bid(?::| =) ((?:[^,;}\n]|\?\s*\n\s*|\n\s*[?:])+)/g)) {
    for (const [, literal = ""] of expression.matchAll(/"([^"]*)"/g)) if (DOTTED.test(literal)) found.push(literal);
  }
  for (const [, template = ""] of text.matchAll(/\bid: `([^`]*)`/g)) {
    if (!/^[a-z-]+\.\$\{[\w.]+\}$/.test(template)) continue;
    const values = TEMPLATES[template];
    if (!values) throw new Error(`the ids ${template} are not known to this test`);
    found.push(...values);
  }
  for (const [, literal = ""] of text.matchAll(/"([a-z][a-z0-9.-]*)"/g)) {
    if (DOTTED.test(literal) && OWN_WORDS.test(literal) && !NO_IDS.has(literal)) found.push(literal);
  }
  return found;
}
