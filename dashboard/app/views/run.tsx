/** One run: how it stands, its curves, its output, what it was given, what happened to it. */
import { useSignal } from "@preact/signals";
import type { AttemptView, RunDetail, SeriesAnswer } from "../../../shared/run/dashboard.ts";
import { isTerminal } from "../../../shared/run/states.ts";
import { NoticeLine, type RunAction, RunActions } from "../actions.tsx";
import { get, serverNow } from "../api.ts";
import { LineChart } from "../charts/line-chart.tsx";
import { bytes, duration, number, text, time } from "../format.ts";
import { t } from "../i18n/i18n.ts";
import { useLoaded } from "../loading.ts";
import { LogView } from "../logs/log-view.tsx";
import { queryOf, setQuery } from "../router.ts";
import { Command, Link, StateBadge, Waiting } from "../widgets/parts.tsx";

/** Curves that are drawn without being asked for. */
const CHARTS_MAX = 24;
/** Buckets of a curve: about as many as a chart has pixels. */
const WIDTH = 600;

export function Run({ names }: { names: { readonly [name: string]: string } }) {
  const ref = names.ref ?? "";
  const path = `/runs/${encodeURIComponent(ref)}`;
  const detail = useLoaded((signal) => get<RunDetail>(`${path}/detail`, signal), [ref], ["runs"]);
  if (!detail.data) return <Waiting error={detail.error} reload={detail.reload} />;
  const { run, attempts } = detail.data;
  const asked = Number(queryOf("attempt"));
  const attempt = attempts.find((one) => one.number === asked) ?? attempts.at(-1);
  return (
    <article class="run">
      <Heading detail={detail.data} onDone={detail.reload} />
      <NoticeLine />
      {detail.data.why.length > 0 && <Why lines={detail.data.why} />}
      <Attempts attempts={attempts} shown={attempt?.number ?? 0} />
      <Charts detail={detail.data} attempt={attempt} />
      <h2>{t("run.output")}</h2>
      {attempt && (
        <LogView
          key={attempt.fence}
          run={run.ref}
          attempt={attempt.number}
          size={attempt.outputBytes}
          live={attempt.finishedAt === null}
        />
      )}
      <Command text={`exp logs ${run.ref}${isTerminal(run.state) ? "" : " -f"}`} />
      <div class="columns-2">
        <Params detail={detail.data} />
        <Facts detail={detail.data} />
      </div>
      <Events detail={detail.data} />
      <Command text={`exp show ${run.ref}`} />
    </article>
  );
}

function Heading({ detail, onDone }: { detail: RunDetail; onDone: () => void }) {
  const { run } = detail;
  const started = run.startedAt === null ? undefined : Date.parse(run.startedAt);
  const ended = run.finishedAt === null ? serverNow() : Date.parse(run.finishedAt);
  return (
    <header class="run-head">
      <h1>{run.ref}</h1>
      <StateBadge state={run.state} />
      <span>{started === undefined ? t("run.waiting") : t("run.for", { duration: duration(ended - started) })}</span>
      {run.exitCode !== null && <span>{t("run.exit", { code: run.exitCode })}</span>}
      {run.node !== null && <Link to={`/nodes/${encodeURIComponent(run.node)}`}>{run.node}</Link>}
      <Link to={`/sweeps/${run.sweep}`}>{t("run.sweep", { sweep: run.sweep })}</Link>
      <RunActions refs={[run.ref]} actions={actionsFor(detail)} onDone={onDone} />
      {run.reason !== "" && <p class="run-reason">{run.reason}</p>}
      {detail.reusedFrom !== null && (
        <p>
          <Link to={`/runs/${detail.reusedFrom}`}>{t("run.reused", { ref: detail.reusedFrom })}</Link>
        </p>
      )}
    </header>
  );
}

/** Only what would do something. */
function actionsFor({ run, reusedFrom }: RunDetail): RunAction[] {
  if (!isTerminal(run.state)) {
    if (run.state === "held") return ["resume", "cancel"];
    return run.state === "queued" ? ["pause", "cancel"] : ["cancel"];
  }
  return reusedFrom === null && (run.state === "failed" || run.state === "cancelled") ? ["retry"] : [];
}

function Why({ lines }: { lines: readonly string[] }) {
  return (
    <section class="card">
      <h2>{t("run.why")}</h2>
      <ul>
        {lines.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
    </section>
  );
}

function Attempts({ attempts, shown }: { attempts: readonly AttemptView[]; shown: number }) {
  if (attempts.length < 2) return null;
  return (
    <nav class="tabs" aria-label={t("run.attempts")}>
      {attempts.map((attempt) => (
        <button
          type="button"
          key={attempt.number}
          aria-pressed={attempt.number === shown}
          onClick={() => setQuery({ attempt: String(attempt.number) })}
        >
          {t("run.attempt", { number: attempt.number })} <span class="hint">{attempt.state}</span>
        </button>
      ))}
    </nav>
  );
}

function Charts({ detail, attempt }: { detail: RunDetail; attempt: AttemptView | undefined }) {
  const { run, metricKeys } = detail;
  const x = queryOf("x") === "time" ? "time" : "step";
  const smoothing = Number(queryOf("smooth")) || 0;
  const logY = queryOf("logy") === "1";
  const range = useSignal<readonly [number, number] | undefined>(undefined);
  const keys = metricKeys.slice(0, CHARTS_MAX);
  const query = new URLSearchParams({
    keys: keys.join(","),
    x,
    width: String(WIDTH),
    ...(attempt ? { attempt: String(attempt.number) } : {}),
    ...(range.value ? { from: String(range.value[0]), to: String(range.value[1]) } : {}),
  }).toString();
  const answer = useLoaded(
    async (signal) =>
      keys.length === 0
        ? { x, series: [] }
        : get<SeriesAnswer>(`/runs/${encodeURIComponent(run.ref)}/series?${query}`, signal),
    [run.ref, query],
    isTerminal(run.state) ? [] : ["runs"],
  );
  if (keys.length === 0) {
    return (
      <>
        <h2>{t("run.charts")}</h2>
        <p class="hint">{t("run.no-metrics")}</p>
      </>
    );
  }
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
        <label>
          {t("chart.smooth")}{" "}
          <input
            type="range"
            min={0}
            max={0.99}
            step={0.01}
            value={smoothing}
            onInput={(event) => setQuery({ smooth: event.currentTarget.value })}
          />
        </label>
        <label>
          <input
            type="checkbox"
            checked={logY}
            onChange={(event) => setQuery({ logy: event.currentTarget.checked ? "1" : "" })}
          />{" "}
          {t("chart.log-y")}
        </label>
        {range.value && (
          <button
            type="button"
            onClick={() => {
              range.value = undefined;
            }}
          >
            {t("chart.whole")}
          </button>
        )}
        <Command text={`exp metrics ${run.ref}`} />
      </div>
      {!answer.data && <Waiting error={answer.error} reload={answer.reload} />}
      <div class="charts">
        {(answer.data?.series ?? []).map((series, i) => (
          <div key={series.key}>
            <LineChart
              title={series.key}
              curves={[{ label: series.key, xs: series.xs, ys: series.ys, colour: i }]}
              smoothing={smoothing}
              logY={logY}
              sync={run.ref}
              formatX={x === "time" ? duration : number}
              onZoom={(chosen) => {
                range.value = chosen;
              }}
            />
            <p class="hint">
              {t(series.exact ? "chart.points" : "chart.bucketed", { count: series.points.toLocaleString("en") })}
            </p>
          </div>
        ))}
      </div>
    </section>
  );
}

function Params({ detail }: { detail: RunDetail }) {
  const entries = Object.entries(detail.run.params);
  const differing = new Set(detail.differing);
  return (
    <section>
      <h2>{t("run.params")}</h2>
      {entries.length === 0 && <p class="hint">{t("run.no-params")}</p>}
      <table>
        <tbody>
          {entries.map(([key, value]) => (
            <tr key={key} class={differing.has(key) ? "differs" : ""}>
              <th scope="row">{key}</th>
              <td class="mono">{typeof value === "number" ? String(value) : text(value)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Facts({ detail }: { detail: RunDetail }) {
  const { command, cwd, resources, attempts, resultsDir, run } = detail;
  const attempt = attempts.at(-1);
  const rows: [string, string][] = [
    [t("run.command"), typeof command === "string" ? command : command.join(" ")],
    [t("run.cwd"), cwd],
    [t("run.needs"), resources],
    [t("run.where"), attempt ? `${attempt.node}: ${attempt.devices.join(", ")}` : ""],
    [t("run.output"), attempt ? bytes(attempt.outputBytes) : ""],
    [t("run.results"), resultsDir],
    ["id", run.id],
    ...Object.entries(run.metrics).map(([key, value]): [string, string] => [key, text(value)]),
  ];
  return (
    <section>
      <h2>{t("run.facts")}</h2>
      <table>
        <tbody>
          {rows
            .filter(([, value]) => value !== "")
            .map(([name, value]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td class="mono wrap">{value}</td>
              </tr>
            ))}
        </tbody>
      </table>
    </section>
  );
}

function Events({ detail }: { detail: RunDetail }) {
  if (detail.events.length === 0) return null;
  return (
    <section>
      <h2>{t("run.events")}</h2>
      <ol class="events">
        {detail.events.map((event) => (
          <li key={event.seq}>
            <time dateTime={new Date(event.at).toISOString()}>{time(event.at)}</time> <strong>{event.kind}</strong>{" "}
            {event.text}
          </li>
        ))}
      </ol>
    </section>
  );
}
