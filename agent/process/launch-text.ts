/** [P] What a shim that was started ahead reads: the command with its directory and environment, as text for sh. */

/** Names that a shell keeps for itself, changes, or does not let be set. */
const OF_THE_SHELL = new Set([
  ..."IFS OPTARG OPTIND OPTERR PPID UID EUID GROUPS LINENO RANDOM SECONDS EPOCHSECONDS EPOCHREALTIME".split(" "),
  ..."SHELLOPTS DIRSTACK FUNCNAME PIPESTATUS HISTCMD OLDPWD _ ENV CDPATH FIGNORE".split(" "),
]);

/** A shell reads this much at once; what is longer goes the ordinary way, and meets the host's bounds there. */
const LENGTH_MAX = 64 * 1024;

/**
 * Text that goes to `cwd`, sets exactly `env` on top of an empty environment, and makes `argv` the positional parameters.
 * Undefined where a shell could not say it: names that are none to it or its own, and what is very long.
 */
export function launchText(
  argv: readonly string[],
  cwd: string,
  env: { readonly [name: string]: string },
): string | undefined {
  const lines = [`cd -- ${quoted(cwd)} || exit 1`, "unset OLDPWD"];
  for (const [name, value] of Object.entries(env)) {
    const plain = /^[A-Za-z_][A-Za-z0-9_]*$/.test(name);
    if (!plain || OF_THE_SHELL.has(name) || /^(BASH|COMP_|_exp_)/.test(name)) return undefined;
    lines.push(`export ${name}=${quoted(value)}`);
  }
  const text = `${lines.join("\n")}\nset -- ${argv.map(quoted).join(" ")}\n`;
  return text.length > LENGTH_MAX ? undefined : text;
}

/** The word as a shell gives it back, whatever is in it. */
export function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
