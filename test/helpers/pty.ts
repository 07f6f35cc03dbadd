/** A program in a real pseudo terminal (Python's pty module), and what a person would see there. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { waitUntil } from "./wait-until.ts";

const RUNNER = fileURLToPath(new URL("pty_run.py", import.meta.url));
const ROOT = fileURLToPath(new URL("../../", import.meta.url));

export interface Pty extends AsyncDisposable {
  /** Everything the program wrote. */
  raw(): string;
  /** The lines of the terminal as they are now. */
  screen(): string[];
  /** True while the alternate screen is shown. */
  isAlternate(): boolean;
  send(text: string): void;
  resize(columns: number, rows: number): void;
  signal(name: "SIGTERM" | "SIGINT" | "SIGHUP"): void;
  /** Waits for text on the screen. */
  until(wanted: string | RegExp, boundMs?: number): Promise<void>;
  /** The exit code; negative: the signal that ended it. */
  ended(): Promise<number>;
}

/** `exp ARGS`, or any TypeScript file of this repository. */
export function startPty(
  args: readonly string[],
  { columns = 100, rows = 30, cwd = ROOT, env = {}, main = `${ROOT}cli/main.ts` } = {},
): Pty {
  const command = [process.execPath, "--disable-warning=ExperimentalWarning", main, ...args];
  const child = spawn("python3", [RUNNER, String(columns), String(rows), ...command], {
    cwd,
    env: { ...process.env, TERM: "xterm-256color", NO_COLOR: "", ...env },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const parts: Buffer[] = [];
  const size = { columns, rows };
  const lines = createInterface({ input: child.stdout });
  const exit = new Promise<number>((resolve, reject) => {
    lines.on("line", (line) => {
      const said = JSON.parse(line) as { data?: string; exit?: number };
      if (said.data !== undefined) parts.push(Buffer.from(said.data, "latin1"));
      if (said.exit !== undefined) resolve(said.exit);
    });
    child.on("error", reject);
    child.on("close", () => reject(new Error("the terminal ended without a word")));
  });
  // Awaited by who wants it.
  exit.catch(() => undefined);
  const raw = () => Buffer.concat(parts).toString("utf8");
  const order = (what: object) => child.stdin.write(`${JSON.stringify(what)}\n`);
  const pty: Pty = {
    raw,
    screen: () => drawn(raw(), size.rows).lines,
    isAlternate: () => drawn(raw(), size.rows).isAlternate,
    send: (text) => order({ send: text }),
    resize(wide, high) {
      Object.assign(size, { columns: wide, rows: high });
      order({ resize: [wide, high] });
    },
    signal: (name) => order({ signal: name }),
    async until(wanted, boundMs = 15_000) {
      const shows = () => {
        const text = pty.screen().join("\n");
        return typeof wanted === "string" ? text.includes(wanted) : wanted.test(text);
      };
      await waitUntil(`the terminal shows ${wanted}`, shows, { boundMs, seen: pty.screen });
    },
    ended: () => exit,
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await exit.catch(() => undefined);
    },
  };
  return pty;
}

/** What is on the screen after all of `text`: cursor moves and erasing as our programs use them. */
function drawn(text: string, rows: number): { lines: string[]; isAlternate: boolean } {
  let main: string[] = [""];
  let lines = main;
  let row = 0;
  let isAlternate = false;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: terminals are driven by them.
  for (const [part, sequence] of text.matchAll(/\u001b(\[[0-9;?]*[a-zA-Z])|[\r\n]|[^\u001b\r\n]+/g)) {
    const code = sequence?.slice(1) ?? "";
    if (sequence === undefined) {
      if (part === "\n") row++;
      else if (part !== "\r") lines[row] = (lines[row] ?? "") + part;
    } else if (code === "?1049h") {
      isAlternate = true;
      main = lines;
      lines = [];
      row = 0;
    } else if (code === "?1049l") {
      isAlternate = false;
      lines = main;
      row = lines.length - 1;
    } else if (code === "2J") lines.length = 0;
    else if (code.endsWith("H")) {
      row = Number(code.slice(0, -1).split(";")[0] || 1) - 1;
      // Our programs write whole lines.
      lines[row] = "";
    } else if (code === "J" || code === "0J") lines.length = row;
    else if (/^\d+A$/.test(code)) {
      row -= Number(code.slice(0, -1));
      lines[row] = "";
    }
  }
  return { lines: Array.from(lines, (line) => line ?? "").slice(0, isAlternate ? rows : undefined), isAlternate };
}
