/** Who used the devices: hours by day and sweep, as one stacked bar a day and as a table. */
import type { UsageAnswer } from "../../../shared/run/dashboard.ts";
import { get } from "../api.ts";
import { apiCommand } from "../commands.ts";
import { t } from "../i18n/i18n.ts";
import { useLoaded } from "../loading.ts";
import { queryOf, setQuery } from "../router.ts";
import { Command, CsvButton, Link, Waiting } from "../widgets/parts.tsx";

const DAYS = [7, 14, 30, 90, 365];
/** Sweeps with a colour of their own; the rest is one part. */
const COLOURED_MAX = 7;
const ROWS_MAX = 200;
/** Of the drawing, in units of its own. */
const HEIGHT = 160;
const DAY_WIDTH = 20;
const GAP = 3;

export function Usage() {
  const days = DAYS.find((count) => String(count) === queryOf("days")) ?? 14;
  const asked = queryOf("kind");
  const kind = asked === "gpu" || asked === "cpu" ? asked : "";
  const usage = useLoaded(
    (signal) => get<UsageAnswer>(`/usage?days=${days}${kind === "" ? "" : `&kind=${kind}`}`, signal),
    [days, kind],
  );
  if (!usage.data) return <Waiting error={usage.error} reload={usage.reload} />;
  const { data } = usage;
  const total = sum(data.rows.map(({ hours }) => sum(hours)));
  return (
    <section>
      <h1>{t("nav.usage")}</h1>
      <div class="toolbar">
        <label>
          {t("usage.days")}{" "}
          <select value={days} onChange={(event) => setQuery({ days: event.currentTarget.value })}>
            {DAYS.map((count) => (
              <option key={count} value={count}>
                {count}
              </option>
            ))}
          </select>
        </label>
        <label>
          {t("usage.kind")}{" "}
          <select value={data.kind} onChange={(event) => setQuery({ kind: event.currentTarget.value })}>
            <option value="gpu">GPU</option>
            <option value="cpu">CPU</option>
          </select>
        </label>
        <CsvButton
          file="usage.csv"
          header={["sweep", ...data.days]}
          rows={() => data.rows.map(({ sweep, hours }) => [sweep, ...hours])}
        />
        <span>{t("usage.total", { hours: shown(total) })}</span>
        <span class="hint">{t("usage.utc")}</span>
      </div>
      {data.rows.length === 0 ? (
        <p class="hint">{t("usage.none")}</p>
      ) : (
        <>
          <Bars usage={data} />
          <Rows usage={data} total={total} />
        </>
      )}
      <Command text={apiCommand(location.origin, `/usage?days=${days}&kind=${data.kind}`)} />
    </section>
  );
}

/** A day's parts from the bottom: the largest sweeps of the whole time first, then all others as one. */
function Bars({ usage }: { usage: UsageAnswer }) {
  const { days, rows } = usage;
  const parts = rows.slice(0, COLOURED_MAX).map(({ sweep, hours }) => ({ name: sweep, hours }));
  const others = rows.slice(COLOURED_MAX);
  if (others.length > 0) {
    const hours = days.map((_, day) => sum(others.map((row) => row.hours[day] ?? 0)));
    parts.push({ name: t("usage.others", { count: others.length }), hours });
  }
  const highest = Math.max(...days.map((_, day) => sum(parts.map(({ hours }) => hours[day] ?? 0))), 1e-9);
  const label = days.map((day, i) => `${day}: ${shown(sum(parts.map(({ hours }) => hours[i] ?? 0)))}`).join(", ");
  return (
    <figure class="usage-bars">
      <svg
        viewBox={`0 0 ${days.length * DAY_WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={t("usage.chart", { days: label })}
      >
        {days.map((day, i) => {
          let y = HEIGHT;
          return parts.map(({ name, hours }, at) => {
            const height = ((hours[i] ?? 0) / highest) * (HEIGHT - 4);
            if (height <= 0) return null;
            y -= height;
            return (
              <rect
                key={`${day} ${name}`}
                class={`usage-part-${at + 1}`}
                x={i * DAY_WIDTH + GAP / 2}
                y={y}
                width={DAY_WIDTH - GAP}
                height={height}
              >
                <title>{`${day} · ${name}: ${shown(hours[i] ?? 0)} h`}</title>
              </rect>
            );
          });
        })}
      </svg>
      <p class="usage-axis hint" aria-hidden="true">
        <span>{days[0]}</span>
        <span>{t("usage.highest", { hours: shown(highest) })}</span>
        <span>{days.at(-1)}</span>
      </p>
      <figcaption>
        <ul class="legend">
          {parts.map(({ name }, at) => (
            <li key={name}>
              <span class={`usage-key usage-part-${at + 1}`} aria-hidden="true" /> {name}
            </li>
          ))}
        </ul>
      </figcaption>
    </figure>
  );
}

function Rows({ usage, total }: { usage: UsageAnswer; total: number }) {
  return (
    <>
      <table>
        <thead>
          <tr>
            <th scope="col">{t("usage.sweep")}</th>
            <th scope="col" class="number">
              {t("usage.hours")}
            </th>
            <th scope="col" class="number">
              %
            </th>
          </tr>
        </thead>
        <tbody>
          {usage.rows.slice(0, ROWS_MAX).map(({ sweep, hours }) => (
            <tr key={sweep}>
              <td>
                <Link to={`/sweeps/${encodeURIComponent(sweep)}`}>{sweep}</Link>
              </td>
              <td class="number">{shown(sum(hours))}</td>
              <td class="number">{total > 0 ? ((100 * sum(hours)) / total).toFixed(1) : ""}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {usage.rows.length > ROWS_MAX && <p class="hint">{t("usage.many", { count: ROWS_MAX })}</p>}
    </>
  );
}

/** Hours as people read them: two digits where there are few. */
function shown(hours: number): string {
  return hours < 1 ? String(Number(hours.toPrecision(2))) : hours.toFixed(1);
}

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0);
}
