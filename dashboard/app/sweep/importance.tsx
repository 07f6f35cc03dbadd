/** Which parameters the metric depends on, and how many runs say so. */
import { useEffect, useState } from "preact/hooks";
import { number } from "../format.ts";
import { t } from "../i18n/i18n.ts";
import { titleOf } from "../keys.ts";
import { IMPORTANCE_RUNS_MIN, type Importance, importance } from "../stats/forest.ts";
import { spearman } from "../stats/spearman.ts";
import { CsvButton } from "../widgets/parts.tsx";
import { columnOf, type Frame } from "./frame.ts";

/** The page stays at hand: so long at most between two looks at what the user does. */
const SLICE_MS = 8;

type Found = { readonly done: number } | { readonly result: Importance | undefined };

export function ImportanceTable({
  frame,
  params,
  metric,
}: {
  frame: Frame;
  params: readonly string[];
  metric: string;
}) {
  const found = useImportance(frame, params, metric);
  if ("done" in found) {
    return (
      <p class="hint">
        {t("importance.working")} <progress value={found.done} max={1} aria-label={t("importance.working")} />
      </p>
    );
  }
  const { result } = found;
  if (!result) return <p class="hint">{t("importance.too-few", { count: IMPORTANCE_RUNS_MIN })}</p>;
  const target = columnOf(frame, metric);
  const most = result.features[0]?.score ?? 0;
  const rows = result.features.map((feature) => ({ ...feature, rho: spearman(columnOf(frame, feature.key), target) }));
  const explained = Math.max(0, Math.round(100 * result.explained));
  return (
    <>
      <p class="hint">
        {t("importance.rests-on", { count: result.runs, metric: titleOf(metric) })}{" "}
        {result.explained > 0.05 ? t("importance.explains", { percent: explained }) : t("importance.explains-nothing")}
      </p>
      <div class="scroll-x">
        <table>
          <thead>
            <tr>
              <th scope="col">{t("importance.param")}</th>
              <th scope="col">{t("importance.score")}</th>
              <th scope="col" class="number">
                {t("importance.rank")}
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ key, score, rho }) => (
              <tr key={key}>
                <th scope="row">{titleOf(key)}</th>
                <td>
                  <span class="bar-track">
                    <span class="bar" style={{ width: `${most > 0 ? (100 * score) / most : 0}%` }} />
                  </span>{" "}
                  <span class="number">{number(Number(score.toPrecision(3)))}</span>
                </td>
                <td class="number">{rho === undefined ? "" : (rho > 0 ? "+" : "") + rho.toFixed(2)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <CsvButton
        file="importance.csv"
        header={["parameter", "importance", "spearman"]}
        rows={() => rows.map(({ key, score, rho }) => [titleOf(key), score, rho ?? null])}
      />
    </>
  );
}

function useImportance(frame: Frame, params: readonly string[], metric: string): Found {
  const [found, setFound] = useState<Found>({ done: 0 });
  useEffect(() => {
    const steps = importance(
      params.map((key) => ({ key, values: columnOf(frame, key) })),
      columnOf(frame, metric),
    );
    let timer: ReturnType<typeof setTimeout> | undefined;
    const work = () => {
      for (const start = performance.now(); ; ) {
        const { done, value } = steps.next();
        if (done) {
          setFound({ result: value });
          return;
        }
        if (performance.now() - start >= SLICE_MS) {
          // A result that is on the screen stays there until the next one is whole.
          setFound((before) => ("done" in before ? { done: value } : before));
          timer = setTimeout(work);
          return;
        }
      }
    };
    work();
    return () => clearTimeout(timer);
  }, [frame, params.join("\n"), metric]);
  return found;
}
