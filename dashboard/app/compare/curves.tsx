/** The curves of a few runs over each other, one chart for each metric; replicates of a point folded on request. */
import type { RunDetail, SeriesAnswer } from "../../../shared/run/dashboard.ts";
import { isTerminal } from "../../../shared/run/states.ts";
import { get } from "../api.ts";
import { type Curve, LineChart } from "../charts/line-chart.tsx";
import { axisOf, chosenX, XChoice } from "../charts/x-axis.tsx";
import { formatOf } from "../format.ts";
import { t } from "../i18n/i18n.ts";
import { joinKeys } from "../keys.ts";
import { useLoaded, useNews } from "../loading.ts";
import { isOn, queryOf, setQuery } from "../router.ts";
import { type BandCurve, type BandGroup, bandOf, groupReplicates, type Spread } from "../stats/bands.ts";
import { Waiting } from "../widgets/parts.tsx";
import { QueryCheck, SmoothingSlider, smoothingOf } from "../widgets/query-controls.tsx";

const CHARTS_MAX = 24;
/** Buckets of a curve: about as many as a chart has pixels. */
const WIDTH = 600;
const CURVES_EVERY_MS = 3_000;

/** Runs that are drawn as one curve; a run alone is a group of one. */
export function shownGroups(details: readonly RunDetail[]): readonly BandGroup[] {
  const folded = seedGroups(details);
  if (queryOf("fold") === "seed" && folded.length < details.length) return folded;
  return details.map(({ run }, i) => ({ label: run.ref, members: [i] }));
}

function seedGroups(details: readonly RunDetail[]): BandGroup[] {
  return groupReplicates(details.map(({ run: { sweep, params }, replicates }) => ({ sweep, params, replicates })));
}

export function Curves({ details }: { details: readonly RunDetail[] }) {
  const all = [...new Set(details.flatMap(({ metricKeys }) => metricKeys))];
  const x = chosenX(all);
  const keys = all.filter((key) => key !== x).slice(0, CHARTS_MAX);
  const news = useNews(["runs"], CURVES_EVERY_MS);
  const live = details.some(({ run }) => !isTerminal(run.state));
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
  const groups = shownGroups(details);
  const spread: Spread = queryOf("band") === "deviation" ? "deviation" : "range";
  const curvesOf = (key: string): Curve[] =>
    groups.flatMap(({ label, members }) => {
      const curves = members.flatMap((i): BandCurve[] => {
        const series = answers.data?.[i]?.series.find((one) => one.key === key);
        return series && series.xs.length > 0 ? [series] : [];
      });
      const [only] = curves;
      if (!only) return [];
      const look = { label, colour: members[0] ?? 0 };
      if (members.length === 1) return [{ ...look, xs: only.xs, ys: only.ys }];
      const { xs, mean, ...band } = bandOf(curves, spread);
      return [{ ...look, xs, ys: mean, band }];
    });
  return (
    <section aria-label={t("run.charts")}>
      <h2>{t("run.charts")}</h2>
      <div class="toolbar">
        <XChoice x={x} metrics={all} />
        {seedGroups(details).length < details.length && <Folding folded={groups.length < details.length} />}
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
                smoothing={smoothingOf()}
                logY={isOn("logy")}
                sync="compare"
                {...axisOf(x)}
                formatY={formatOf(key)}
              />
            )
          );
        })}
      </div>
    </section>
  );
}

function Folding({ folded }: { folded: boolean }) {
  return (
    <>
      <label>
        {t("chart.group")}{" "}
        <select
          value={folded ? "seed" : ""}
          onChange={(event) => setQuery({ fold: event.currentTarget.value, band: undefined })}
        >
          <option value="">{t("chart.each")}</option>
          <option value="seed">{t("chart.seeds")}</option>
        </select>
      </label>
      {folded && (
        <label>
          {t("chart.band")}{" "}
          <select
            value={queryOf("band") === "deviation" ? "deviation" : ""}
            onChange={(event) => setQuery({ band: event.currentTarget.value })}
          >
            <option value="">{t("chart.range")}</option>
            <option value="deviation">{t("chart.deviation")}</option>
          </select>
        </label>
      )}
    </>
  );
}
