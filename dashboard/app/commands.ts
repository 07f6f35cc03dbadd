/** [P] The `exp` commands that do what the page does, as a shell reads them. */

export type RunAction = "cancel" | "retry" | "pause" | "resume" | "priority";

/** Longer lists of positions become several references: each must stay a short text. */
const PICKS_CHARS_MAX = 200;

/** `priority`: where the action is to set one. */
export function actionCommand(action: RunAction, refs: readonly string[], priority = 0): string {
  const words = referenceWords(refs).join(" ");
  if (action !== "priority") return `exp ${action} ${words}`;
  // A negative number alone would be read as an option.
  return `exp edit ${words} --priority${priority < 0 ? "=" : " "}${priority}`;
}

/** Runs of one sweep in one word: "digits.1.1-3,7". */
export function referenceWords(refs: readonly string[]): string[] {
  const positions = new Map<string, number[]>();
  const words: string[] = [];
  for (const ref of new Set(refs)) {
    const [, sweep, position] = /^(.+\.\d+)\.(\d+)$/.exec(ref) ?? [];
    if (refs.length === 1 || sweep === undefined) words.push(ref);
    else positions.set(sweep, [...(positions.get(sweep) ?? []), Number(position)]);
  }
  for (const [sweep, indices] of positions) {
    let picks = "";
    for (const range of ranges(indices)) {
      if (picks.length + range.length > PICKS_CHARS_MAX) {
        words.push(`${sweep}.${picks}`);
        picks = "";
      }
      picks += picks === "" ? range : `,${range}`;
    }
    words.push(`${sweep}.${picks}`);
  }
  return words;
}

/** 3, 1, 2, 7 as "1-3", "7". */
function ranges(indices: readonly number[]): string[] {
  const found: [from: number, to: number][] = [];
  for (const index of indices.toSorted((a, b) => a - b)) {
    const last = found.at(-1);
    if (last && index === last[1] + 1) last[1] = index;
    else found.push([index, index]);
  }
  return found.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`));
}

/** The token goes from its file to curl by a pipe: arguments of a process are seen by everybody on the machine. */
export function apiCommand(origin: string, path: string): string {
  const tokenFile = `"\${EXP_TOKEN_FILE:-.exp/coordinator/token}"`;
  const certificate = origin.startsWith("https:")
    ? ' --cacert "${EXP_CERTIFICATE:-.exp/coordinator/tls/cert.pem}"'
    : "";
  return `sed 's/^/Authorization: Bearer /' ${tokenFile} | curl -sS${certificate} -H @- '${origin}/api/v1${path}'`;
}

/** A word of a command, quoted where a shell would take it for more. */
export function shellWord(word: string): string {
  return /^[\w./:=@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
