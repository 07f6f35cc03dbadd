/** The curves of a run: over steps, time or another metric, smoothed, clipped, on log axes; a part of them exact when zoomed. */
import type { AttemptView, RunDetail, SeriesAnswer } from "../../../shared/run/dashboard.ts";
import { isTerminal } from "../../../shared/run/states.ts";
import { get } from "../api.ts";
import { LineChart } from "../charts/line-chart.tsx";
import { axisOf, chosenX, XChoice } from "../charts/x-axis.tsx";
import { formatOf } from "../format.ts";
import { t } from "../i18n/i18n.ts";
import { joinKeys } from "../keys.ts";
import { useLoaded } from "../loading.ts";
import { isOn, queryOf, setQuery } from "../router.ts";
import { Command, Waiting } from "../widgets/parts.tsx";
import { QueryCheck, SmoothingSlider, smoothingOf } from "../widgets/query-controls.tsx";
import { showOutputAt } from "./output-at.ts";

/** Curves drawn at a time; a filter reaches the others. */
const CHARTS_MAX = 24;
/** With more metrics than this there is a filter. */
const FEW = 6;
/** Buckets of a curve: about as many as a chart has pixels. */
const WIDTH = 600;

/** Metrics of the host and its devices, as the agent measures them. */
const SYSTEM = "sys/";

export function Charts({ detail, attempt }: { detail: RunDetail; attempt: AttemptView | undefined }) {
  const { metricKeys } = detail;
  if (metricKeys.length === 0) {
    return (
      <>
        <h2>{t("run.charts")}</h2>
        <p class="hint">{t("run.no-metrics")}</p>
      </>
    );
  }
  const own = metricKeys.filter((key) => !key.startsWith(SYSTEM));
  const system = metricKeys.filter((key) => key.startsWith(SYSTEM));
  const x = chosenX(own);
  const parts = { detail, attempt };
  return (
    <>
      <section aria-label={t("run.charts")}>
        <h2>{t("run.charts")}</h2>
        <Choices x={x} metricKeys={own} isZoomed={queryOf("from") !== ""} />
        {own.length > 0 && <Group {...parts} keys={own.filter((key) => key !== x)} x={x} />}
        <p class="hint">{t("chart.click")}</p>
        <Command text={`exp metrics ${detail.run.ref} --csv`} />
      </section>
      {system.length > 0 && (
        <section aria-label={t("run.system")}>
          <h2>{t("run.system")}</h2>
          <Group {...parts} keys={system} x="time" />
        </section>
      )}
    </>
  );
}

interface GroupProps {
  readonly detail: RunDetail;
  readonly attempt: AttemptView | undefined;
  readonly keys: readonly string[];
  readonly x: string;
}

/** Charts over one axis. What is zoomed in the address belongs to the axis that was chosen there. */
function Group({ detail, attempt, keys: all, x }: GroupProps) {
  const { run, metricKeys } = detail;
  const filter = queryOf("metrics").toLowerCase();
  const fitting = all.filter((key) => key.toLowerCase().includes(filter));
  const keys = fitting.slice(0, CHARTS_MAX);
  const isChosen = (queryOf("x") || "step") === x;
  const range = isChosen ? rangeOf(queryOf("from"), queryOf("to")) : undefined;
  const query = new URLSearchParams({
    keys: joinKeys(keys),
    x,
    width: String(WIDTH),
    ...(attempt ? { attempt: String(attempt.number) } : {}),
    ...(range ? { from: String(range[0]), to: String(range[1]) } : {}),
  }).toString();
  const answer = useLoaded(
    async (signal) =>
      keys.length === 0
        ? { x, series: [] }
        : get<SeriesAnswer>(`/runs/${encodeURIComponent(run.ref)}/series?${query}`, signal),
    [run.ref, query],
    isTerminal(run.state) ? [] : [`run:${run.ref}`],
  );
  if (!answer.data) return <Waiting error={answer.error} reload={answer.reload} />;
  // A summary has no curve; its value stands with the facts.
  const drawn = answer.data.series.filter(({ points }) => points > 0 || range !== undefined);
  return (
    <>
      {fitting.length > keys.length && (
        <p class="hint">{t("chart.some", { count: keys.length, total: fitting.length })}</p>
      )}
      <div class="charts">
        {drawn.map((series) => (
          <div key={series.key}>
            <LineChart
              title={series.key}
              // The colour belongs to the metric, whatever the filter leaves out.
              curves={[{ label: series.key, xs: series.xs, ys: series.ys, colour: metricKeys.indexOf(series.key) }]}
              smoothing={smoothingOf()}
              logX={isOn("logx")}
              logY={isOn("logy")}
              clip={isOn("clip")}
              sync={`${run.ref} ${x}`}
              {...axisOf(x)}
              formatY={formatOf(series.key)}
              onPoint={(value) => void showOutputAt({ run: run.ref, attempt, key: series.key, x, value })}
              onZoom={(chosen) =>
                setQuery({
                  x: chosen ? x : queryOf("x"),
                  from: chosen && String(chosen[0]),
                  to: chosen && String(chosen[1]),
                })
              }
            />
            <p class="hint">
              {t(series.exact ? "chart.points" : "chart.bucketed", { count: series.points.toLocaleString("en") })}
            </p>
          </div>
        ))}
      </div>
    </>
  );
}

function Choices(props: { x: string; metricKeys: readonly string[]; isZoomed: boolean }) {
  return (
    <div class="toolbar">
      <XChoice x={props.x} metrics={props.metricKeys} />
      <SmoothingSlider />
      {(["logx", "logy", "clip"] as const).map((key) => (
        <QueryCheck key={key} name={key} label={t(`chart.${key}`)} />
      ))}
      {props.metricKeys.length > FEW && (
        <label>
          {t("chart.filter")}{" "}
          <input
            type="search"
            data-filter
            value={queryOf("metrics")}
            onInput={(event) => setQuery({ metrics: event.currentTarget.value })}
          />
        </label>
      )}
      {props.isZoomed && (
        <button type="button" onClick={() => setQuery({ from: undefined, to: undefined })}>
          {t("chart.whole")}
        </button>
      )}
    </div>
  );
}

function rangeOf(from: string, to: string): readonly [number, number] | undefined {
  if (from === "" || to === "") return undefined;
  const range = [Number(from), Number(to)] as const;
  return range.every(Number.isFinite) && range[0] < range[1] ? range : undefined;
}
