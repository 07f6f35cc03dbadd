/** What curves are drawn over, as the address says it: the step, the time since the start, the clock, or a metric. */
import { clockMarks, duration, number, time } from "../format.ts";
import { t } from "../i18n/i18n.ts";
import { queryOf, setQuery } from "../router.ts";
import type { LineChartProps } from "./line-chart.tsx";

const AXES = ["step", "time", "wall"] as const;

/** As /series takes it. `metrics`: those that can be chosen. */
export function chosenX(metrics: readonly string[]): string {
  const asked = queryOf("x");
  return AXES.some((axis) => axis === asked) || metrics.includes(asked) ? asked : "step";
}

/** How a chart writes places on this axis. */
export function axisOf(x: string): Pick<LineChartProps, "formatX" | "clock"> {
  if (x === "wall") return { formatX: time, clock: clockMarks };
  return { formatX: x === "time" ? duration : number };
}

export function XChoice({ x, metrics }: { x: string; metrics: readonly string[] }) {
  return (
    <label>
      {t("chart.x")}{" "}
      <select
        value={x}
        onChange={(event) => setQuery({ x: event.currentTarget.value, from: undefined, to: undefined })}
      >
        {AXES.map((axis) => (
          <option key={axis} value={axis}>
            {t(`chart.${axis}`)}
          </option>
        ))}
        {metrics.map((key) => (
          <option key={key} value={key}>
            {key}
          </option>
        ))}
      </select>
    </label>
  );
}
