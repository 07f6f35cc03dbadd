/**
 * The process that starts the shims, as a child of the agent. Starting a process costs the parent time for each page it
 * has (1 ms for 50 MB, 5 ms for 110 MB), during which it does nothing else: so a small process does it for the agent.
 * Holds no state: when it ends, shims go on, and the agent watches them as it does after its own restart.
 */
import { AppError, errorMessage } from "../../shared/kernel/errors.ts";
import { readStat } from "./proc.ts";
import { type ShimRequest, spawnShim } from "./shim.ts";

export interface SpawnRequest {
  readonly id: number;
  readonly shim: ShimRequest;
}

export type SpawnerMessage =
  | { readonly kind: "ready" }
  | { readonly kind: "spawned"; readonly id: number; readonly pid: number; readonly startTime: number }
  /** `invalid`: the command cannot be started as it is given, here or anywhere. */
  | { readonly kind: "failed"; readonly id: number; readonly invalid: boolean; readonly message: string }
  | { readonly kind: "exited"; readonly id: number };

function tell(message: SpawnerMessage): void {
  process.send?.(message);
}

function spawn({ id, shim }: SpawnRequest): void {
  try {
    const { pid, exited } = spawnShim(shim);
    tell({ kind: "spawned", id, pid, startTime: readStat(pid)?.startTime ?? 0 });
    void exited.then(() => tell({ kind: "exited", id }));
  } catch (error) {
    const invalid = error instanceof AppError && error.code === "invalid";
    tell({ kind: "failed", id, invalid, message: errorMessage(error) });
  }
}

process.on("message", (request) => spawn(request as SpawnRequest));
// The agent is gone, or lets go: the shims do not need us.
process.on("disconnect", () => process.exit(0));
// Signals to the agent's terminal or service group are the agent's to answer.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);
tell({ kind: "ready" });
