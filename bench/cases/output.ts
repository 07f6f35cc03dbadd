/**
 * One gigabyte of output as fast as a program can write it, through the agent, NATS and the coordinator to the stored stream,
 * whose bytes are compared with what was written. Held against the same program writing to a file.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream, openSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { startFleet } from "../../test/helpers/fleet.ts";
import { fixed, type Row } from "./stats.ts";

const BYTES = 1 << 30;
const FLOOD = join(import.meta.dirname, "../../test/fixtures/programs/flood");
const LOOK_MS = 500;

export async function output(): Promise<Row[]> {
  await using fleet = await startFleet({ agents: 1, cpuSlots: 1 });
  const alone = join(fleet.dir, "alone.txt");
  const aloneMs = timed(() =>
    spawnSync("python3", [FLOOD, String(BYTES)], { stdio: ["ignore", openSync(alone, "w"), 2] }),
  );
  const coordinator = fleet.coordinator.process.pid;
  const agent = fleet.agents[0]?.process.pid ?? 0;
  const memory = { coordinator: 0, agent: 0 };
  const watch = setInterval(() => {
    memory.coordinator = Math.max(memory.coordinator, residentMb(coordinator));
    memory.agent = Math.max(memory.agent, residentMb(agent));
  }, LOOK_MS);
  const startMs = performance.now();
  await fleet.submit(`name = "flood"\nrun.command = ["python3", ${JSON.stringify(FLOOD)}, "${BYTES}"]`);
  await fleet.done("flood.1", 600_000);
  const storedMs = performance.now() - startMs;
  clearInterval(watch);
  const [stored = ""] = readdirSync(fleet.resultsDir, { recursive: true, encoding: "utf8" }).filter((path) =>
    path.endsWith("run_0001.log"),
  );
  const isEqual = (await digest(join(fleet.resultsDir, stored))) === (await digest(alone));
  return [
    {
      what: "1 GiB of output, from submit to stored",
      value: `${fixed(BYTES / 1e6 / (storedMs / 1000), 0)} MB/s`,
      against: `${fixed(aloneMs / storedMs, 2)} x the program into a file (${fixed(BYTES / 1e6 / (aloneMs / 1000), 0)} MB/s)`,
    },
    { what: "the stored bytes are those that were written", value: isEqual ? "yes" : "NO", against: "sha256" },
    {
      what: "memory meanwhile, most",
      value: `${fixed(memory.coordinator, 0)} MB`,
      against: `coordinator; agent ${fixed(memory.agent, 0)} MB`,
    },
  ];
}

function timed(work: () => void): number {
  const startMs = performance.now();
  work();
  return performance.now() - startMs;
}

/** Memory of a process in MB; 0 where it is gone. */
function residentMb(pid: number): number {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

async function digest(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(piece as Buffer);
  return hash.digest("hex");
}
