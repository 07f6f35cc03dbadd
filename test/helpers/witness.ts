/** What the oracle program (test/fixtures/programs/oracle) saw, and the checks that rest on it alone. */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { program } from "./attempts.ts";

export interface Sighting {
  readonly what: "start" | "end";
  readonly runId: string;
  readonly attempt: number;
  readonly fence: number;
  readonly pid: number;
  /** Seconds since boot. */
  readonly at: number;
  readonly devices: readonly string[];
}

export interface Witness {
  readonly dir: string;
  /** Argv of a run that prints `lines` lines, logs as many points, and sleeps. */
  argv(lines: number, seconds: number | string, exitCode?: number): string[];
  sightings(): Sighting[];
  /** Bytes that the attempt gave to a stream. */
  bytes(fence: number, stream: "output" | "client"): Buffer;
}

export function createWitness(parent: string): Witness {
  const dir = join(parent, "witness");
  mkdirSync(dir, { recursive: true });
  return {
    dir,
    argv: (lines, seconds, exitCode = 0) => [program("oracle"), dir, String(lines), String(seconds), String(exitCode)],
    sightings: () =>
      existsSync(join(dir, "log")) ? readFileSync(join(dir, "log"), "utf8").trimEnd().split("\n").map(parse) : [],
    bytes: (fence, stream) => {
      const path = join(dir, `${fence}.${stream}`);
      return existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
    },
  };
}

/** Two attempts that held one device at the same time; empty when there were none. */
export function overlaps(sightings: readonly Sighting[]): string[] {
  const found: string[] = [];
  const held = new Map<string, Sighting>();
  for (const sighting of sightings) {
    for (const device of sighting.devices) {
      const holder = held.get(device);
      if (sighting.what === "start") {
        if (holder) found.push(`${device}: fence ${sighting.fence} started while ${holder.fence} ran`);
        held.set(device, sighting);
      } else if (holder?.fence === sighting.fence) held.delete(device);
    }
  }
  return found;
}

/** How often each run was started. */
export function startsByRun(sightings: readonly Sighting[]): Map<string, number> {
  const starts = new Map<string, number>();
  for (const { what, runId } of sightings) if (what === "start") starts.set(runId, (starts.get(runId) ?? 0) + 1);
  return starts;
}

function parse(line: string): Sighting {
  const [what, runId, attempt, fence, pid, at, devices] = line.split(" ");
  if ((what !== "start" && what !== "end") || !runId || !devices)
    throw new Error(`the witness wrote ${JSON.stringify(line)}`);
  return {
    what,
    runId,
    attempt: Number(attempt),
    fence: Number(fence),
    pid: Number(pid),
    at: Number(at),
    devices: devices === "-" ? [] : devices.split(","),
  };
}
