/** Pages for people: their links lead somewhere, the commands in them exist, and README.zh.md says what README.md says. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { LOADERS } from "../../../cli/command-list.ts";
import { COMMAND_TREE } from "../../../cli/command-tree.ts";
import { ERROR_HELP } from "../../../cli/error-help.ts";
import { GLOBAL_OPTIONS } from "../../../cli/global-options.ts";
import { TOPICS } from "../../../cli/help-topics.ts";

const ROOT = resolve(import.meta.dirname, "../../..");
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");
const pagesIn = (folder: string) =>
  readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith(".md"))
    .map((name) => join(folder, name));

const PAGES = [
  ...pagesIn("."),
  ...pagesIn("docs"),
  ...pagesIn("deploy"),
  ...pagesIn("python"),
  "examples/digits/README.md",
].filter((path) => existsSync(join(ROOT, path)));

interface Block {
  readonly language: string;
  readonly text: string;
}

function blocksOf(text: string): Block[] {
  return [...text.matchAll(/^```(\w*)\n(.*?)^```/gms)].map(([, language = "", body = ""]) => ({
    language,
    text: body,
  }));
}

const withoutCode = (text: string) => text.replace(/^```.*?^```/gms, "").replace(/`[^`\n]*`/g, "");

/** As the usual renderers make them from headings. */
function anchorsOf(text: string): Set<string> {
  const headings = [...text.replace(/^```.*?^```/gms, "").matchAll(/^#+ (.*)$/gm)].map(([, title = ""]) => title);
  return new Set(
    headings.map((title) =>
      title
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, "")
        .trim()
        .replace(/\s/g, "-"),
    ),
  );
}

describe.each(PAGES)("%s", (page) => {
  const text = read(page);

  test("links lead somewhere", () => {
    const broken = [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target = ""]) => target)
      .filter((target) => !/^(?:https?|mailto):/.test(target))
      .filter((target) => {
        const [path = "", anchor] = target.split("#");
        const file = path === "" ? join(ROOT, page) : resolve(ROOT, dirname(page), path);
        if (!existsSync(file) || relative(ROOT, file).startsWith("..")) return true;
        if (anchor === undefined) return false;
        return statSync(file).isDirectory() || !anchorsOf(readFileSync(file, "utf8")).has(anchor);
      });
    expect(broken).toEqual([]);
  });

  test("commands are there, with the options that they are given", async () => {
    const wrong: string[] = [];
    for (const line of commandsOf(text))
      wrong.push(...(await problemsOf(line)).map((problem) => `${line}: ${problem}`));
    expect(wrong).toEqual([]);
  });
});

/** Each "exp …" of the code of a page, from its name to where the shell would end it. */
function commandsOf(text: string): string[] {
  const code = blocksOf(text)
    .filter(({ language }) => ["", "sh", "text", "console", "toml"].includes(language))
    .flatMap(({ text: body }) => body.replaceAll("\\\n", " ").split("\n"));
  const inline = [...text.replace(/^```.*?^```/gms, "").matchAll(/`(exp [^`]+)`/g)].map(([, line = ""]) => line);
  return [...code, ...inline].flatMap((line) =>
    [...line.matchAll(/(?:^|[\s(;|&"])(exp (?:[a-z]+)\b.*?)(?=$|[;|)]| #| {3,}|[^\w-]exp )/g)].map(
      ([, command = ""]) => command,
    ),
  );
}

async function problemsOf(line: string): Promise<string[]> {
  const [own = ""] = line.split(/ -- /);
  const words = own.match(/'[^']*'|"[^"]*"|\S+/g) ?? [];
  const name = words[1]?.replace(/[.,:]+$/, "") ?? "";
  const command = COMMAND_TREE.find((each) => each.name === name);
  if (!command) return PROSE.has(name) ? [] : [`no command ${name}`];
  if (name === "help" && words.length > 2) {
    const topic = words[2]?.replace(/[.,:]+$/, "") ?? "";
    const isKnown = TOPICS.has(topic) || Object.hasOwn(ERROR_HELP, topic) || /^[A-Z|]+$/.test(topic);
    return isKnown || COMMAND_TREE.some((each) => each.name === topic) ? [] : [`no help on ${topic}`];
  }
  const options = { ...(await LOADERS[command.name]()).options, ...GLOBAL_OPTIONS };
  const known = Object.entries(options).flatMap(([long, { alias }]) => [`--${long}`, alias ? `-${alias}` : ""]);
  return words
    .map((word) => /^(--?[a-z][a-z-]*)/.exec(word)?.[1] ?? "")
    .filter((word) => word !== "" && !known.includes(word) && word !== "--help" && word !== "-h")
    .map((word) => `no option ${word}`);
}

/** "exp" in a sentence or a program, before a word that is no command. */
const PROSE = new Set([
  "as",
  "and",
  "has",
  "exp",
  "import",
  "is",
  "on",
  "by",
  "in",
  "of",
  "the",
  "to",
  "itself",
  "speaks",
  "float",
]);

test("a command that is not there is noticed, and a wrong option", async () => {
  const found = commandsOf("```sh\nexp lss\nexp ls --frob # no\n```\nand `exp best x --by-run`");
  expect(found).toEqual(["exp lss", "exp ls --frob", "exp best x --by-run"]);
  const problems = await Promise.all(found.map(problemsOf));
  expect(problems).toEqual([["no command lss"], ["no option --frob"], []]);
});

describe("README.zh.md", () => {
  const [english, chinese] = [read("README.md"), read("README.zh.md")];

  test("has as many headings of each level, in the same order", () => {
    const levels = (text: string) =>
      [...text.replace(/^```.*?^```/gms, "").matchAll(/^(#+) /gm)].map(([, marks]) => marks);
    expect(levels(chinese)).toEqual(levels(english));
  });

  test("has the same commands and programs, comments aside", () => {
    const bare = (text: string) =>
      blocksOf(text)
        .filter(({ text: body }) => !/[┌└│]/.test(body))
        .map(({ language, text: body }) => ({
          language,
          lines: body
            .split("\n")
            .map(
              (line) =>
                line
                  .replace(/(?:^|\s)#.*$/, "")
                  .split(/ {3,}/)[0]
                  ?.trim() ?? "",
            )
            .filter((line) => line !== ""),
        }));
    expect(bare(chinese)).toEqual(bare(english));
  });

  test("names the same pages and pictures", () => {
    const targets = (text: string) =>
      [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)]
        .map(([, target = ""]) => target.replace("README.zh.md", "").replace("README.md", ""))
        .filter((target) => target !== "" && !target.startsWith("#"))
        .sort();
    expect(targets(chinese)).toEqual(targets(english));
  });

  test("is Chinese", () => {
    const han = withoutCode(chinese).match(/\p{Script=Han}/gu)?.length ?? 0;
    expect(han).toBeGreaterThan(600);
  });
});

test("each page of docs/ is reached from docs/README.md", () => {
  const index = read("docs/README.md");
  const left = pagesIn("docs")
    .map((path) => relative("docs", path))
    .filter((name) => name !== "README.md" && !index.includes(`(${name})`));
  expect(left).toEqual([]);
});
