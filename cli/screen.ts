/**
 * The whole terminal, for as long as a program wants it: alternate screen, no cursor, keys as they are typed. It is given
 * back at any end of the process that runs code: close(), exit, an uncaught error.
 */
import { writeSync } from "node:fs";
import type { ReadStream, WriteStream } from "node:tty";

export interface Screen {
  size(): { readonly columns: number; readonly rows: number };
  /** Shows these lines; only those that changed are written. */
  draw(lines: readonly string[]): void;
  onInput(listener: (text: string) => void): void;
  onResize(listener: () => void): void;
  close(): void;
}

export interface Terminal {
  readonly stdin: ReadStream;
  readonly stdout: WriteStream & { readonly fd: number };
  /** Calls `listener` while the process ends, in time for writing synchronously. */
  onExit(listener: () => void): () => void;
}

const ENTER = "\u001b[?1049h\u001b[?25l\u001b[2J";
const LEAVE = "\u001b[?25h\u001b[?1049l";

export function openScreen({ stdin, stdout, onExit }: Terminal): Screen {
  let shown: readonly string[] = [];
  let open = true;
  const inputs: ((text: string) => void)[] = [];
  const resizes: (() => void)[] = [];
  const input = (chunk: string) => {
    for (const listener of inputs) listener(chunk);
  };
  const resize = () => {
    // What the terminal shows after it was resized is its own affair.
    shown = [];
    stdout.write("\u001b[2J");
    for (const listener of resizes) listener();
  };
  const restore = () => {
    if (!open) return;
    open = false;
    stdin.setRawMode(false);
    // At the end of a process nothing asynchronous is written any more.
    writeSync(stdout.fd, LEAVE);
  };
  const undo = onExit(restore);
  stdin.setRawMode(true);
  stdin.setEncoding("utf8");
  stdin.on("data", input);
  stdin.resume();
  stdout.on("resize", resize);
  stdout.write(ENTER);

  return {
    // A pseudo terminal without a size says 0.
    size: () => ({ columns: stdout.columns || 80, rows: stdout.rows || 24 }),
    draw(lines) {
      if (!open) return;
      const changed = lines.flatMap((line, n) => (line === shown[n] ? [] : [`\u001b[${n + 1};1H${line}\u001b[K`]));
      const below = lines.length < shown.length ? [`\u001b[${lines.length + 1};1H\u001b[J`] : [];
      if (changed.length + below.length > 0) stdout.write([...changed, ...below].join(""));
      shown = [...lines];
    },
    onInput: (listener) => void inputs.push(listener),
    onResize: (listener) => void resizes.push(listener),
    close() {
      undo();
      stdin.off("data", input);
      stdin.pause();
      stdout.off("resize", resize);
      restore();
    },
  };
}
