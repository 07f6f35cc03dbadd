/** Names in the directory of an attempt that are ours: no file of the user's is put there. */
export const RUN_DIR_NAMES: ReadonlySet<string> = new Set([
  "config.json",
  "claim",
  "shim.log",
  "output.log",
  "client.jsonl",
  "status.jsonl",
  "lease",
  "lease.new",
  "expired",
  "stop",
  "stage",
  "capture.json",
  "capture.json.new",
  "bin",
  "artifacts",
  "checkpoints",
]);
