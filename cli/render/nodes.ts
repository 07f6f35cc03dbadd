/** [P] Nodes and devices as tables. */
import { formatBytes } from "../../shared/kernel/bytes.ts";
import { formatGpuShare, GPU_WHOLE_MILLI } from "../../shared/run/devices.ts";
import type { DeviceView, NodeView } from "../../shared/run/views.ts";
import { stateColour } from "./colour.ts";
import type { Column } from "./table.ts";
import { ageText } from "./time.ts";

/** A node with the facts that are not part of the JSON contract. */
export interface NodeRow {
  readonly view: NodeView;
  readonly version: string;
  readonly cpuCount: number;
  readonly memoryBytes: number;
}

export interface DeviceRow {
  readonly node: string;
  readonly device: DeviceView;
}

export function nodeColumns(nowMs: number): Column<NodeRow>[] {
  return [
    { title: "NODE", cell: ({ view }) => view.name },
    { title: "STATE", cell: ({ view }) => view.state, colour: ({ view }) => stateColour(view.state) },
    { title: "DEVICES", cell: ({ view }) => devicesText(view.devices), rank: 1 },
    { title: "BUSY", cell: ({ view }) => countText(view.devices, "busy"), align: "right" },
    { title: "FREE", cell: ({ view }) => countText(view.devices, "free"), align: "right" },
    { title: "RUNS", cell: ({ view }) => String(runsOn(view).size), align: "right" },
    { title: "FOREIGN", cell: ({ view }) => countText(view.devices, "foreign"), align: "right", rank: 2 },
    { title: "CPUS", cell: ({ cpuCount }) => String(cpuCount), align: "right", wide: true },
    { title: "MEMORY", cell: ({ memoryBytes }) => formatBytes(memoryBytes), align: "right", wide: true },
    { title: "ENGINE", cell: ({ view }) => view.containerEngine ?? "", wide: true },
    { title: "LABELS", cell: ({ view }) => labelsText(view.labels), wide: true },
    { title: "VERSION", cell: ({ version }) => version, rank: 3 },
    { title: "SEEN", cell: ({ view }) => ageText(view.seenAt, nowMs), rank: 1 },
  ];
}

export function deviceColumns(): Column<DeviceRow>[] {
  return [
    { title: "NODE", cell: ({ node }) => node },
    { title: "INDEX", cell: ({ device }) => String(device.index), align: "right" },
    { title: "MODEL", cell: ({ device }) => device.model },
    {
      title: "MEMORY",
      cell: ({ device }) => (device.memoryBytes > 0 ? formatBytes(device.memoryBytes) : ""),
      align: "right",
      optional: true,
      rank: 2,
    },
    { title: "STATE", cell: ({ device }) => device.state, colour: ({ device }) => stateColour(device.state) },
    { title: "RUN", cell: ({ device }) => heldText(device), optional: true },
    { title: "UUID", cell: ({ device }) => device.uuid, wide: true },
    { title: "FOREIGN", cell: ({ device }) => device.foreign.map(foreignText).join("; "), optional: true },
  ];
}

/** Short names of devices by UUID: "gpu-01:2". */
export function deviceNames(nodes: readonly NodeView[]): Map<string, string> {
  return new Map(nodes.flatMap((node) => node.devices.map(({ uuid, index }) => [uuid, `${node.name}:${index}`])));
}

function devicesText(devices: readonly DeviceView[]): string {
  const counts = new Map<string, number>();
  for (const { model } of devices) counts.set(model, (counts.get(model) ?? 0) + 1);
  return Array.from(counts, ([model, count]) => `${count}x ${model}`).join(", ");
}

function countText(devices: readonly DeviceView[], state: DeviceView["state"]): string {
  return String(devices.filter((device) => device.state === state).length);
}

function runsOn(node: NodeView): Set<string> {
  return new Set(node.devices.flatMap(({ runs }) => runs));
}

/** "lr.1.3", or of a GPU in parts "lr.1.3, lr.1.4 (0.5 free)". */
function heldText({ runs, share }: DeviceView): string {
  const left = Math.round(GPU_WHOLE_MILLI * (1 - share));
  return runs.join(", ") + (runs.length > 0 && left > 0 ? ` (${formatGpuShare(left)} free)` : "");
}

function labelsText(labels: { readonly [key: string]: string }): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(",");
}

function foreignText({ user, name, memoryBytes }: DeviceView["foreign"][number]): string {
  return `${user}: ${name}, ${formatBytes(memoryBytes)}`;
}
