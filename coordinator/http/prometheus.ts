/** The coordinator's numbers in Prometheus' text format. */
import type { ChannelState } from "../../shared/run/notify.ts";
import { RUN_STATES } from "../../shared/run/states.ts";
import type { ReadDeps } from "../rpc/control/deps.ts";
import { listNodes } from "../store/queries/nodes.ts";

const NODE_STATES = ["ready", "cordoned", "draining", "unknown", "gone"];
const DEVICE_STATES = ["free", "busy", "foreign", "dirty", "unknown"];
/** Counting all runs reads one index entry for each; it may take this share of the time. */
const COUNT_DUTY = 0.01;
const COUNT_INTERVAL_MS = 5_000;

/** Returns a function that writes the page anew at each call. */
export function createPrometheusPage(deps: ReadDeps): () => string {
  const countRuns = cachedCounts(deps);
  return () => {
    const now = { wallMs: deps.clock.wallMs(), monotonicMs: deps.clock.monotonicMs() };
    const nodes = listNodes(deps.cluster, now);
    const devices = nodes.flatMap((node) => node.devices);
    const memory = process.memoryUsage();
    return [
      family("expfleet_info", "gauge", "Version of the coordinator.", [[{ version: deps.version }, 1]]),
      family("expfleet_term", "counter", "Starts of the coordinator on this store.", [[{}, deps.cluster.term]]),
      family("expfleet_bus_connected", "gauge", "1 while NATS is connected.", [[{}, deps.health().connected ? 1 : 0]]),
      family("expfleet_runs", "gauge", "Runs by state.", byState(RUN_STATES, countRuns())),
      family("expfleet_nodes", "gauge", "Nodes by state.", byState(NODE_STATES, tally(nodes))),
      family("expfleet_devices", "gauge", "Devices by state.", byState(DEVICE_STATES, tally(devices))),
      family("expfleet_attempts_open", "gauge", "Attempts assigned or running.", [[{}, deps.cluster.attempts.size]]),
      ...channelFamilies(deps.channels()),
      family("process_resident_memory_bytes", "gauge", "Resident memory.", [[{}, memory.rss]]),
      family("nodejs_heap_size_used_bytes", "gauge", "JavaScript heap in use.", [[{}, memory.heapUsed]]),
    ].join("");
  };
}

/** Nothing where there are no channels. */
function channelFamilies(channels: readonly ChannelState[]): string[] {
  if (channels.length === 0) return [];
  const waiting = channels.map(({ name, waiting: count }): Sample => [{ channel: name }, count]);
  const failing = channels.map(({ name, problem }): Sample => [{ channel: name }, problem === "" ? 0 : 1]);
  return [
    family("expfleet_channel_waiting", "gauge", "Messages, or runs with news, that wait for a channel.", waiting),
    family("expfleet_channel_failing", "gauge", "1 where the last call of a channel failed.", failing),
  ];
}

type Sample = readonly [labels: { readonly [name: string]: string }, value: number];

function family(name: string, type: "gauge" | "counter", help: string, samples: readonly Sample[]): string {
  const lines = samples.map(([labels, value]) => {
    const pairs = Object.entries(labels).map(([key, text]) => `${key}=${JSON.stringify(text)}`);
    return `${name}${pairs.length > 0 ? `{${pairs.join(",")}}` : ""} ${value}`;
  });
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("\n")}\n`;
}

/** Every state has its line, also at 0: a series that comes and goes is hard to alert on. */
function byState(states: readonly string[], counts: { readonly [state: string]: number }): Sample[] {
  return states.map((state) => [{ state }, counts[state] ?? 0]);
}

function tally(things: readonly { readonly state: string }[]): { [state: string]: number } {
  const counts: { [state: string]: number } = {};
  for (const { state } of things) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
}

function cachedCounts(deps: ReadDeps): () => { readonly [state: string]: number } {
  let counts: { readonly [state: string]: number } = {};
  let validUntilMs = Number.NEGATIVE_INFINITY;
  return () => {
    const startedMs = deps.clock.monotonicMs();
    if (startedMs < validUntilMs) return counts;
    counts = deps.queries.sweeps.allCounts();
    const tookMs = deps.clock.monotonicMs() - startedMs;
    validUntilMs = startedMs + Math.max(COUNT_INTERVAL_MS, tookMs / COUNT_DUTY);
    return counts;
  };
}
