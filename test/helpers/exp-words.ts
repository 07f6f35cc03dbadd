/** `exp` within the process of the test: many command lines, without the start of a program for each. */
import { Writable } from "node:stream";
import { runProgram } from "../../cli/program.ts";
import { systemClock } from "../../shared/kernel/clock.ts";

export interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface Around {
  readonly cwd: string;
  readonly env?: { readonly [name: string]: string };
  /** Of a terminal; undefined: there is none. */
  readonly columns?: number;
}

export async function sayWords(argv: readonly string[], { cwd, env = {}, columns }: Around): Promise<Said> {
  const said = { out: "", err: "" };
  const into = (name: "out" | "err") =>
    new Writable({
      write(chunk, _encoding, done) {
        said[name] += String(chunk);
        done();
      },
    });
  const isTty = columns !== undefined;
  const code = await runProgram(argv, {
    host: {
      clock: systemClock,
      self: { executable: "exp", args: [] },
      pid: process.pid,
      onSignal: () => () => undefined,
      ask: async () => undefined,
      readStdin: async () => "",
      openScreen: () => {
        throw new Error("there is no terminal");
      },
    },
    out: into("out"),
    err: into("err"),
    env: { HOME: cwd, ...env },
    terminal: { stdinIsTty: false, stdoutIsTty: isTty, stderrIsTty: false, columns },
    cwd,
  });
  return { code, ...said };
}
