/** How a sweep stands: its runs by state, all of them at a glance, the best value over time, the leaderboard. */
import type { BestAnswer, SweepDetail } from "../../../shared/run/dashboard.ts";
import { get, serverNow } from "../api.ts";
import { LineChart } from "../charts/line-chart.tsx";
import { shellWord } from "../commands.ts";
import { duration, number, text } from "../format.ts";
import { t } from "../i18n/i18n.ts";
import { joinKeys, titleOf } from "../keys.ts";
import { useLoaded } from "../loading.ts";
import { bestSoFar, type Goal, steps } from "../stats/best-so-far.ts";
import { compareTables } from "../stats/compare-runs.ts";
import { Command, CsvButton, Link, StateBadge, Waiting } from "../widgets/parts.tsx";
import { doneOf, Progress, statesOf } from "../widgets/progress.tsx";
import { columnOf, type Frame } from "./frame.ts";
import { Strip } from "./strip.tsx";

/** Rows of the leaderboard; the table of runs has them all. */
const BOARD_ROWS = 15;
const BOARD_PARAMS_MAX = 8;

export function Standing({ detail }: { detail: SweepDetail }) {
  const { ref, counts, total, reused, medianMs, etaMs } = detail;
  return (
    <>
      <p class="summary">
        <strong>{t("sweeps.done-of", { done: doneOf(counts), total })}</strong>
        {statesOf(counts).map((state) => (
          <Link key={state} to={`/sweeps/${ref}?view=runs&state=${state}`}>
            {(counts[state] ?? 0).toLocaleString("en")} <StateBadge state={state} />
          </Link>
        ))}
        {reused > 0 && <span>{t("sweep.reused", { count: reused })}</span>}
        {medianMs !== null && <span>{t("sweep.median", { duration: duration(medianMs) })}</span>}
        {etaMs !== null && doneOf(counts) < total && <span>{t("sweep.eta", { duration: duration(etaMs) })}</span>}
      </p>
      <p class="wide-progress">
        <Progress counts={counts} total={total} />
      </p>
    </>
  );
}

export interface OverviewProps {
  readonly detail: SweepDetail;
  readonly frame: Frame | undefined;
  /** Key of the metric that is looked at; "" where there is none. */
  readonly metric: string;
  readonly goal: Goal;
  /** Those that tell points apart. */
  readonly params: readonly string[];
  readonly stamp: unknown;
}

export function Overview({ detail, frame, metric, goal, params, stamp }: OverviewProps) {
  return (
    <>
      <h2>{t("sweep.strip")}</h2>
      <Strip sweep={detail.ref} strip={detail.strip} label={t("sweep.strip-label", { count: detail.strip.length })} />
      {metric === "" ? (
        <p class="hint">{t("sweep.no-metric")}</p>
      ) : (
        <>
          <h2>{t("sweep.best")}</h2>
          {frame && <BestOverTime detail={detail} frame={frame} metric={metric} goal={goal} />}
          {frame && (
            <Leaderboard detail={detail} frame={frame} metric={metric} goal={goal} params={params} stamp={stamp} />
          )}
        </>
      )}
    </>
  );
}

function BestOverTime({
  detail,
  frame,
  metric,
  goal,
}: Pick<OverviewProps, "detail" | "metric" | "goal"> & { frame: Frame }) {
  const best = bestOf(detail, frame, metric, goal);
  if (best.length === 0) return <p class="hint">{t("sweep.no-best")}</p>;
  const last = best.at(-1);
  const live = doneOf(detail.counts) < detail.total;
  const ends = columnOf(frame, "finished").filter((end) => typeof end === "number");
  const until = live ? serverNow() : ends.reduce((a, b) => Math.max(a, b), last?.at ?? 0);
  const curve = steps(best, detail.createdAt, until);
  return (
    <>
      <LineChart
        title={t("sweep.best-of", { metric: titleOf(metric) })}
        curves={[{ label: titleOf(metric), ...curve, colour: 0 }]}
        formatX={duration}
        height={200}
      />
      {last && (
        <p class="prose">
          {t("sweep.best-now", { value: number(last.value), after: duration(last.at - detail.createdAt) })}{" "}
          <Link to={`/runs/${last.ref}`}>{last.ref}</Link>
        </p>
      )}
    </>
  );
}

/** The server's own answer for the objective, which knows every run; for another metric, from the runs that were read. */
function bestOf(detail: SweepDetail, frame: Frame, metric: string, goal: Goal) {
  const { objective, bestOverTime } = detail;
  if (objective && `metric:${objective.metric}` === metric && objective.goal === goal) {
    return bestOverTime.at.map((at, i) => ({
      at,
      value: bestOverTime.value[i] ?? Number.NaN,
      ref: bestOverTime.ref[i] ?? "",
    }));
  }
  const values = columnOf(frame, metric);
  const points = columnOf(frame, "finished").flatMap((at, row) => {
    const value = values[row];
    const counts = frame.states[row] === "succeeded" && typeof at === "number" && typeof value === "number";
    return counts ? [{ at, value, ref: frame.refs[row] ?? "" }] : [];
  });
  return bestSoFar(points, goal);
}

/** As `exp best`: succeeded runs, replicates of a point in one row. */
function Leaderboard(props: Omit<OverviewProps, "frame"> & { frame: Frame }) {
  const { detail, frame, metric, goal, params, stamp } = props;
  const sweep = detail.ref;
  const values = columnOf(frame, metric);
  const isKnown = frame.states.some((state, row) => state === "succeeded" && typeof values[row] === "number");
  const query = new URLSearchParams({ metric: titleOf(metric), goal, fold: "1", limit: String(BOARD_ROWS) }).toString();
  const board = useLoaded(
    async (signal) => (isKnown ? get<BestAnswer>(`/sweeps/${encodeURIComponent(sweep)}/best?${query}`, signal) : null),
    [sweep, query, isKnown, stamp],
  );
  if (board.data === undefined) return <Waiting error={board.error} reload={board.reload} />;
  const folds = board.data?.rows.some(({ refs }) => refs.length > 1) ?? false;
  const sort = joinKeys([`${goal === "maximize" ? "-" : ""}${metric}`]);
  return (
    <section>
      <h2>{t("sweep.board")}</h2>
      {board.data === null || board.data.rows.length === 0 ? (
        <p class="hint">{t("sweep.no-best")}</p>
      ) : (
        <>
          <Board answer={board.data} params={params} folds={folds} sweep={sweep} />
          <p>
            <Link to={`/sweeps/${sweep}?view=runs&sort=${encodeURIComponent(sort)}${folds ? "&fold=1" : ""}`}>
              {t("sweep.all-rows")}
            </Link>
          </p>
        </>
      )}
      <Command text={`exp best ${sweep} --metric ${shellWord(titleOf(metric))} --goal ${goal}`} />
    </section>
  );
}

function Board(props: { answer: BestAnswer; params: readonly string[]; folds: boolean; sweep: string }) {
  const { answer, params, folds, sweep } = props;
  const varying = new Set(params.map(titleOf));
  const columns = compareTables(answer.rows.map((row) => row.params))
    .filter(({ key }) => varying.has(key))
    .slice(0, BOARD_PARAMS_MAX);
  const csv = () =>
    answer.rows.map(({ rank, value, deviation, refs, run }, i) => [
      rank,
      ...columns.map(({ values }) => values[i] ?? null),
      value,
      deviation,
      refs.length,
      run.ref,
    ]);
  return (
    <>
      <div class="scroll-x">
        <table>
          <thead>
            <tr>
              <th scope="col" class="number">
                {t("sweep.rank")}
              </th>
              {columns.map(({ key }) => (
                <th scope="col" key={key}>
                  {key}
                </th>
              ))}
              <th scope="col" class="number">
                {answer.metric} <span class="hint">({t(`reduce.${reduceOf(answer.reduce)}`)})</span>
              </th>
              {folds && (
                <th scope="col" class="number">
                  {t("sweep.seeds")}
                </th>
              )}
              <th scope="col">{t(folds ? "sweep.best-run" : "sweep.run")}</th>
            </tr>
          </thead>
          <tbody>
            {answer.rows.map(({ rank, value, deviation, refs, run }, i) => (
              <tr key={run.ref}>
                <td class="number">{rank}</td>
                {columns.map(({ key, values }) => (
                  <td key={key}>{text(values[i])}</td>
                ))}
                <td class="number">
                  <strong>{number(value)}</strong>
                  {deviation !== null && <span class="hint"> ± {number(Number(deviation.toPrecision(2)))}</span>}
                </td>
                {folds && <td class="number">{refs.length}</td>}
                <td>
                  <Link to={`/runs/${run.ref}`}>{run.ref}</Link>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <CsvButton
        file={`${sweep}-best.csv`}
        header={["rank", ...columns.map(({ key }) => key), answer.metric, "deviation", "runs", "run"]}
        rows={csv}
      />
    </>
  );
}

function reduceOf(word: string): "best" | "last" | "min" | "max" {
  return word === "last" || word === "min" || word === "max" ? word : "best";
}
