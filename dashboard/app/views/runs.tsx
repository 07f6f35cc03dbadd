/** All runs, or those of one sweep, as a table: filtered by the expression language, sorted, seeds folded, acted upon. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import {
  type Cell,
  type Column,
  type ColumnKind,
  type ColumnsAnswer,
  FACT_COLUMNS,
  type RunTable,
} from "../../../shared/run/dashboard.ts";
import type { RunState } from "../../../shared/run/states.ts";
import { NoticeLine, RunActions } from "../actions.tsx";
import { get } from "../api.ts";
import { duration, number, text, time } from "../format.ts";
import { t } from "../i18n/i18n.ts";
import { isParam, joinKeys, splitKeys, titleOf } from "../keys.ts";
import { subscribe } from "../live.ts";
import { useLoaded, useNews } from "../loading.ts";
import { go, isOn, queryOf, setQuery } from "../router.ts";
import { ColourChoice, ColourLegend, type RowColours, RowMark, useRowColours } from "../runs/colour-by.tsx";
import { ExpressionInput } from "../widgets/expression-input.tsx";
import { Command, CsvButton, Link, StateBadge, Waiting } from "../widgets/parts.tsx";
import { QueryCheck } from "../widgets/query-controls.tsx";
import { Table, type TableColumn } from "../widgets/table.tsx";

const PAGE_ROWS = 100;
/** Columns that are shown where the user chose none: these, then what varies, up to a bound. */
const USUAL = ["ref", "state"];
const VARYING_MAX = 6;
const METRICS_MAX = 4;
const COLUMNS_EVERY_MS = 15_000;
const CSV_ROWS_MAX = 100_000;
const CSV_PAGE = 1_000;
/** Characters of a sweep's name for which there is room beside the number. */
const LONG_NAME = 14;
/** Runs that stay above the others. */
const PINS_MAX = 20;

interface Page {
  readonly total: number;
  readonly offset: number;
  readonly rows: number;
  readonly table: RunTable;
  readonly position: ReadonlyMap<string, number>;
}

export function Runs() {
  return <RunsTable sweep={queryOf("sweep")} />;
}

/** `sweep`: "" for all. `within`: as a part of another view, which has a heading of its own. */
export function RunsTable({ sweep, within = false }: { sweep: string; within?: boolean }) {
  // New metrics come while runs go on.
  const news = useNews(["runs"], COLUMNS_EVERY_MS);
  const columns = useLoaded(
    (signal) => get<ColumnsAnswer>(`/tables/columns?${new URLSearchParams(sweep === "" ? {} : { sweep })}`, signal),
    [sweep, news],
  );
  if (!columns.data) return <Waiting error={columns.error} reload={columns.reload} />;
  return <Shown sweep={sweep} known={columns.data.columns} within={within} />;
}

function Shown({ sweep, known, within }: { sweep: string; known: ColumnsAnswer["columns"]; within: boolean }) {
  const where = queryOf("where");
  const state = queryOf("state");
  const condition = conditionOf(where, state);
  const sort = queryOf("sort");
  const folded = isOn("fold");
  const all = chosenColumns(known, queryOf("columns"));
  // Of several seeds in one row neither the seed nor its mean says anything.
  const replicates = new Set(known.filter(({ replicate }) => replicate).map(({ key }) => key));
  const chosen = folded ? all.filter(({ key }) => !replicates.has(key)) : all;
  const selected = useSignal<ReadonlySet<string>>(new Set());
  const total = useSignal(0);
  const news = useSignal(0);
  useEffect(
    () =>
      subscribe(["runs"], () => {
        news.value += 1;
      }),
    [],
  );
  const group = folded ? known.filter(isAxis).map(({ key }) => key) : [];
  const selection = { ...(sweep === "" ? {} : { sweep }), ...(condition === "" ? {} : { where: condition }) };
  const colours = useRowColours(known, selection);
  const asked = new Set([...chosen.map(({ key }) => key), ...(colours ? [colours.column.key] : [])]);
  const columns = joinKeys([...asked]);
  const query = new URLSearchParams({
    ...selection,
    ...(sort === "" ? {} : { sort }),
    ...(group.length === 0 ? {} : { group: joinKeys(group) }),
    columns,
  }).toString();
  const read = (offset: number, limit: number, signal?: AbortSignal) => readPage(query, offset, limit, signal);
  const refs = [...selected.value];
  // A row of several runs is no run that could be kept in sight.
  const pins = folded ? [] : pinnedRefs();
  const pinned = useLoaded(
    async (signal) => (pins.length === 0 ? undefined : readPinned(pins, columns, signal)),
    [pins.join(","), columns, news.value],
  );
  const pin = (chosenRefs: readonly string[]) => {
    const added = chosenRefs.filter((ref) => !pins.includes(ref));
    const kept = added.length > 0 ? [...pins, ...added] : pins.filter((ref) => !chosenRefs.includes(ref));
    setQuery({ pin: kept.slice(-PINS_MAX).join(",") });
  };
  return (
    <section>
      {!within && <h1>{sweep === "" ? t("runs.title") : t("runs.of", { sweep })}</h1>}
      <div class="toolbar">
        <ExpressionInput value={where} columns={known} onSubmit={(text) => setQuery({ where: text }, false)} />
        <Columns known={known} chosen={chosen.map(({ key }) => key)} />
        <QueryCheck name="fold" label={t("runs.group")} />
        <ColourChoice known={known} />
        <span class="hint">{t(folded ? "runs.rows" : "runs.count", { count: total.value.toLocaleString("en") })}</span>
        <CsvButton file="runs.csv" header={chosen.map(({ key }) => titleOf(key))} rows={() => allRows(read, chosen)} />
        {refs.length > 0 && (
          <>
            <span>{t("runs.selected", { count: refs.length })}</span>
            <RunActions refs={refs} actions={["cancel", "retry", "pause", "resume", "priority"]} />
            {refs.length >= 2 && refs.length <= 20 && (
              <Link to={`/compare?runs=${refs.join(",")}`}>{t("runs.compare")}</Link>
            )}
            {!folded && (
              <button type="button" onClick={() => pin(refs)}>
                {t(refs.every((ref) => pins.includes(ref)) ? "runs.unpin" : "runs.pin")}
              </button>
            )}
            <button
              type="button"
              onClick={() => {
                selected.value = new Set();
              }}
            >
              {t("runs.clear")}
            </button>
          </>
        )}
      </div>
      <NoticeLine />
      {colours && <ColourLegend colours={colours} />}
      <Table<Page>
        label={t("runs.title")}
        columns={chosen.map((column) => tableColumn(column, folded && !group.includes(column.key)))}
        pageRows={PAGE_ROWS}
        load={read}
        version={`${query} ${news.value}`}
        above={pins.length > 0 ? pinned.data : undefined}
        cell={(page, row, column) => <ShownCell page={page} row={row} column={column.key} colours={colours} />}
        rowKey={(page, row) => page.table.refs[row] ?? ""}
        onOpen={(page, row) => go(`/runs/${page.table.refs[row]}`)}
        onKey={(key, page, row) => {
          const ref = page.table.refs[row];
          if (key === "p" && ref !== undefined && !folded) pin([ref]);
        }}
        sort={sort}
        onSort={(next) => setQuery({ sort: next })}
        selected={selected.value}
        onSelect={(ref) => {
          const next = new Set(selected.value);
          if (!next.delete(ref)) next.add(ref);
          selected.value = next;
        }}
        onTotal={(count) => {
          total.value = count;
        }}
        empty={where === "" && state === "" ? t("runs.empty") : t("runs.no-match")}
      />
      <Command text={commandOf(sweep, where, state)} />
    </section>
  );
}

async function readPage(query: string, offset: number, limit: number, signal?: AbortSignal): Promise<Page> {
  const table = await get<RunTable>(`/tables/runs?${query}&offset=${offset}&limit=${limit}`, signal);
  const position = new Map(table.columns.map(({ key }, i) => [key, i]));
  return { total: table.total, offset, rows: table.refs.length, table, position };
}

/** `pin` of the address. */
function pinnedRefs(): string[] {
  const refs = queryOf("pin").split(",");
  return [...new Set(refs)].filter((ref) => PLAIN_REF.test(ref)).slice(0, PINS_MAX);
}

const PLAIN_REF = /^[\w.-]+$/;

/** Whatever the filter leaves out. */
async function readPinned(refs: readonly string[], columns: string, signal: AbortSignal): Promise<Page> {
  const where = `ref in [${refs.map((ref) => `'${ref}'`).join(", ")}]`;
  return readPage(new URLSearchParams({ where, columns }).toString(), 0, PINS_MAX, signal);
}

function Columns({ known, chosen }: { known: ColumnsAnswer["columns"]; chosen: readonly string[] }) {
  const part = (prefix: "param:" | "metric:" | "") =>
    known.filter(({ key }) => (prefix === "" ? !key.includes(":") : key.startsWith(prefix)));
  return (
    <details class="columns">
      <summary>{t("runs.columns")}</summary>
      <div class="card">
        {(["", "param:", "metric:"] as const).map((prefix) => (
          <fieldset key={prefix}>
            <legend>{t(prefix === "" ? "facts.name" : prefix === "param:" ? "facts.param" : "facts.metric")}</legend>
            {part(prefix).map(({ key }) => (
              <label key={key}>
                <input
                  type="checkbox"
                  checked={chosen.includes(key)}
                  onChange={(event) => {
                    const next = event.currentTarget.checked
                      ? [...chosen, key]
                      : chosen.filter((other) => other !== key);
                    setQuery({ columns: joinKeys(next) });
                  }}
                />{" "}
                {titleOf(key)}
              </label>
            ))}
          </fieldset>
        ))}
      </div>
    </details>
  );
}

function ShownCell(props: { page: Page; row: number; column: string; colours: RowColours | undefined }) {
  const { page, row, column, colours } = props;
  const at = page.position.get(column) ?? -1;
  const value = page.table.cells[at]?.[row] ?? null;
  const kind = page.table.columns[at]?.kind ?? "text";
  if (column === "ref") {
    const count = page.table.groups?.runs[row] ?? 1;
    const by = colours && page.table.cells[page.position.get(colours.column.key) ?? -1]?.[row];
    return (
      <>
        {colours && by !== undefined && (
          <>
            <RowMark colours={colours} value={by} />{" "}
          </>
        )}
        <Handle handle={page.table.refs[row] ?? ""} />
        {count > 1 && <span class="hint"> ×{count}</span>}
      </>
    );
  }
  if (kind === "state" && value !== null) return <StateBadge state={String(value) as RunState} />;
  const deviation = page.table.groups?.deviations[at]?.[row] ?? null;
  // What is the same in all of a row, as what they are folded by, has no spread worth saying.
  const spread =
    deviation === null || (deviation === 0 && isParam(column))
      ? ""
      : ` ± ${cellText(Number(deviation.toPrecision(2)), kind)}`;
  const shown = cellText(value, kind);
  return (
    <span title={shown + spread}>
      {shown}
      {spread !== "" && <span class="hint">{spread}</span>}
    </span>
  );
}

/** Of a long name the number stays in sight: it is what tells the rows of a sweep apart. */
function Handle({ handle }: { handle: string }) {
  const [, name = handle, number = ""] = /^(.*?)((?:\.\d+)*)$/.exec(handle) ?? [];
  if (name.length <= LONG_NAME) return <Link to={`/runs/${handle}`}>{handle}</Link>;
  return (
    <Link to={`/runs/${handle}`} title={handle}>
      <span class="handle-name">{name}</span>
      {number}
    </Link>
  );
}

function cellText(value: Cell, kind: ColumnKind): string {
  if (typeof value !== "number") return text(value);
  if (kind === "time") return time(value);
  return kind === "duration" ? duration(value) : number(value);
}

function chosenColumns(known: ColumnsAnswer["columns"], wanted: string): Column[] {
  const byKey = new Map<string, Column>(known.map((column) => [column.key, column]));
  const asked = splitKeys(wanted).flatMap((key) => byKey.get(key) ?? []);
  if (asked.length > 0) return asked;
  const usual = USUAL.map((key): Column => byKey.get(key) ?? { key, kind: factKind(key) });
  const varying = known.filter(({ key, distinct }) => key.startsWith("param:") && distinct > 1).slice(0, VARYING_MAX);
  const metrics = known.filter(({ key }) => key.startsWith("metric:")).slice(0, METRICS_MAX);
  const rest = ["node", "duration"].map((key): Column => byKey.get(key) ?? { key, kind: factKind(key) });
  return [...usual, ...varying, ...metrics, ...rest];
}

function factKind(key: string): ColumnKind {
  return (FACT_COLUMNS as { readonly [key: string]: ColumnKind })[key] ?? "text";
}

/** Parameters that tell points apart. */
function isAxis({ key, distinct, replicate }: ColumnsAnswer["columns"][number]): boolean {
  return isParam(key) && !replicate && distinct > 1;
}

function tableColumn({ key, kind }: Column, withSpread: boolean): TableColumn {
  const numeric = kind === "number" || kind === "duration";
  const width = key === "ref" ? 170 : kind === "state" ? 125 : kind === "time" ? 160 : numeric ? 100 : 125;
  return { key, title: titleOf(key), numeric, sortKey: key, width: numeric && withSpread ? 150 : width };
}

/** `state`: "failed" or "running,assigned", as links of other views have it. */
function conditionOf(where: string, state: string): string {
  if (state === "") return where;
  const states = `state in [${state.split(",").map((word) => `'${word.replaceAll(/[^a-z]/g, "")}'`)}]`;
  return where === "" ? states : `(${where}) and ${states}`;
}

function commandOf(sweep: string, where: string, state: string): string {
  const quoted = where === "" ? "" : ` --where '${where.replaceAll("'", "'\\''")}'`;
  return `exp ls${sweep === "" ? " -a" : ` ${sweep}`}${state === "" ? "" : ` --state ${state}`}${quoted}`;
}

async function allRows(
  read: (offset: number, limit: number) => Promise<Page>,
  columns: readonly Column[],
): Promise<Cell[][]> {
  const rows: Cell[][] = [];
  for (let offset = 0; offset < CSV_ROWS_MAX; offset += CSV_PAGE) {
    const page = await read(offset, CSV_PAGE);
    for (let row = 0; row < page.rows; row++) {
      rows.push(columns.map(({ key }) => page.table.cells[page.position.get(key) ?? -1]?.[row] ?? null));
    }
    if (offset + page.rows >= page.total || page.rows === 0) break;
  }
  return rows;
}
