/** The curves of a few runs over each other, one chart for each metric. */
import type { RunDetail, SeriesAnswer } from "../../../shared/run/dashboard.ts";
import { isTerminal } from "../../../shared/run/states.ts";
import { get } from "../api.ts";
import { type Curve, LineChart } from "../charts/line-chart.tsx";
import { duration, formatOf, number } from "../format.ts";
import { t } from "../i18n/i18n.ts";
import { joinKeys } from "../keys.ts";
import { useLoaded, useNews } from "../loading.ts";
import { isOn, queryOf, setQuery } from "../router.ts";
import { Waiting } from "../widgets/parts.tsx";
import { QueryCheck, SmoothingSlider, smoothingOf } from "../widgets/query-controls.tsx";

const CHARTS_MAX = 24;
/** Buckets of a curve: about as many as a chart has pixels. */
const WIDTH = 600;
const CURVES_EVERY_MS = 3_000;

export function Curves({ details }: { details: readonly RunDetail[] }) {
  const x = queryOf("x") === "time" ? "time" : "step";
  const logY = isOn("logy");
  const smoothing = smoothingOf();
  const news = useNews(["runs"], CURVES_EVERY_MS);
  const live = details.some(({ run }) => !isTerminal(run.state));
  const keys = [...new Set(details.flatMap(({ metricKeys }) => metricKeys))].slice(0, CHARTS_MAX);
  const refs = details.map(({ run }) => run.ref);
  const query = new URLSearchParams({ keys: joinKeys(keys), x, width: String(WIDTH) }).toString();
  const answers = useLoaded(
    (signal) =>
      keys.length === 0
        ? Promise.resolve([])
        : Promise.all(refs.map((ref) => get<SeriesAnswer>(`/runs/${encodeURIComponent(ref)}/series?${query}`, signal))),
    [refs.join(","), query, live ? news : 0],
  );
  if (keys.length === 0) return null;
  const curvesOf = (key: string): Curve[] =>
    refs.flatMap((ref, i) => {
      const series = answers.data?.[i]?.series.find((one) => one.key === key);
      return series && series.xs.length > 0 ? [{ label: ref, xs: series.xs, ys: series.ys, colour: i }] : [];
    });
  return (
    <section aria-label={t("run.charts")}>
      <h2>{t("run.charts")}</h2>
      <div class="toolbar">
        <label>
          {t("chart.x")}{" "}
          <select value={x} onChange={(event) => setQuery({ x: event.currentTarget.value })}>
            <option value="step">{t("chart.step")}</option>
            <option value="time">{t("chart.time")}</option>
          </select>
        </label>
        <SmoothingSlider />
        <QueryCheck name="logy" label={t("chart.logy")} />
      </div>
      {!answers.data && <Waiting error={answers.error} reload={answers.reload} />}
      <div class="charts">
        {keys.map((key) => {
          const curves = curvesOf(key);
          return (
            curves.length > 0 && (
              <LineChart
                key={key}
                title={key}
                curves={curves}
                smoothing={smoothing}
                logY={logY}
                sync="compare"
                formatX={x === "time" ? duration : number}
                formatY={formatOf(key)}
              />
            )
          );
        })}
      </div>
    </section>
  );
}
