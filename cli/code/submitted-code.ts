/** What goes with a submission about its code: what git says of it, and a snapshot where the sweep wants one. */
import type { CodeSource } from "../../proto/gen/runner/v1/control.ts";
import { formatBytes } from "../../shared/kernel/bytes.ts";
import type { Client } from "../client.ts";
import { plural } from "../render/text.ts";
import type { SweepSource } from "../sweep-source.ts";
import { readCodeOrigin } from "./git-origin.ts";
import { sendCode } from "./upload.ts";

/** Where to say what is being done. */
export interface Teller {
  note(line: string): void;
  warn(line: string): void;
}

/** Bytes that are sent without a word. */
const QUIET_BYTES = 1024 * 1024;

/** Throws AppError where a snapshot is wanted and cannot be taken or sent. */
export async function submittedCode(client: Client, { source, code }: SweepSource, out: Teller): Promise<CodeSource> {
  const { directory } = source;
  const originJson = JSON.stringify(await readCodeOrigin(directory));
  if (!code) return { originJson, snapshot: "", root: "" };
  const sending = (files: number, bytes: number) => {
    if (bytes > QUIET_BYTES) out.note(`sending ${formatBytes(bytes)} of code in ${plural(files, "file")}`);
  };
  const { hash, root } = await sendCode(client, directory, code.mode, sending);
  for (const cwd of code.directories) {
    const isPlain = !cwd.includes("${");
    if (isPlain && cwd !== root && !cwd.startsWith(`${root}/`)) {
      out.warn(`run.cwd ${cwd} is not below ${root}: the command starts there, and finds the copy by EXP_CODE_DIR`);
    }
  }
  return { originJson, snapshot: hash, root };
}
