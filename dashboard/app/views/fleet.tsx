/** The fleet: every device of every node as one cell, and how much waits for them. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { FleetNode } from "../../../shared/run/dashboard.ts";
import { get } from "../api.ts";
import { DEVICE_MARKS, Device, hasReadings } from "../fleet/device.tsx";
import { t } from "../i18n/i18n.ts";
import { liveCounts } from "../live.ts";
import { useLoaded } from "../loading.ts";
import { Command, Link, Waiting } from "../widgets/parts.tsx";

/** Readings change with no news of anything else. */
const READINGS_EVERY_MS = 5_000;
const STATES = ["busy", "free", "foreign", "dirty", "unknown"] as const;

export function Fleet() {
  const nodes = useLoaded((signal) => get<FleetNode[]>("/nodes", signal), [], ["nodes", "runs"]);
  const withGone = useSignal(false);
  const isRead = nodes.data?.some(({ devices }) => devices.some(hasReadings)) === true;
  useEffect(() => {
    if (!isRead) return;
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") nodes.reload();
    }, READINGS_EVERY_MS);
    return () => clearInterval(timer);
  }, [isRead]);
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
              {DEVICE_MARKS[state]}
            </span>{" "}
            {t(`device.${state}`)}
          </li>
        ))}
        {isRead && <li>{t("fleet.read")}</li>}
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

function Summary({ nodes }: { nodes: readonly FleetNode[] }) {
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
            {t(`device.${state}`)}: {count}
          </span>
        );
      })}
      <Link to="/runs?state=running">{t("fleet.running", { count: running + assigned + unknown })}</Link>
      <Link to="/queue">{t("fleet.waiting", { count: queued + held })}</Link>
    </p>
  );
}

function NodeRow({ node }: { node: FleetNode }) {
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
