/** `exp`: the command line. The process around it: streams, signals, exit code. */
import { once } from "node:events";
import { createInterface } from "node:readline";
import { systemClock } from "../shared/kernel/clock.ts";
import { AppError, systemCode } from "../shared/kernel/errors.ts";
import { EXIT } from "./exit-codes.ts";
import { runProgram } from "./program.ts";
import { errorText } from "./render/error.ts";
import { openScreen } from "./screen.ts";
import type { Host, SignalName } from "./session.ts";

const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129, SIGUSR2: 140 } as const;

let listener: ((name: SignalName) => void) | undefined;
for (const name of ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR2"] as const) {
  process.on(name, () => {
    if (listener) listener(name);
    else process.exit(SIGNALS[name]);
  });
}

// A reader that has seen enough ("| head") ends us without a word.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error) => {
    if (systemCode(error) === "EPIPE") process.exit(0);
    // A full disk behind ">": said where it can be said.
    const refusal = new AppError("internal", `cannot write the output: ${error.message}`, { id: "output.write" });
    if (stream === process.stdout) process.stderr.write(errorText(refusal, false));
    process.exit(EXIT.workFailed);
  });
}

const host: Host = {
  clock: systemClock,
  self: { executable: process.execPath, args: [...process.execArgv, process.argv[1] ?? ""] },
  pid: process.pid,
  onSignal(next) {
    listener = next;
    return () => {
      if (listener === next) listener = undefined;
    };
  },
  async ask(question, signal) {
    const lines = createInterface({ input: process.stdin, output: process.stderr });
    const closed = once(lines, "close").then(() => undefined);
    const stop = () => lines.close();
    lines.on("SIGINT", stop);
    signal?.addEventListener("abort", stop, { once: true });
    const answered = new Promise<string>((resolve) => lines.question(question, resolve));
    try {
      return await Promise.race([answered, closed]);
    } finally {
      signal?.removeEventListener("abort", stop);
      lines.close();
    }
  },
  async readStdin() {
    process.stdin.setEncoding("utf8");
    let text = "";
    for await (const chunk of process.stdin) text += chunk;
    return text;
  },
  openScreen: () =>
    openScreen({
      stdin: process.stdin,
      stdout: process.stdout,
      onExit(restore) {
        process.once("exit", restore);
        return () => process.off("exit", restore);
      },
    }),
};

const code = await runProgram(process.argv.slice(2), {
  host,
  out: process.stdout,
  err: process.stderr,
  env: process.env,
  terminal: {
    stdinIsTty: process.stdin.isTTY === true,
    stdoutIsTty: process.stdout.isTTY === true,
    stderrIsTty: process.stderr.isTTY === true,
    // A pseudo terminal without a size says 0.
    columns: process.stdout.columns || process.stderr.columns || undefined,
  },
  cwd: process.cwd(),
});
process.exitCode = code;
// Waits for what is still in the streams, then leaves whatever a library keeps open.
process.stdout.write("", (error) => {
  // What could not be written ends us above.
  if (!error) process.exit(code);
});
