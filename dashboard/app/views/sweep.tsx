/** One sweep: how it stands, what its metric depends on, its runs, its file. */
import type { ColumnsAnswer, SweepDetail } from "../../../shared/run/dashboard.ts";
import { NoticeLine, RunActions } from "../actions.tsx";
import { get } from "../api.ts";
import type { RunAction } from "../commands.ts";
import { time } from "../format.ts";
import { t } from "../i18n/i18n.ts";
import { isMetric, isParam, titleOf } from "../keys.ts";
import { useLoaded, useNews } from "../loading.ts";
import { queryOf, setQuery } from "../router.ts";
import type { Goal } from "../stats/best-so-far.ts";
import { Explore, KeyChoice } from "../sweep/explore.tsx";
import { readFrame } from "../sweep/frame.ts";
import { Overview, Standing } from "../sweep/overview.tsx";
import { SpecFile } from "../sweep/spec-file.tsx";
import { Command, Link, Waiting } from "../widgets/parts.tsx";
import type { Counts } from "../widgets/progress.tsx";
import { RunsTable } from "./runs.tsx";

const TABS = ["overview", "explore", "runs", "file"] as const;
type Tab = (typeof TABS)[number];
/** The tables behind the pictures are read again at most so often. */
const FRAME_EVERY_MS = 5_000;
/** Columns that are read for the pictures. */
const PARAMS_MAX = 24;
const METRICS_MAX = 12;

export function Sweep({ names }: { names: { readonly [name: string]: string } }) {
  const ref = names.ref ?? "";
  const path = `/sweeps/${encodeURIComponent(ref)}/detail`;
  const detail = useLoaded((signal) => get<SweepDetail>(path, signal), [ref], ["runs"]);
  if (!detail.data) return <Waiting error={detail.error} reload={detail.reload} />;
  return <Shown detail={detail.data} onDone={detail.reload} />;
}

function Shown({ detail, onDone }: { detail: SweepDetail; onDone: () => void }) {
  const { ref, counts } = detail;
  const tab = TABS.find((name) => name === queryOf("view")) ?? "overview";
  return (
    <article class="sweep">
      <header class="run-head">
        <h1>{ref}</h1>
        <span class="hint">{t("sweep.created", { time: time(detail.createdAt) })}</span>
        {detail.objective && <span>{t(`sweep.${detail.objective.goal}`, { metric: detail.objective.metric })}</span>}
        <RunActions key={ref} refs={[ref]} actions={actionsFor(counts)} count={detail.total} onDone={onDone} />
      </header>
      <NoticeLine />
      <Standing detail={detail} />
      <nav class="tabs" aria-label={t("sweep.tabs")}>
        {TABS.map((name) => (
          <Link
            key={name}
            to={name === "overview" ? `/sweeps/${ref}` : `/sweeps/${ref}?view=${name}`}
            current={name === tab}
          >
            {t(`sweep.tab-${name}`)}
          </Link>
        ))}
      </nav>
      {tab === "runs" && <RunsTable sweep={ref} within />}
      {tab === "file" && <SpecFile detail={detail} />}
      {(tab === "overview" || tab === "explore") && <Pictures detail={detail} tab={tab} />}
      {tab === "explore" && <Command text={`exp ls ${ref} -o csv`} />}
    </article>
  );
}

/** Only what would do something. */
function actionsFor(counts: Counts): RunAction[] {
  const has = (...states: string[]) => states.some((state) => (counts[state] ?? 0) > 0);
  const actions: RunAction[] = [];
  if (has("queued")) actions.push("pause");
  if (has("held")) actions.push("resume");
  if (has("failed", "cancelled")) actions.push("retry");
  if (has("queued", "held", "assigned", "running", "unknown")) actions.push("cancel", "priority");
  return actions;
}

function Pictures({ detail, tab }: { detail: SweepDetail; tab: Tab }) {
  const { ref } = detail;
  const news = useNews(["runs"], FRAME_EVERY_MS);
  const columns = useLoaded(
    (signal) => get<ColumnsAnswer>(`/tables/columns?${new URLSearchParams({ sweep: ref })}`, signal),
    [ref, news],
  );
  const known = columns.data?.columns ?? [];
  const varying = known.filter(({ key, distinct }) => isParam(key) && distinct > 1);
  const params = varying.map(({ key }) => key);
  const points = varying.filter(({ replicate }) => !replicate).map(({ key }) => key);
  const metrics = known.filter(({ key }) => isMetric(key)).map(({ key }) => key);
  const keys = [...params.slice(0, PARAMS_MAX), ...metrics.slice(0, METRICS_MAX), "duration", "finished"];
  const frame = useLoaded(
    async (signal) => (columns.data ? readFrame(ref, keys, signal) : undefined),
    [ref, keys.join("\n"), news, columns.data !== undefined],
  );
  if (!columns.data) return <Waiting error={columns.error} reload={columns.reload} />;
  const wanted = detail.objective ? `metric:${detail.objective.metric}` : "";
  const asked = queryOf("metric");
  const metric = metrics.includes(asked) ? asked : metrics.includes(wanted) ? wanted : (metrics[0] ?? "");
  const goal = goalOf(queryOf("goal"), detail, metric);
  return (
    <>
      {metrics.length > 0 && (
        <div class="toolbar">
          <KeyChoice
            label={t("sweep.metric")}
            keys={metrics}
            value={metric}
            onChange={(key) => setQuery({ metric: key, goal: "" })}
          />
          <label>
            {t("sweep.goal")}{" "}
            <select value={goal} onChange={(event) => setQuery({ goal: event.currentTarget.value })}>
              <option value="maximize">{t("sweep.larger")}</option>
              <option value="minimize">{t("sweep.smaller")}</option>
            </select>
          </label>
        </div>
      )}
      {tab === "overview" && (
        <Overview detail={detail} frame={frame.data} metric={metric} goal={goal} params={points} stamp={news} />
      )}
      {tab === "explore" &&
        (frame.data ? (
          <Explore sweep={ref} frame={frame.data} columns={known} params={params} points={points} metric={metric} />
        ) : (
          <Waiting error={frame.error} reload={frame.reload} />
        ))}
    </>
  );
}

/** As the user says, else as the sweep's file does; for other metrics, what their name suggests, to be changed beside it. */
function goalOf(asked: string, { objective }: SweepDetail, metric: string): Goal {
  if (asked === "maximize" || asked === "minimize") return asked;
  if (objective && metric === `metric:${objective.metric}`) return objective.goal;
  return /loss|err|ppl|perplexity|nll|mse|mae|rmse|time|seconds/i.test(titleOf(metric)) ? "minimize" : "maximize";
}
