/** The fleet: every device of every node as one cell, and how much waits for them. */
import { useSignal } from "@preact/signals";
import type { DeviceStateName, DeviceView, NodeView } from "../../../shared/run/views.ts";
import { get } from "../api.ts";
import { bytes } from "../format.ts";
import { t } from "../i18n/i18n.ts";
import { liveCounts } from "../live.ts";
import { useLoaded } from "../loading.ts";
import { Command, Link, Waiting } from "../widgets/parts.tsx";

/** A letter for each state, so that colour is never the only sign. */
const MARKS: { readonly [state in DeviceStateName]: string } = {
  free: "",
  busy: "R",
  foreign: "F",
  dirty: "!",
  unknown: "?",
};
const STATES = ["busy", "free", "foreign", "dirty", "unknown"] as const;

export function Fleet() {
  const nodes = useLoaded((signal) => get<NodeView[]>("/nodes", signal), [], ["nodes", "runs"]);
  const withGone = useSignal(false);
  if (!nodes.data) return <Waiting error={nodes.error} reload={nodes.reload} />;
  const present = nodes.data.filter(({ state, devices }) => state !== "gone" || devices.some(({ run }) => run));
  const gone = nodes.data.length - present.length;
  const shown = withGone.value ? nodes.data : present;
  return (
    <section>
      <h1>{t("fleet.title")}</h1>
      <Summary nodes={present} />
      <ul class="legend">
        {STATES.map((state) => (
          <li key={state}>
            <span class={`device device-${state}`} aria-hidden="true">
              {MARKS[state]}
            </span>{" "}
            {t(`device.${state}`)}
          </li>
        ))}
      </ul>
      {shown.length === 0 && <p class="hint">{t("fleet.empty")}</p>}
      {shown.map((node) => (
        <NodeRow key={node.name} node={node} />
      ))}
      {gone > 0 && !withGone.value && (
        <p class="hint">
          {t("fleet.gone", { count: gone })}{" "}
          <button
            type="button"
            onClick={() => {
              withGone.value = true;
            }}
          >
            {t("fleet.show-gone")}
          </button>
        </p>
      )}
      <Command text="exp nodes" />
    </section>
  );
}

function Summary({ nodes }: { nodes: readonly NodeView[] }) {
  const devices = nodes.flatMap((node) => node.devices);
  const { running = 0, assigned = 0, unknown = 0, queued = 0, held = 0 } = liveCounts.value;
  return (
    <p class="summary">
      <span>{t("fleet.nodes", { count: nodes.length })}</span>
      {STATES.map((state) => {
        const count = devices.filter((device) => device.state === state).length;
        if (count === 0 && state !== "busy" && state !== "free") return null;
        return (
          <span key={state}>
            {count} {t(`device.${state}`)}
          </span>
        );
      })}
      <Link to="/runs?state=running">{t("fleet.running", { count: running + assigned + unknown })}</Link>
      <Link to="/queue">{t("fleet.waiting", { count: queued + held })}</Link>
    </p>
  );
}

function NodeRow({ node }: { node: NodeView }) {
  const busy = node.devices.filter(({ state }) => state === "busy").length;
  const models = [...new Set(node.devices.map(({ model }) => model))].join(", ");
  return (
    <article class={`node node-${node.state}`}>
      <div class="node-facts">
        <h2>
          <Link to={`/nodes/${encodeURIComponent(node.name)}`}>{node.name}</Link>
        </h2>
        <span class={`badge badge-${node.state}`}>{t(`node.${node.state}`)}</span>
        {Object.entries(node.labels).map(([key, value]) => (
          <span class="label" key={key}>
            {key}={value}
          </span>
        ))}
        <p class="hint">
          {t("fleet.busy-of", { busy, total: node.devices.length })} · {models || t("fleet.no-devices")}
        </p>
      </div>
      <ul class="devices" aria-label={t("fleet.devices-of", { node: node.name })}>
        {node.devices.map((device) => (
          <Device key={device.uuid} device={device} />
        ))}
      </ul>
    </article>
  );
}

function Device({ device }: { device: DeviceView }) {
  const words = [
    t("fleet.device", { index: device.index, state: t(`device.${device.state}`) }),
    device.run ? t("fleet.run", { run: device.run }) : "",
    ...device.foreign.map(({ user, name, pid, memoryBytes }) => `${user} ${name} (pid ${pid}, ${bytes(memoryBytes)})`),
    device.model,
    device.memoryBytes > 0 ? bytes(device.memoryBytes) : "",
  ].filter((word) => word !== "");
  const cell = (
    <span class={`device device-${device.state}`} title={words.join("\n")}>
      <span aria-hidden="true">{MARKS[device.state]}</span>
      <span class="visually-hidden">{words.join(", ")}</span>
    </span>
  );
  return <li>{device.run ? <Link to={`/runs/${device.run}`}>{cell}</Link> : cell}</li>;
}
