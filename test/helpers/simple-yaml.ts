/**
 * [P] Reads the part of YAML that the repository's own files keep to: block maps and lists, flow lists, plain and quoted
 * scalars, comments. Throws for anything else, which keeps those files simple.
 */

export type Yaml = string | null | readonly Yaml[] | { readonly [key: string]: Yaml };

interface Line {
  readonly indent: number;
  readonly text: string;
  readonly number: number;
}

export function parseYaml(source: string): Yaml {
  const lines = source.split("\n").flatMap((raw, index): Line[] => {
    const text = raw.trim();
    if (text === "" || text.startsWith("#")) return [];
    return [{ indent: raw.length - raw.trimStart().length, text, number: index + 1 }];
  });
  const [value, next] = parseBlock(lines, 0);
  if (next < lines.length) throw wrong(lines[next], "unexpected indentation");
  return value;
}

function parseBlock(lines: readonly Line[], start: number): [Yaml, number] {
  const first = lines[start];
  if (!first) return [null, start];
  return first.text.startsWith("- ") ? parseList(lines, start, first.indent) : parseMap(lines, start, first.indent);
}

function parseList(lines: readonly Line[], start: number, indent: number): [Yaml, number] {
  const items: Yaml[] = [];
  let at = start;
  for (let line = lines[at]; line?.indent === indent && line.text.startsWith("- "); line = lines[at]) {
    const text = line.text.slice(2);
    if (/^[\w-]+:( |$)/.test(text)) {
      // A map in the list: its first key stands after the dash, the others below it.
      const inner = lines.map((each, index) => (index === at ? { ...each, indent: indent + 2, text } : each));
      const [value, next] = parseMap(inner, at, indent + 2);
      items.push(value);
      at = next;
    } else {
      items.push(parseScalar(text, line));
      at += 1;
    }
  }
  return [items, at];
}

function parseMap(lines: readonly Line[], start: number, indent: number): [Yaml, number] {
  const map: Record<string, Yaml> = {};
  let at = start;
  for (let line = lines[at]; line?.indent === indent; line = lines[at]) {
    const match = /^([\w-]+):(?: (.*))?$/.exec(line.text);
    const key = match?.[1];
    if (key === undefined) throw wrong(line, "expected `key: value`");
    if (key in map) throw wrong(line, `${key} twice`);
    at += 1;
    const rest = match?.[2];
    const below = lines[at];
    if (rest !== undefined) {
      map[key] = parseScalar(rest, line);
    } else if (below && below.indent > indent) {
      [map[key], at] = parseBlock(lines, at);
    } else {
      map[key] = null;
    }
  }
  return [map, at];
}

function parseScalar(text: string, line: Line): Yaml {
  if (text.startsWith("[")) {
    const words = text.match(/"(?:\\.|[^"\\])*"|[^\s,[\]"]+/g) ?? [];
    if (!text.endsWith("]")) throw wrong(line, "a flow list on more than one line");
    return words.map((word) => parseScalar(word, line));
  }
  if (text.startsWith('"')) return JSON.parse(text) as string;
  if (/^['{&*!|>%@`]/.test(text) || text.includes(" #") || text.includes(": ")) throw wrong(line, "quote it");
  return text;
}

function wrong(line: Line | undefined, message: string): Error {
  return new Error(`line ${line?.number}: ${message}: ${line?.text}`);
}
