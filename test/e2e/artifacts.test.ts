/** What runs keep of their files, on a real fleet: it arrives whole, whoever is killed, and another attempt goes on from it. */
import { createHash } from "node:crypto";
import { existsSync, globSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import type { ArtifactView } from "../../shared/run/artifacts.ts";
import { type Fleet, startFleet } from "../helpers/fleet.ts";
import { waitUntil } from "../helpers/wait-until.ts";

const PROGRAM = resolve(import.meta.dirname, "../fixtures/programs/checkpoints.py");

const artifactsOf = (fleet: Fleet, ref: string) => fleet.api<ArtifactView[]>(`/runs/${ref}/artifacts`);

async function settled(fleet: Fleet, ref: string, boundMs = 60_000): Promise<ArtifactView[]> {
  let last: ArtifactView[] = [];
  await waitUntil(
    `the artifacts of ${ref} are there`,
    async () => {
      last = await artifactsOf(fleet, ref);
      return last.length > 0 && last.every(({ state }) => state !== "pending");
    },
    { boundMs, seen: () => last },
  );
  return last;
}

function directoryOf(fleet: Fleet, ref: string): string {
  const [found] = globSync(join(fleet.resultsDir, ref.replace(/\.\d+$/, ""), `${ref}_*`));
  if (found === undefined) throw new Error(`${ref} has no results directory`);
  return found;
}

const shown = (all: readonly ArtifactView[]) =>
  all.map(({ attempt, kind, name, step, state }) => `${attempt} ${kind} ${name} ${step ?? "-"} ${state}`);

const command = (...words: (string | number)[]) => JSON.stringify(["python3", PROGRAM, ...words.map(String)]);

test("a run that is killed with its agent goes on from its checkpoint on the other host", async () => {
  const coordinatorFlags = ["--lease", "6s", "--heartbeat", "500ms", "--kill-time", "4s"];
  await using fleet = await startFleet({ agents: 2, cpuSlots: 1, coordinatorFlags });
  await fleet.submit(`name = "resume"\nrun.command = ${command(30, 0.5)}`);
  const stored = async () => (await artifactsOf(fleet, "resume.1.1")).filter(({ state }) => state === "stored");
  await waitUntil("some checkpoints are there", async () => (await stored()).length >= 3, { boundMs: 60_000 });
  const [before] = await fleet.runs("resume.1");
  const host = fleet.agents.find(({ name }) => name === before?.node);
  await host?.kill9();
  const known = Math.max(...(await stored()).map(({ step }) => step ?? 0));
  const [run] = await fleet.done("resume.1", 120_000);
  expect(run).toMatchObject({ state: "succeeded", attempt: 2, metrics: { loss: 1 / 30 } });
  expect(run?.node).not.toBe(host?.name);
  const first = run?.metrics.first ?? 0;
  expect(first).toBeGreaterThanOrEqual(known);
  const own = async () => (await artifactsOf(fleet, "resume.1.1")).filter(({ attempt }) => attempt === 2);
  await waitUntil("all of the second attempt is there", async () =>
    (await own()).every(({ state }) => state !== "pending"),
  );
  expect(shown(await own()).at(-1)).toBe("2 file result.txt - stored");
  const directory = directoryOf(fleet, "resume.1.1");
  await waitUntil("they are where people look", () => existsSync(join(directory, "artifacts/result.txt")));
  expect(readFileSync(join(directory, "artifacts/result.txt"), "utf8")).toBe(`30 steps, from ${first}\n`);
  expect(readFileSync(join(directory, "checkpoints/step-30/last.txt"), "utf8")).toBe("30\n");
  // What the killed host still had comes when it is back.
  host?.start();
  await waitUntil(
    "the checkpoints of the first attempt are settled",
    async () => {
      const earlier = (await artifactsOf(fleet, "resume.1.1")).filter(({ attempt }) => attempt === 1);
      return earlier.length > known && earlier.every(({ state }) => state !== "pending");
    },
    { boundMs: 60_000 },
  );
}, 240_000);

test("kill -9 of agent and coordinator in the middle of a large file loses nothing", async () => {
  await using fleet = await startFleet({ agents: 1, cpuSlots: 1, agentFlags: ["--upload-rate", "6MB"] });
  const write = "head -c 41000000 /dev/urandom > big.bin && sha256sum big.bin | cut -d' ' -f1";
  const script = `cd "$EXP_RUN_DIR" && ${write}`;
  await fleet.submit(`name = "large"\nrun.command = ${JSON.stringify(script)}\ncapture.artifacts = ["big.*"]`);
  const [run] = await fleet.done("large.1", 60_000);
  expect(run?.state).toBe("succeeded");
  // The run is over, its device is free; the file is on its way.
  const [pending] = await artifactsOf(fleet, "large.1.1");
  expect(pending).toMatchObject({ name: "big.bin", kind: "file", state: "pending", node: "node-1" });
  const hash = readFileSync(join(directoryOf(fleet, "large.1.1"), "terminal_logs/run_0001.log"), "utf8").trim();
  const received = async () => (await fleet.api<{ received: number }>(`/contents/${hash}`)).received;
  const grown = (bytes: number) =>
    waitUntil(`${bytes} bytes are there`, async () => (await received()) >= bytes, { boundMs: 60_000 });
  await grown(4_000_000);
  await fleet.agents[0]?.kill9();
  const before = await received();
  fleet.agents[0]?.start();
  await grown(before + 4_000_000);
  await fleet.coordinator.kill9();
  await fleet.coordinator.start();
  expect(await received()).toBeGreaterThanOrEqual(before + 4_000_000);
  const [stored] = await settled(fleet, "large.1.1");
  expect(stored).toMatchObject({ state: "stored", sizeBytes: 41_000_000, hash });
  const placed = join(directoryOf(fleet, "large.1.1"), stored?.path ?? "");
  await waitUntil("it is where people look", () => existsSync(placed));
  expect(createHash("sha256").update(readFileSync(placed)).digest("hex")).toBe(hash);
}, 240_000);
