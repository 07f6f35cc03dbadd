/** The place index of TOML against the parser: the text at each place reads as the value that the parser found. */
import { parse } from "smol-toml";
import { expect, test } from "vitest";
import { entriesOf, itemsOf, kindOf, type SpecNode } from "../../../shared/spec/node.ts";
import { tomlPlaces } from "../../../shared/spec/toml-places.ts";

const TEXTS: readonly string[] = [
  "a = 1\nb = 0x1F # c\nc = -1.5e3\nd = 1979-05-27 07:32:00\ne = 1979-05-27\nf = 07:32:00\n",
  "a = [1, 2,3 , [4,[5]], # c ]\n 6,\n]\nb = [ ]\n",
  'a = "x # ] \\" y"\nb = \'x # \\\'\nc = """one\n"two" \\""" three"""""\nd = \'\'\'it\'s\n\'\'\'\'\n',
  'a = { b = 1, "c d" = { e = [ { f = 2 } ] } }\nb={x=1,y=2}\n',
  '"a.b" = 1\na.b = 2\n"\\u00e9" = 3\n\'q"\'.r = 4\n a . "b c" . d = 5\n',
  "[a]\nx = 1\n[a.b.c]\ny = 2\n[ d . 'e' ]\nz = 3\n[a.b]\nw = 4\n",
  "[[a]]\nx = 1\n[a.b]\ny = 1\n[[a]]\nx = 2\n[[a.c]]\nz = 1\n[[a.c]]\nz = 2\n",
  "# only\r\n\r\na = 1\r\n[b]\r\nc = '''\r\nx'''\r\n",
  "a = true",
];

test.each(TEXTS)("%j", (text) => {
  const at = tomlPlaces(text);
  if ("tooDeepAt" in at) throw new Error("not deep");
  const root: SpecNode = { raw: parse(text, { integersAsBigInt: true }), at };
  expect(check(text, root)).toBeGreaterThan(0);
});

/** Compares every value below `node`; returns how many there were. */
function check(text: string, node: SpecNode): number {
  const kind = kindOf(node.raw);
  if (kind === "table") {
    const entries = entriesOf(node);
    expect(entries.map(([key]) => key).sort()).toEqual(Object.keys(node.raw as object).sort());
    for (const [key, { at }] of entries) {
      expect(Object.keys(parse(`${text.slice(at.keyStart, at.keyEnd)} = 1`))).toEqual([key]);
    }
    return entries.reduce((count, [, child]) => count + check(text, child), 0);
  }
  if (kind === "list") {
    const items = itemsOf(node);
    expect(items).toHaveLength((node.raw as unknown[]).length);
    return items.reduce((count, item) => count + check(text, item), 1);
  }
  const { value } = parse(`value = ${text.slice(node.at.start, node.at.end)}`, { integersAsBigInt: true });
  expect(value).toEqual(node.raw);
  return 1;
}
