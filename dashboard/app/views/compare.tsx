/** Two to twenty runs beside each other: what differs, what came of it, their curves over each other. */
import type { RunDetail, SeriesAnswer } from "../../../shared/run/dashboard.ts";
import { isTerminal } from "../../../shared/run/states.ts";
import type { JsonValue } from "../../../shared/run/views.ts";
import { get } from "../api.ts";
import { type Curve, LineChart } from "../charts/line-chart.tsx";
import { duration, formatOf, number, text } from "../format.ts";
import { t } from "../i18n/i18n.ts";
import { joinKeys } from "../keys.ts";
import { useLoaded, useNews } from "../loading.ts";
import { isOn, queryOf, setQuery } from "../router.ts";
import { type ComparedRow, compareTables, compareWords } from "../stats/compare-runs.ts";
import { Command, download, Link, StateBadge, toCsv, Waiting } from "../widgets/parts.tsx";
import { QueryCheck, SmoothingSlider, smoothingOf } from "../widgets/query-controls.tsx";

const RUNS_MAX = 20;
const CHARTS_MAX = 24;
/** Buckets of a curve: about as many as a chart has pixels. */
const WIDTH = 600;
const CURVES_EVERY_MS = 3_000;

export function Compare() {
  const refs = [...new Set(queryOf("runs").split(","))].filter((ref) => ref !== "");
  if (refs.length < 2) return <Empty text={t("compare.too-few")} />;
  if (refs.length > RUNS_MAX) return <Empty text={t("compare.too-many", { max: RUNS_MAX, count: refs.length })} />;
  return <Shown refs={refs} />;
}

function Empty({ text: words }: { text: string }) {
  return (
    <section>
      <h1>{t("compare.title")}</h1>
      <p class="prose">
        {words} <Link to="/runs">{t("nav.runs")}</Link>
      </p>
    </section>
  );
}

function Shown({ refs }: { refs: readonly string[] }) {
  const all = useLoaded(
    (signal) => Promise.all(refs.map((ref) => get<RunDetail>(`/runs/${encodeURIComponent(ref)}/detail`, signal))),
    [refs.join(",")],
    ["runs"],
  );
  if (!all.data) return <Waiting error={all.error} reload={all.reload} />;
  const details = all.data;
  const whole = isOn("all");
  const params = compareTables(details.map(({ run }) => run.params));
  const metrics = compareTables(details.map(({ run }) => run.metrics));
  const facts = compareTables(details.map(factsOf));
  const shownParams = whole ? params : params.filter(({ differs }) => differs);
  const shownFacts = whole ? facts : facts.filter(({ differs }) => differs);
  return (
    <section class="compare">
      <h1>{t("compare.title")}</h1>
      <div class="toolbar">
        <QueryCheck name="all" label={t("compare.all")} />
        <button
          type="button"
          onClick={() => {
            const rows = [...params, ...metrics, ...facts].map(({ key, values }) => [
              key,
              ...values.map((v) => v ?? null),
            ]);
            download("compare.csv", "text/csv", toCsv(["", ...details.map(({ run }) => run.ref)], rows));
          }}
        >
          {t("common.csv")}
        </button>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be within reach of the keyboard */}
      <section class="scroll-x" tabIndex={0} aria-label={t("compare.title")}>
        <table class="compare-table">
          <thead>
            <tr>
              <td />
              {details.map(({ run }, i) => (
                <th scope="col" key={run.ref}>
                  <span class={`swatch swatch-${(i % 8) + 1}`} aria-hidden="true" />{" "}
                  <Link to={`/runs/${run.ref}`}>{run.ref}</Link>{" "}
                  <button
                    type="button"
                    class="small"
                    disabled={refs.length <= 2}
                    aria-label={t("compare.remove", { ref: run.ref })}
                    onClick={() => setQuery({ runs: refs.filter((ref) => ref !== run.ref).join(",") })}
                  >
                    ✕
                  </button>
                </th>
              ))}
            </tr>
            <tr>
              <th scope="row">{t("compare.state")}</th>
              {details.map(({ run }) => (
                <td key={run.ref}>
                  <StateBadge state={run.state} />
                </td>
              ))}
            </tr>
          </thead>
          <Rows
            title={t("facts.param")}
            rows={shownParams}
            none={t("compare.same-params")}
            width={details.length + 1}
          />
          <Rows title={t("facts.metric")} rows={metrics} none={t("run.no-metrics")} width={details.length + 1} best />
          <Rows title={t("facts.name")} rows={shownFacts} none={t("compare.same-facts")} width={details.length + 1} />
        </table>
      </section>
      <Commands details={details} />
      <Curves details={details} />
      <Command text={`exp ls ${refs.join(" ")}`} />
    </section>
  );
}

/** What is known of how a run was made, besides its parameters. */
function factsOf({ run, resources, cwd, tags, attempts }: RunDetail): { [key: string]: JsonValue } {
  const attempt = attempts.at(-1);
  const took =
    attempt?.startedAt != null && attempt.finishedAt !== null ? duration(attempt.finishedAt - attempt.startedAt) : null;
  return {
    node: run.node,
    resources,
    cwd,
    attempt: run.attempt,
    exit_code: run.exitCode,
    duration: took,
    tags: tags.join(" "),
  };
}

function Rows(props: { title: string; rows: readonly ComparedRow[]; none: string; width: number; best?: boolean }) {
  const { title, rows, none, width } = props;
  return (
    <tbody>
      <tr>
        <th scope="colgroup" colSpan={width} class="compare-title">
          {title} {rows.length === 0 && <span class="hint">{none}</span>}
        </th>
      </tr>
      {rows.map(({ key, values, differs }) => (
        <tr key={key} class={differs ? "differs" : ""}>
          <th scope="row">{key}</th>
          {values.map((value, i) => (
            <td key={i} class="mono wrap">
              {text(value)}
            </td>
          ))}
        </tr>
      ))}
    </tbody>
  );
}

function Commands({ details }: { details: readonly RunDetail[] }) {
  const commands = compareWords(
    details.map(({ command }) => (typeof command === "string" ? command.split(" ") : command)),
  );
  return (
    <>
      <h2>{t("compare.commands")}</h2>
      <ul class="commands">
        {details.map(({ run }, i) => (
          <li key={run.ref}>
            <span class="hint">{run.ref}</span>{" "}
            <code>
              {(commands[i] ?? []).map((word, at) => (
                <span key={at}>{word.differs ? <mark>{word.text}</mark> : word.text} </span>
              ))}
            </code>
          </li>
        ))}
      </ul>
    </>
  );
}

function Curves({ details }: { details: readonly RunDetail[] }) {
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
