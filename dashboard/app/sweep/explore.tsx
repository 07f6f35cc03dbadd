/** What a metric depends on: all runs across all axes, any value against any other, importance, one slice for each parameter. */
import type { ColumnsAnswer } from "../../../shared/run/dashboard.ts";
import { t } from "../i18n/i18n.ts";
import { conditionOf, joinKeys, splitKeys, titleOf } from "../keys.ts";
import { isOn, queryOf, setQuery } from "../router.ts";
import type { Brush } from "../stats/axis-scale.ts";
import { Link } from "../widgets/parts.tsx";
import { QueryCheck } from "../widgets/query-controls.tsx";
import { columnOf, FRAME_RUNS_MAX, type Frame } from "./frame.ts";
import { ImportanceTable } from "./importance.tsx";
import { markedRows, Parallel } from "./parallel.tsx";
import { Scatter } from "./scatter.tsx";

/** More are not shown unasked: they would be too close. */
const AXES_USUAL = 7;
const SLICES_MAX = 12;

export interface ExploreProps {
  readonly sweep: string;
  readonly frame: Frame;
  readonly columns: ColumnsAnswer["columns"];
  /** Parameters with more than one value. */
  readonly params: readonly string[];
  /** Those of them that tell points apart, not their replicates. */
  readonly points: readonly string[];
  readonly metric: string;
}

export function Explore({ sweep, frame, columns, params, points, metric }: ExploreProps) {
  const keys = columns.filter(({ key, kind }) => frame.cells.has(key) && kind !== "time").map(({ key }) => key);
  return (
    <>
      {frame.total > frame.refs.length && (
        <p class="hint">{t("explore.first", { shown: FRAME_RUNS_MAX, total: frame.total.toLocaleString("en") })}</p>
      )}
      <ParallelSection sweep={sweep} frame={frame} keys={keys} points={points} metric={metric} />
      <ScatterSection frame={frame} keys={keys} params={params} metric={metric} />
      {metric !== "" && (
        <>
          <h2>{t("importance.title")}</h2>
          {params.length === 0 ? (
            <p class="hint">{t("explore.no-params")}</p>
          ) : (
            <ImportanceTable frame={frame} params={params} metric={metric} />
          )}
          {params.length > 0 && <h2>{t("explore.slices")}</h2>}
          <div class="charts">
            {params.slice(0, SLICES_MAX).map((key) => (
              <figure class="chart" key={key}>
                <figcaption>{titleOf(key)}</figcaption>
                <Scatter frame={frame} x={key} y={metric} by="" logX={isWide(frame, key)} logY={false} height={180} />
              </figure>
            ))}
          </div>
        </>
      )}
    </>
  );
}

/** All above zero, and the largest a thousand times the smallest. */
function isWide(frame: Frame, key: string): boolean {
  const numbers = columnOf(frame, key).filter((value) => typeof value === "number");
  const low = numbers.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  return low > 0 && numbers.reduce((a, b) => Math.max(a, b), 0) >= 1_000 * low;
}

type PartProps = Pick<ExploreProps, "frame" | "metric"> & { readonly keys: readonly string[] };

function ParallelSection({ sweep, frame, keys, points, metric }: PartProps & Pick<ExploreProps, "sweep" | "points">) {
  const asked = splitKeys(queryOf("axes")).filter((key) => keys.includes(key));
  const usual = [...points.slice(0, AXES_USUAL), ...(metric === "" ? [] : [metric])];
  const axes = asked.length >= 2 ? asked : usual;
  const logged = queryOf("plog");
  const log = new Set(logged === "" ? axes.filter((key) => isWide(frame, key)) : splitKeys(logged));
  const flip = new Set(splitKeys(queryOf("pflip")));
  const brushText = queryOf("marks");
  const brushes = brushesOf(brushText, axes);
  const toggled = (set: ReadonlySet<string>, key: string) =>
    set.has(key) ? [...set].filter((other) => other !== key) : [...set, key];
  return (
    <>
      <h2>{t("parallel.title")}</h2>
      {axes.length < 2 ? (
        <p class="hint">{t("explore.no-params")}</p>
      ) : (
        <>
          <Parallel
            frame={frame}
            keys={axes}
            log={log}
            flip={flip}
            brushes={brushes}
            // "-" is no key: it says that no axis is logarithmic.
            onLog={(key) => setQuery({ plog: joinKeys(toggled(log, key)) || "-" })}
            onFlip={(key) => setQuery({ pflip: joinKeys(toggled(flip, key)) })}
            onBrush={(key, brush) => {
              const next = new Map(brushes);
              if (brush) next.set(key, brush);
              else next.delete(key);
              setQuery({ marks: next.size === 0 ? "" : JSON.stringify([...next]) });
            }}
          />
          <div class="toolbar">
            <AxisChoice keys={keys} axes={axes} />
            {brushes.size === 0 ? (
              <span class="hint">{t("parallel.how")}</span>
            ) : (
              <>
                <span>
                  {t("parallel.marked", { count: markedRows(frame, brushes).length, total: frame.refs.length })}
                </span>
                <Link to={`/sweeps/${sweep}?view=runs&where=${encodeURIComponent(conditionOf(brushes))}`}>
                  {t("parallel.as-table")}
                </Link>
                <button type="button" onClick={() => setQuery({ marks: "" })}>
                  {t("runs.clear")}
                </button>
              </>
            )}
          </div>
        </>
      )}
    </>
  );
}

function AxisChoice({ keys, axes }: { keys: readonly string[]; axes: readonly string[] }) {
  return (
    <details class="columns">
      <summary>{t("parallel.axes")}</summary>
      <div class="card">
        <fieldset>
          <legend class="visually-hidden">{t("parallel.axes")}</legend>
          {keys.map((key) => (
            <label key={key}>
              <input
                type="checkbox"
                checked={axes.includes(key)}
                disabled={axes.includes(key) && axes.length <= 2}
                onChange={(event) => {
                  const kept = keys.filter((other) =>
                    other === key ? event.currentTarget.checked : axes.includes(other),
                  );
                  setQuery({ axes: joinKeys(kept) });
                }}
              />{" "}
              {titleOf(key)}
            </label>
          ))}
        </fieldset>
      </div>
    </details>
  );
}

function ScatterSection({ frame, keys, params, metric }: PartProps & Pick<ExploreProps, "params">) {
  const chosen = (name: string, usual: string) => {
    const asked = queryOf(name);
    return keys.includes(asked) || asked === "-" ? asked : usual;
  };
  const x = chosen("x", params[0] ?? keys[0] ?? "");
  const y = chosen("y", metric === "" ? (keys[1] ?? "") : metric);
  const by = chosen("by", "-");
  if (x === "" || y === "") return null;
  const logX = isOn("logx", isWide(frame, x));
  const logY = isOn("logy");
  return (
    <>
      <h2>{t("scatter.title")}</h2>
      <div class="toolbar">
        <KeyChoice label={t("scatter.x")} keys={keys} value={x} onChange={(key) => setQuery({ x: key, logx: "" })} />
        <KeyChoice label={t("scatter.y")} keys={keys} value={y} onChange={(key) => setQuery({ y: key })} />
        <KeyChoice label={t("scatter.by")} keys={["-", ...keys]} value={by} onChange={(key) => setQuery({ by: key })} />
        <QueryCheck name="logx" label={t("scatter.log-x")} usual={isWide(frame, x)} />
        <QueryCheck name="logy" label={t("scatter.log-y")} />
      </div>
      <div class="chart">
        <Scatter frame={frame} x={x} y={y} by={by === "-" ? "" : by} logX={logX} logY={logY} height={300} />
      </div>
    </>
  );
}

export function KeyChoice(props: {
  label: string;
  keys: readonly string[];
  value: string;
  onChange: (key: string) => void;
}) {
  return (
    <label>
      {props.label}{" "}
      <select value={props.value} onChange={(event) => props.onChange(event.currentTarget.value)}>
        {props.keys.map((key) => (
          <option key={key} value={key}>
            {key === "-" ? t("common.no-value") : titleOf(key)}
          </option>
        ))}
      </select>
    </label>
  );
}

/** Marks as they stand in the address; what is not of this form is passed over. */
function brushesOf(textOfMarks: string, axes: readonly string[]): ReadonlyMap<string, Brush> {
  const brushes = new Map<string, Brush>();
  if (textOfMarks === "") return brushes;
  let marks: unknown;
  try {
    marks = JSON.parse(textOfMarks);
  } catch {
    // Somebody changed the address by hand.
    return brushes;
  }
  for (const mark of Array.isArray(marks) ? marks : []) {
    const [key, brush] = Array.isArray(mark) ? (mark as unknown[]) : [];
    if (typeof key === "string" && axes.includes(key) && isBrush(brush)) brushes.set(key, brush);
  }
  return brushes;
}

function isBrush(value: unknown): value is Brush {
  if (typeof value !== "object" || value === null) return false;
  const { low, high, values } = value as { low?: unknown; high?: unknown; values?: unknown };
  return Array.isArray(values) || (typeof low === "number" && typeof high === "number");
}
