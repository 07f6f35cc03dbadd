/**
 * Options and words of one command, read with the checks that every command needs. All values arrive as text, so that
 * references such as "digits.1.10" stay what they are, and a wrong number is refused in our words.
 */
import { parseDuration } from "../shared/kernel/duration.ts";
import { AppError } from "../shared/kernel/errors.ts";

export class Args {
  readonly #values: { readonly [name: string]: unknown };

  constructor(values: { readonly [name: string]: unknown }) {
    this.#values = values;
  }

  /** The last value given; undefined where there is none. */
  text(name: string): string | undefined {
    return this.texts(name).at(-1);
  }

  /** Text that yargs has already made sure of: a required positional. */
  required(name: string): string {
    const value = this.text(name);
    if (value === undefined || value === "") throw usage(`${name} is missing`);
    return value;
  }

  texts(name: string): string[] {
    const value = this.#values[name];
    if (value === undefined || value === null) return [];
    return (Array.isArray(value) ? value : [value]).map(String);
  }

  flag(name: string): boolean {
    const value = this.#values[name];
    return Array.isArray(value) ? value.at(-1) === true : value === true;
  }

  /** Throws AppError (invalid) unless it is a whole number of at least `min`. */
  integer(name: string, min: number): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min)) throw usage(`--${name} must be a whole number${bound(min)}, not "${text}"`);
    return value;
  }

  /** Milliseconds; throws AppError (invalid) unless it is a duration such as "90s". */
  duration(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const ms = parseDuration(text);
    if (ms === undefined) throw usage(`--${name} must be a duration such as 90s or 1h30m, not "${text}"`);
    return ms;
  }

  choice<T extends string>(name: string, choices: readonly T[]): T | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const found = choices.find((choice) => choice === text);
    if (found === undefined) throw usage(`--${name} must be one of ${choices.join(", ")}, not "${text}"`);
    return found;
  }

  /** The words after `--`. */
  words(): string[] {
    return this.texts("--");
  }
}

export function usage(message: string, hint?: string): AppError {
  return new AppError("invalid", message, { id: "usage", hint });
}

function bound(min: number): string {
  return min === Number.MIN_SAFE_INTEGER ? "" : ` from ${min} on`;
}
