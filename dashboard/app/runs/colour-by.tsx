/**
 * Colours for the rows of the table of runs, by a column of the user's choice: numbers from dark to bright over what all the
 * rows have, anything else by its value, the most frequent first. A legend says which is which; the value itself stands in
 * its column.
 */
import type { Cell, Column, ColumnsAnswer, RunTable } from "../../../shared/run/dashboard.ts";
import type { RunState } from "../../../shared/run/states.ts";
import { get } from "../api.ts";
import { duration, number, text, time } from "../format.ts";
import { t } from "../i18n/i18n.ts";
import { joinKeys, titleOf } from "../keys.ts";
import { useLoaded } from "../loading.ts";
import { queryOf, setQuery } from "../router.ts";
import { axisScale } from "../stats/axis-scale.ts";
import { createRamp } from "../sweep/colours.ts";
import { colour, shownTheme } from "../theme.ts";
import { StateBadge } from "../widgets/parts.tsx";

export interface RowColours {
  readonly column: Column;
  of(value: Cell): string;
  /** Values to be shown beside their colours, in order. */
  readonly legend: readonly Cell[];
  /** Some rows have a value that the legend does not show. */
  readonly more: boolean;
}

const CATEGORIES_MAX = 8;
/** Numbers that lie further apart than this factor are told apart by their size, not their difference. */
const LOG_FROM = 100;
const LEGEND_STEPS = 5;

/** `selection`: the sweep and the filter of the table, as the API takes them. */
export function useRowColours(
  known: ColumnsAnswer["columns"],
  selection: { readonly [key: string]: string },
): RowColours | undefined {
  const wanted = queryOf("colour");
  const column = known.find(({ key }) => key === wanted);
  const isNumber = column !== undefined && column.kind !== "text" && column.kind !== "state";
  const query = new URLSearchParams(selection).toString();
  const values = useLoaded(
    async (signal): Promise<Cell[]> => {
      if (!column) return [];
      const one = (more: { [key: string]: string }) =>
        get<RunTable>(
          `/tables/runs?${query}&${new URLSearchParams({ columns: joinKeys([column.key]), ...more })}`,
          signal,
        );
      if (!isNumber) {
        const table = await one({ group: joinKeys([column.key]), limit: "100" });
        const counts = table.groups?.runs ?? [];
        const cells = table.cells[0] ?? [];
        const order = cells.map((_, i) => i).sort((a, b) => (counts[b] ?? 0) - (counts[a] ?? 0));
        return order.map((i) => cells[i] ?? null).filter((value) => value !== null);
      }
      const ends = await Promise.all(["", "-"].map((sign) => one({ sort: sign + joinKeys([column.key]), limit: "1" })));
      return ends.map((table) => table.cells[0]?.[0] ?? null);
    },
    [query, wanted, isNumber],
  );
  // Colours are those of the theme that is shown.
  void shownTheme.value;
  if (!column || !values.data || values.data.length === 0) return undefined;
  return isNumber ? ofNumbers(column, values.data) : ofWords(column, values.data);
}

function ofNumbers(column: Column, ends: readonly Cell[]): RowColours | undefined {
  const [low, high] = ends;
  if (typeof low !== "number" || typeof high !== "number") return undefined;
  const isWide = low > 0 && high / low >= LOG_FROM;
  const scale = axisScale([low, high], { log: isWide });
  const ramp = createRamp();
  const at = (place: number) => (isWide ? low * (high / low) ** place : low + (high - low) * place);
  return {
    column,
    of: (value) => ramp(scale.at(value)),
    legend: low === high ? [low] : Array.from({ length: LEGEND_STEPS }, (_, i) => at(i / (LEGEND_STEPS - 1))),
    more: false,
  };
}

function ofWords(column: Column, values: readonly Cell[]): RowColours {
  const places = new Map(values.slice(0, CATEGORIES_MAX - 1).map((value, i) => [keyOf(value), i + 1]));
  return {
    column,
    of: (value) => {
      if (column.kind === "state") return colour(STATE_COLOURS[value as RunState] ?? "--idle");
      return colour(`--series-${places.get(keyOf(value)) ?? CATEGORIES_MAX}`);
    },
    legend: column.kind === "state" ? values : values.slice(0, CATEGORIES_MAX - 1),
    more: column.kind !== "state" && values.length >= CATEGORIES_MAX,
  };
}

const STATE_COLOURS: { readonly [state in RunState]: string } = {
  queued: "--wait",
  held: "--wait",
  assigned: "--busy",
  running: "--busy",
  unknown: "--bad",
  succeeded: "--good",
  failed: "--bad",
  cancelled: "--idle",
  skipped: "--idle",
};

function keyOf(value: Cell): string {
  return JSON.stringify(value);
}

export function ColourChoice({ known }: { known: ColumnsAnswer["columns"] }) {
  const useful = known.filter(({ key, distinct }) => key !== "ref" && distinct > 1);
  return (
    <label>
      {t("runs.colour")}{" "}
      <select value={queryOf("colour")} onChange={(event) => setQuery({ colour: event.currentTarget.value })}>
        <option value="">{t("runs.no-colour")}</option>
        {useful.map(({ key }) => (
          <option key={key} value={key}>
            {titleOf(key)}
          </option>
        ))}
      </select>
    </label>
  );
}

export function ColourLegend({ colours }: { colours: RowColours }) {
  const { column, legend, more } = colours;
  return (
    <ul class="legend" aria-label={t("runs.legend", { column: titleOf(column.key) })}>
      <li class="hint">{titleOf(column.key)}</li>
      {legend.map((value) => (
        <li key={keyOf(value)}>
          <RowMark colours={colours} value={value} />{" "}
          {column.kind === "state" ? <StateBadge state={value as RunState} /> : shown(value, column)}
        </li>
      ))}
      {more && (
        <li>
          <RowMark colours={colours} value={null} /> {t("runs.other-values")}
        </li>
      )}
    </ul>
  );
}

export function RowMark({ colours, value }: { colours: RowColours; value: Cell }) {
  return <span class="swatch" aria-hidden="true" style={{ background: colours.of(value) }} />;
}

function shown(value: Cell, { kind }: Column): string {
  if (typeof value !== "number") return text(value);
  return kind === "time" ? time(value) : kind === "duration" ? duration(value) : number(value);
}
