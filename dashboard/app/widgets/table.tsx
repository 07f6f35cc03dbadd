/**
 * A table of any length: only the rows on the screen are drawn, and only their pages are read. Rows come in columns, a page
 * at a time, from `load`; what was read stays until `version` changes. Keys: j and k move, Enter opens, x selects.
 */
import { elementScroll, observeElementOffset, observeElementRect, Virtualizer } from "@tanstack/virtual-core";
import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { t } from "../i18n/i18n.ts";
import { isTyping } from "./shortcuts.tsx";

export interface TableColumn {
  readonly key: string;
  readonly title: string;
  readonly numeric: boolean;
  /** Undefined: cannot be sorted by. */
  readonly sortKey?: string;
  readonly width: number;
}

export interface TablePage {
  readonly total: number;
  readonly offset: number;
  readonly rows: number;
}

export interface TableProps<Page extends TablePage> {
  readonly label: string;
  readonly columns: readonly TableColumn[];
  /** Rows of one page. */
  readonly pageRows: number;
  readonly load: (offset: number, limit: number, signal: AbortSignal) => Promise<Page>;
  /** Another value: everything is read again; rows on the screen stay until the new ones have come. */
  readonly version: string;
  /** Rows that stay in sight above the others. */
  readonly above?: Page | undefined;
  readonly cell: (page: Page, row: number, column: TableColumn) => ComponentChildren;
  readonly rowKey: (page: Page, row: number) => string;
  readonly onOpen?: (page: Page, row: number) => void;
  /** The row of the cursor, when the user moves it there. */
  readonly onCursor?: (page: Page, row: number) => void;
  /** A key that the table does not know, on the row of the cursor. */
  readonly onKey?: (key: string, page: Page, row: number) => void;
  /** "key" ascending, "-key" descending. */
  readonly sort?: string;
  readonly onSort?: (sort: string) => void;
  readonly selected?: ReadonlySet<string>;
  readonly onSelect?: (key: string) => void;
  readonly onTotal?: (total: number) => void;
  readonly empty: ComponentChildren;
}

/** As in the style sheet. */
const ROW_PX = 30;
const PICK_PX = 34;
const OVERSCAN_ROWS = 12;
/** Pages kept; the farthest from the screen go first. */
const PAGES_MAX = 40;

export function Table<Page extends TablePage>(props: TableProps<Page>) {
  const { columns, pageRows, version } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const pages = useRef(new Map<number, Page>());
  const asked = useRef(new Map<number, AbortController>());
  const [total, setTotal] = useState(0);
  const [ready, setReady] = useState(false);
  const [problem, setProblem] = useState<Error | undefined>(undefined);
  /** The row of the cursor, and its key: it follows its row where rows change places. "": not read yet. */
  const cursor = useRef({ index: -1, key: "" });
  const [, redraw] = useState(0);
  const latest = useRef(props);
  latest.current = props;

  const virtualizer = useMemo(
    () =>
      new Virtualizer<HTMLDivElement, HTMLDivElement>({
        count: 0,
        getScrollElement: () => scroller.current,
        estimateSize: () => ROW_PX,
        overscan: OVERSCAN_ROWS,
        scrollToFn: elementScroll,
        observeElementOffset,
        observeElementRect,
        onChange: () => redraw((count) => count + 1),
      }),
    [],
  );
  virtualizer.setOptions({ ...virtualizer.options, count: total });
  useEffect(() => virtualizer._didMount(), [virtualizer]);
  useEffect(() => virtualizer._willUpdate());

  const followCursor = (index: number, page: Page) => {
    const { index: before, key } = cursor.current;
    const first = index * pageRows;
    const rows = Array.from({ length: page.rows }, (_, row) => row);
    const row = key === "" ? before - first : rows.find((one) => latest.current.rowKey(page, one) === key);
    if (row === undefined || row < 0 || row >= page.rows) return;
    cursor.current = { index: first + row, key: latest.current.rowKey(page, row) };
    if (key === "") latest.current.onCursor?.(page, row);
  };

  const read = (index: number) => {
    if (asked.current.has(index)) return;
    const abort = new AbortController();
    asked.current.set(index, abort);
    latest.current.load(index * pageRows, pageRows, abort.signal).then(
      (page) => {
        if (abort.signal.aborted) return;
        pages.current.set(index, page);
        followCursor(index, page);
        if (pages.current.size > PAGES_MAX) forgetFar(pages.current, asked.current, index);
        setProblem(undefined);
        setReady(true);
        setTotal(page.total);
        latest.current.onTotal?.(page.total);
        redraw((count) => count + 1);
      },
      (error: unknown) => {
        if (abort.signal.aborted) return;
        asked.current.delete(index);
        setProblem(error instanceof Error ? error : new Error(String(error)));
        setReady(true);
      },
    );
  };

  useEffect(() => {
    for (const abort of asked.current.values()) abort.abort();
    asked.current.clear();
    // Old pages stay on the screen until the new ones replace them, one by one.
    for (const index of shownPages()) read(index);
    const kept = new Set(shownPages());
    for (const index of [...pages.current.keys()]) if (!kept.has(index)) pages.current.delete(index);
  }, [version]);

  const items = virtualizer.getVirtualItems();
  function shownPages(): number[] {
    const first = items[0]?.index ?? 0;
    const last = items.at(-1)?.index ?? 0;
    const from = Math.floor(first / pageRows);
    return Array.from({ length: Math.floor(last / pageRows) - from + 1 }, (_, i) => from + i);
  }
  useEffect(() => {
    const shown = shownPages();
    // The pages beside them too: one scrolls faster than an answer comes.
    for (const index of [...shown, (shown.at(-1) ?? 0) + 1, (shown[0] ?? 0) - 1]) {
      if (shown.includes(index) || (ready && index >= 0 && index * pageRows < total)) read(index);
    }
  });

  const at = (row: number): { page: Page; row: number } | undefined => {
    const page = pages.current.get(Math.floor(row / pageRows));
    const within = row % pageRows;
    return page && within < page.rows ? { page, row: within } : undefined;
  };

  const moveTo = (index: number, scroll = true) => {
    const here = at(index);
    cursor.current = { index, key: here ? latest.current.rowKey(here.page, here.row) : "" };
    if (scroll) virtualizer.scrollToIndex(index);
    if (here) latest.current.onCursor?.(here.page, here.row);
    redraw((count) => count + 1);
  };

  const isCursor = (here: { page: Page; row: number } | undefined) =>
    here !== undefined && latest.current.rowKey(here.page, here.row) === cursor.current.key;

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[event.key];
      const active = document.activeElement;
      const focused = scroller.current?.contains(active) === true;
      // Enter on a button or a link is its own.
      const isFree = active === document.body || active === scroller.current;
      if (step !== undefined && (event.key.length === 1 || focused)) {
        event.preventDefault();
        moveTo(Math.max(0, Math.min(total - 1, cursor.current.index + step)));
        return;
      }
      const here = cursor.current.index >= 0 ? at(cursor.current.index) : undefined;
      // Another run may stand there now.
      if (!here || !isCursor(here)) return;
      if (event.key === "Enter" && isFree) latest.current.onOpen?.(here.page, here.row);
      else if (event.key === "x") latest.current.onSelect?.(latest.current.rowKey(here.page, here.row));
      else if (event.key !== "Enter") latest.current.onKey?.(event.key, here.page, here.row);
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  });

  if (!ready) return <p class="hint">{t("common.loading")}</p>;
  const failure = problem && (
    <p class="problem" role="alert">
      {t("common.error", { reason: problem.message })}
    </p>
  );
  if (total === 0) return failure ?? <div class="hint">{props.empty}</div>;
  const seen = new Set<string>();
  const above = items[0]?.start ?? 0;
  const below = virtualizer.getTotalSize() - (items.at(-1)?.end ?? 0);
  const picks = props.onSelect !== undefined;
  const width = columns.reduce((sum, column) => sum + column.width, picks ? PICK_PX : 0);
  return (
    <>
      {failure}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be within reach of the keyboard */}
      <section class="table-scroll" ref={scroller} tabIndex={0} aria-label={props.label}>
        <table class="table" aria-rowcount={total + 1} style={{ width: `${width}px` }}>
          <colgroup>
            {picks && <col style={{ width: `${PICK_PX}px` }} />}
            {columns.map((column) => (
              <col key={column.key} style={{ width: `${column.width}px` }} />
            ))}
          </colgroup>
          <thead>
            <tr>
              {picks && <td />}
              {columns.map((column) => (
                <Head key={column.key} column={column} sort={props.sort ?? ""} onSort={props.onSort} />
              ))}
            </tr>
          </thead>
          {props.above && (
            <tbody class="table-above">
              {Array.from({ length: props.above.rows }, (_, row) => (
                <Row key={row} {...props} page={props.above as Page} row={row} />
              ))}
            </tbody>
          )}
          <tbody>
            <Space px={above} />
            {items.map(({ index }) => {
              const here = at(index);
              const key = here ? props.rowKey(here.page, here.row) : "";
              // A page that is new may have a run that an old one, not read again yet, still shows.
              const isTwice = seen.has(key);
              seen.add(key);
              return (
                <Row
                  {...props}
                  // A row that moves takes its buttons along, and with them the focus: no key press hits another row.
                  key={here && !isTwice ? key : `row ${index}`}
                  page={here?.page}
                  row={here?.row ?? 0}
                  index={index + 2}
                  isCursor={index === cursor.current.index && isCursor(here)}
                  onClick={() => moveTo(index, false)}
                />
              );
            })}
            <Space px={below} />
          </tbody>
        </table>
      </section>
    </>
  );
}

interface RowProps<Page extends TablePage> extends Pick<TableProps<Page>, "columns" | "cell" | "rowKey"> {
  readonly selected?: ReadonlySet<string> | undefined;
  readonly onSelect?: ((key: string) => void) | undefined;
  /** Undefined: not read yet. */
  readonly page: Page | undefined;
  readonly row: number;
  /** Of the whole table, its head included. */
  readonly index?: number;
  readonly isCursor?: boolean;
  readonly onClick?: () => void;
}

function Row<Page extends TablePage>(props: RowProps<Page>) {
  const { columns, cell, rowKey, selected, onSelect, page, row, index, isCursor = false } = props;
  const key = page ? rowKey(page, row) : "";
  return (
    <tr
      {...(index === undefined ? {} : { "aria-rowindex": index })}
      class={isCursor ? "table-cursor" : ""}
      {...(props.onClick ? { onClick: props.onClick } : {})}
    >
      {onSelect && (
        <td class="table-pick">
          <input
            type="checkbox"
            aria-label={key}
            disabled={!page}
            checked={selected?.has(key) === true}
            onChange={() => onSelect(key)}
          />
        </td>
      )}
      {columns.map((column) => (
        <td key={column.key} class={column.numeric ? "number" : ""}>
          {page ? cell(page, row, column) : "…"}
        </td>
      ))}
    </tr>
  );
}

/** The rows that are not drawn. */
function Space({ px }: { px: number }) {
  return px > 0 ? <tr style={{ height: `${px}px` }} /> : null;
}

function Head(props: { column: TableColumn; sort: string; onSort: ((sort: string) => void) | undefined }) {
  const { column, sort, onSort } = props;
  const { sortKey, title } = column;
  const className = column.numeric ? "number" : "";
  if (sortKey === undefined || !onSort) {
    return (
      <th scope="col" class={className}>
        {title}
      </th>
    );
  }
  const order = sort === sortKey ? "ascending" : sort === `-${sortKey}` ? "descending" : "none";
  const next = { none: sortKey, ascending: `-${sortKey}`, descending: "" }[order];
  return (
    <th scope="col" aria-sort={order} class={className}>
      <button type="button" class="table-sort" title={title} onClick={() => onSort(next)}>
        {title}
        <span aria-hidden="true">{{ none: "", ascending: " ▲", descending: " ▼" }[order]}</span>
      </button>
    </th>
  );
}

function forgetFar<Page>(pages: Map<number, Page>, asked: Map<number, AbortController>, near: number): void {
  const far = [...pages.keys()].sort((a, b) => Math.abs(b - near) - Math.abs(a - near))[0];
  if (far === undefined) return;
  pages.delete(far);
  asked.delete(far);
}
