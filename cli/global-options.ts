/** [P] Options of every command. */
import { FORMATS } from "./config.ts";
import type { Option } from "./session.ts";

export const GLOBAL_OPTIONS: { readonly [name: string]: Option } = {
  dir: { describe: "directory of the local stack [./.exp]" },
  server: { describe: "HOST:PORT of the coordinator" },
  "token-file": { describe: "file with the token for --server" },
  context: { describe: "a coordinator remembered by exp login" },
  output: { describe: FORMATS.join("|"), alias: "o" },
  json: { describe: "the same as -o json", type: "flag" },
  quiet: { describe: "names only; no messages", type: "flag", alias: "q" },
  "no-color": { describe: "no colour", type: "flag" },
  "no-input": { describe: "never ask", type: "flag" },
  yes: { describe: "answer questions with yes", type: "flag", alias: "y" },
  timeout: { describe: "give up after this time (90s, 1h30m); exit 124" },
  debug: { describe: "show stacks of errors", type: "flag" },
};
