/** How a sweep stands: its runs by state, all of them at a glance, the best value over time, the leaderboard. */
import type { Cell, Column, RunTable, SweepDetail } from "../../../shared/run/dashboard.ts";
import { get, serverNow } from "../api.ts";
import { LineChart } from "../charts/line-chart.tsx";
import { duration, number, text } from "../format.ts";
import { t } from "../i18n/i18n.ts";
import { isSeed, joinKeys, titleOf } from "../keys.ts";
import { useLoaded } from "../loading.ts";
import { bestSoFar, type Goal, steps } from "../stats/best-so-far.ts";
import { Command, download, Link, StateBadge, toCsv, Waiting } from "../widgets/parts.tsx";
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
          <Leaderboard sweep={detail.ref} metric={metric} goal={goal} params={params} stamp={stamp} />
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
    return typeof at === "number" && typeof value === "number" ? [{ at, value, ref: frame.refs[row] ?? "" }] : [];
  });
  return bestSoFar(points, goal);
}

function Leaderboard(props: Omit<OverviewProps, "detail" | "frame"> & { sweep: string }) {
  const { sweep, metric, goal, params, stamp } = props;
  const axes = params.filter((key) => !isSeed(key));
  const shown = axes.slice(0, BOARD_PARAMS_MAX);
  const sort = `${goal === "maximize" ? "-" : ""}${metric}`;
  const query = new URLSearchParams({
    sweep,
    columns: joinKeys([...shown, metric]),
    sort: joinKeys([sort]),
    limit: String(BOARD_ROWS),
    ...(axes.length > 0 ? { group: joinKeys(axes) } : {}),
  }).toString();
  const board = useLoaded((signal) => get<RunTable>(`/tables/runs?${query}`, signal), [query, stamp]);
  if (!board.data) return <Waiting error={board.error} reload={board.reload} />;
  const table = board.data;
  const at = (key: string) => table.columns.findIndex((column: Column) => column.key === key);
  const values = table.cells[at(metric)] ?? [];
  const rows = [...table.refs.keys()].filter((row) => typeof values[row] === "number");
  const cell = (key: string, row: number): Cell => table.cells[at(key)]?.[row] ?? null;
  const folds = axes.length < params.length;
  return (
    <section>
      <h2>{t("sweep.board")}</h2>
      {rows.length === 0 && <p class="hint">{t("sweep.no-best")}</p>}
      {rows.length > 0 && (
        <>
          <div class="scroll-x">
            <table>
              <thead>
                <tr>
                  <th scope="col" class="number">
                    {t("sweep.rank")}
                  </th>
                  {shown.map((key) => (
                    <th scope="col" key={key}>
                      {titleOf(key)}
                    </th>
                  ))}
                  <th scope="col" class="number">
                    {titleOf(metric)}
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
                {rows.map((row, i) => (
                  <tr key={table.refs[row]}>
                    <td class="number">{i + 1}</td>
                    {shown.map((key) => (
                      <td key={key}>{text(cell(key, row))}</td>
                    ))}
                    <td class="number">
                      <strong>{text(cell(metric, row))}</strong>
                      <Deviation value={table.groups?.deviations[at(metric)]?.[row] ?? null} />
                    </td>
                    {folds && <td class="number">{table.groups?.runs[row] ?? 1}</td>}
                    <td>
                      <Link to={`/runs/${table.refs[row]}`}>{table.refs[row]}</Link>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
          <p>
            <Link
              to={`/sweeps/${sweep}?view=runs&sort=${encodeURIComponent(joinKeys([sort]))}${folds ? "&fold=1" : ""}`}
            >
              {t("sweep.all-rows", { count: table.total.toLocaleString("en") })}
            </Link>{" "}
            <button
              type="button"
              onClick={() => {
                const lines = rows.map((row) => [
                  ...shown.map((key) => cell(key, row)),
                  cell(metric, row),
                  table.refs[row],
                ]);
                download(`${sweep}-best.csv`, "text/csv", toCsv([...shown, metric].map(titleOf).concat("run"), lines));
              }}
            >
              {t("common.csv")}
            </button>
          </p>
        </>
      )}
      <Command text={`exp best ${sweep} --metric ${shellWord(titleOf(metric))} --goal ${goal}`} />
    </section>
  );
}

function Deviation({ value }: { value: number | null }) {
  return value === null ? null : <span class="hint"> ± {number(value)}</span>;
}

export function shellWord(word: string): string {
  return /^[\w./:=@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
