/**
 * One log line for each change of state. Programs that nobody watches write JSON; on a terminal the same line is written
 * for people. Goes to stderr: stdout is for data.
 */
import pino, { type Logger } from "pino";

export type { Logger } from "pino";

export interface LoggerOptions {
  readonly level: string;
  /** Lines for people rather than JSON. */
  readonly forPeople: boolean;
  readonly write: (line: string) => void;
}

const SECRET_FIELDS = ["token", "password", "authorization", "*.token", "*.password", "*.authorization"];

export function createLogger(name: string, options: LoggerOptions): Logger {
  const write = options.forPeople ? (line: string) => options.write(forPeople(line)) : options.write;
  return pino(
    { name, level: options.level, redact: SECRET_FIELDS, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    { write },
  );
}

const LEVELS: ReadonlyMap<number, string> = new Map([
  [10, "trace"],
  [20, "debug"],
  [30, "info"],
  [40, "warn"],
  [50, "error"],
  [60, "fatal"],
]);

/** "12:40:07 info  agent joined node=gpu-01 session=3" */
function forPeople(line: string): string {
  const { level, time, msg, name: _name, ...fields } = JSON.parse(line) as { [key: string]: unknown };
  const clock = String(time).slice(11, 19);
  const rest = Object.entries(fields).map(
    ([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`,
  );
  return `${clock} ${(LEVELS.get(Number(level)) ?? "").padEnd(5)} ${[msg, ...rest].join(" ")}\n`;
}
