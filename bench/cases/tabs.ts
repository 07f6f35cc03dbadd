/**
 * Ten tabs open on one coordinator while runs come and go: what memory the coordinator takes at the start and at the end, how
 * long it does not answer, and whether a node was ever taken for silent.
 */
import { readFileSync } from "node:fs";
import type { EventsAnswer } from "../../shared/run/dashboard.ts";
import type { NodeView } from "../../shared/run/views.ts";
import { startBrowser } from "../../test/helpers/browser.ts";
import { startPageFleet } from "./page-fleet.ts";
import { fixed, median, type Row } from "./stats.ts";

const MINUTES = 10;
const MINUTE_MS = 60_000;
const SAMPLE_MS = 5_000;
/** What the tabs look at; one of each, then again. */
const VIEWS = [
  "/",
  "/runs",
  "/queue",
  "/sweeps",
  "/runs/load.1.1",
  "/nodes/node-1",
  "/events",
  "/sweeps/load.1",
  "/usage",
  "/runs/load.1.2",
];

export async function tabs(): Promise<Row[]> {
  await using fleet = await startPageFleet();
  await fleet.submit(`
    name = "load"
    seeds = [1, 2]
    [run]
    command = ["sh", "-c", "i=0; while :; do i=$((i+1)); printf '{\\"e\\":\\"m\\",\\"s\\":%s,\\"v\\":{\\"loss\\":%s}}\\\\n' $i $i >> $EXP_EVENTS; echo step $i; sleep 0.1; done"]
    [limits]
    stop_grace = "1s"
  `);
  const seeds = Array.from({ length: 5_000 }, (_, i) => i);
  await fleet.submit(`name = "short"\nseeds = ${JSON.stringify(seeds)}\nrun.command = ["sleep", "0.5"]\n`);

  await using browser = await startBrowser();
  const memory: number[] = [];
  const answers: number[] = [];
  const heartbeats: number[] = [];
  const { promise: over, resolve: close } = Promise.withResolvers<void>();
  const open: Promise<void>[] = [];
  for (const path of VIEWS) {
    const shown = Promise.withResolvers<void>();
    const tab = browser.visit(fleet, path, {}, async (page) => {
      await page.locator("main h1").first().waitFor();
      shown.resolve();
      await over;
    });
    open.push(tab);
    await Promise.race([shown.promise, tab]);
  }
  const until = performance.now() + MINUTES * MINUTE_MS;
  while (performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, SAMPLE_MS));
    const started = performance.now();
    await fetch(`http://${fleet.http}/healthz`).then((response) => response.text());
    answers.push(performance.now() - started);
    memory.push(memoryOf(fleet.coordinator.process.pid));
    const node = (await fleet.api<NodeView[]>("/nodes")).find(({ name }) => name === "node-1");
    if (node?.seenAt) heartbeats.push(Date.now() - Date.parse(node.seenAt));
  }
  close();
  await Promise.all(open);
  const { events } = await fleet.api<EventsAnswer>("/events?kind=node-silent&limit=100");
  const silent = events.filter(({ node }) => node === "node-1").length;
  const done = (await fleet.sweep("short.1")).counts.succeeded ?? 0;
  const minute = MINUTE_MS / SAMPLE_MS;
  const middle = Math.floor((memory.length - minute) / 2);
  const memoryAt = (from: number) => `${fixed(median(memory.slice(from, from + minute)), 0)} MB`;
  return [
    {
      what: "coordinator's memory with ten tabs: first minute, middle, last minute",
      value: [0, middle, memory.length - minute].map(memoryAt).join(", "),
      against: `at most ${fixed(Math.max(...memory), 0)} MB`,
    },
    {
      what: "since the last heartbeat of the busy node, when it was looked at",
      value: `median ${fixed(median(heartbeats), 0)} ms`,
      against: `at most ${fixed(Math.max(...heartbeats), 0)} ms; one comes every 2 s`,
    },
    {
      what: `health check meanwhile, ${answers.length} times`,
      value: `${fixed(median(answers), 1)} ms`,
      against: `at most ${fixed(Math.max(...answers), 0)} ms; ${done} short runs done`,
    },
    { what: "times that the node was taken for silent", value: String(silent), against: "0" },
  ];
}

/** Resident MB. */
function memoryOf(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;
}
