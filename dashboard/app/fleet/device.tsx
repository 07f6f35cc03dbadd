/**
 * One device as a cell. At work it shows its last readings: the fill is its utilisation, the bar its memory, the text power and
 * temperature; whoever rests on it sees its run, since when, and the last ten minutes.
 */
import { useSignal } from "@preact/signals";
import type { DeviceUse, FleetDevice, SeriesAnswer } from "../../../shared/run/dashboard.ts";
import type { DeviceStateName } from "../../../shared/run/views.ts";
import { get, serverNow } from "../api.ts";
import { bytes, duration, number, time } from "../format.ts";
import { t } from "../i18n/i18n.ts";
import { joinKeys } from "../keys.ts";
import { useLoaded } from "../loading.ts";
import { Link } from "../widgets/parts.tsx";

/** A letter for each state, so that colour is never the only sign. */
export const DEVICE_MARKS: { readonly [state in DeviceStateName]: string } = {
  free: "",
  busy: "R",
  foreign: "F",
  dirty: "!",
  unknown: "?",
};

const RECENT_MS = 10 * 60_000;
const SPARK = { width: 200, height: 32, buckets: 100 };
/** Of the card with everything, and a little more; where there is less room to the right of the cell, it opens to the left. */
const CARD_PX = 250;

export function Device({ device }: { device: FleetDevice }) {
  const card = useSignal<"left" | "right" | undefined>(undefined);
  const { use, run, runs, share } = device;
  const readings = use ? readingsOf(device, use) : [];
  const words = [
    t("fleet.device", { index: device.index, state: t(`device.${device.state}`) }),
    ...runs.map((each) => t("fleet.run", { run: each })),
    runs.length > 0 && share < 1 ? t("fleet.part", { part: number(share) }) : "",
    ...device.foreign.map(({ user, name, pid, memoryBytes }) => `${user} ${name} (pid ${pid}, ${bytes(memoryBytes)})`),
    device.model,
    device.memoryBytes > 0 ? bytes(device.memoryBytes) : "",
    ...readings,
  ].filter((word) => word !== "");
  if (!run || !use) {
    return (
      <li>
        <Cell device={device} words={words} titled />
      </li>
    );
  }
  const open = ({ currentTarget }: { currentTarget: HTMLElement }) => {
    card.value =
      currentTarget.getBoundingClientRect().left + CARD_PX > document.documentElement.clientWidth ? "left" : "right";
  };
  const close = () => {
    card.value = undefined;
  };
  return (
    <li
      class="device-place"
      onMouseEnter={open}
      onMouseLeave={close}
      onFocusIn={open}
      onFocusOut={close}
      onKeyDown={({ key }) => {
        if (key === "Escape") close();
      }}
    >
      <Link to={`/runs/${run}`}>
        <Cell device={device} words={words} />
      </Link>
      {card.value !== undefined && (
        <div class={`device-card device-card-${card.value}`} role="tooltip">
          {runs.map((each) => (
            <div key={each}>
              <strong>{each}</strong>
            </div>
          ))}
          {device.model}
          {share < 1 && ` · ${t("fleet.part", { part: number(share) })}`}
          {use.since !== null && (
            <>
              <br />
              {t("fleet.since", {
                time: time(Date.parse(use.since)),
                duration: duration(serverNow() - Date.parse(use.since)),
              })}
            </>
          )}
          {readings.length > 0 && (
            <>
              <br />
              {readings.join(" · ")}
            </>
          )}
          {use.gpu !== null && <Spark run={run} gpu={use.gpu} />}
        </div>
      )}
    </li>
  );
}

/** True where there is anything to draw of a device. */
export function hasReadings({ use }: FleetDevice): boolean {
  return use !== undefined && [use.utilizationPercent, use.memoryBytes].some((value) => value !== null);
}

/** What is not known is left out. */
function readingsOf(device: FleetDevice, use: DeviceUse): string[] {
  const { utilizationPercent, memoryBytes, powerWatts, temperatureCelsius } = use;
  return [
    utilizationPercent === null ? "" : t("fleet.utilization", { percent: number(utilizationPercent) }),
    memoryBytes === null ? "" : t("fleet.memory", { used: bytes(memoryBytes), total: bytes(device.memoryBytes) }),
    powerWatts === null ? "" : `${Math.round(powerWatts)} W`,
    temperatureCelsius === null ? "" : `${Math.round(temperatureCelsius)} °C`,
  ].filter((word) => word !== "");
}

function Cell({ device, words, titled = false }: { device: FleetDevice; words: readonly string[]; titled?: boolean }) {
  const { use, state } = device;
  const title = titled ? { title: words.join("\n") } : {};
  const spoken = <span class="visually-hidden">{words.join(", ")}</span>;
  if (!use || !hasReadings(device)) {
    return (
      <span class={`device device-${state}`} {...title}>
        <span aria-hidden="true">{DEVICE_MARKS[state]}</span>
        {spoken}
      </span>
    );
  }
  const { utilizationPercent, memoryBytes, powerWatts, temperatureCelsius } = use;
  const share = (part: number | null, whole: number) =>
    `${part === null || whole <= 0 ? 0 : Math.max(0, Math.min(100, (100 * part) / whole))}%`;
  return (
    <span class={`device device-${state} device-read`} {...title}>
      <span class="device-fill" style={{ height: share(utilizationPercent, 100) }} />
      <span class="device-bar" style={{ width: share(memoryBytes, device.memoryBytes) }} />
      <span class="device-text" aria-hidden="true">
        {temperatureCelsius !== null && <span>{Math.round(temperatureCelsius)} °C</span>}
        {powerWatts !== null && <span>{Math.round(powerWatts)} W</span>}
      </span>
      {spoken}
    </span>
  );
}

/** Utilisation over the last ten minutes, from nothing at the bottom to all at the top. */
function Spark({ run, gpu }: { run: string; gpu: number }) {
  const key = `sys/gpu${gpu}/utilization_percent`;
  const answer = useLoaded(
    async (signal) => {
      const to = serverNow();
      const query = new URLSearchParams({
        keys: joinKeys([key]),
        x: "wall",
        width: String(SPARK.buckets),
        from: String(to - RECENT_MS),
        to: String(to),
      });
      const { series } = await get<SeriesAnswer>(`/runs/${encodeURIComponent(run)}/series?${query}`, signal);
      return { to, xs: series[0]?.xs ?? [], ys: series[0]?.ys ?? [] };
    },
    [run, key],
  );
  if (!answer.data) return <p class="hint">{answer.error ? answer.error.message : t("common.loading")}</p>;
  const { to, xs, ys } = answer.data;
  const points = xs.flatMap((x, i) => {
    const y = ys[i];
    if (y === null || y === undefined) return [];
    const across = SPARK.width * (1 - (to - x) / RECENT_MS);
    return [`${across.toFixed(1)},${(SPARK.height * (1 - y / 100)).toFixed(1)}`];
  });
  if (points.length === 0) return <p class="hint">{t("fleet.no-readings")}</p>;
  return (
    <svg class="spark" viewBox={`0 -1 ${SPARK.width} ${SPARK.height + 2}`} role="img" aria-label={t("fleet.recent")}>
      <polyline points={points.join(" ")} />
    </svg>
  );
}
