/**
 * What waits, in the order in which it will be placed, and why. Priorities are changed by buttons or by + and - on the row of
 * the cursor; h holds a run or lets it go.
 */
import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import type { QueueAnswer } from "../../../shared/run/dashboard.ts";
import { PRIORITY_MAX } from "../../../shared/run/limits.ts";
import { act, NoticeLine, RunActions } from "../actions.tsx";
import { get } from "../api.ts";
import { actionCommand } from "../commands.ts";
import { duration } from "../format.ts";
import { t } from "../i18n/i18n.ts";
import { useNews } from "../loading.ts";
import { go } from "../router.ts";
import { Commands, CsvButton, Link, StateBadge } from "../widgets/parts.tsx";
import { Table, type TableColumn } from "../widgets/table.tsx";

type Row = QueueAnswer["rows"][number];

interface Page {
  readonly total: number;
  readonly offset: number;
  readonly rows: number;
  readonly queue: readonly Row[];
}

const LIST_COMMAND = "exp ls --state queued --state held";
const NEWS_EVERY_MS = 1_000;
/** Several presses of a key make one change. */
const GATHER_MS = 400;
const CSV_ROWS_MAX = 10_000;
const CSV_PAGE = 1_000;
const CSV_HEADER = ["position", "run", "state", "priority", "needs", "reason", "waiting_ms"];

export function Queue() {
  const news = useNews(["runs", "nodes"], NEWS_EVERY_MS);
  const changes = useSignal(0);
  const total = useSignal(0);
  const here = useSignal<Row | undefined>(undefined);
  const selected = useSignal<ReadonlySet<string>>(new Set());
  const refs = [...selected.value];
  const changed = () => {
    changes.value += 1;
  };
  const priority = usePriorities(changed);
  const hold = (row: Row) => {
    void act(row.state === "held" ? "resume" : "pause", { refs: [row.ref] }).then(changed);
  };
  return (
    <section>
      <h1>{t("queue.title")}</h1>
      <div class="toolbar">
        <span class="hint">{t("queue.count", { count: total.value.toLocaleString("en") })}</span>
        <CsvButton file="queue.csv" header={CSV_HEADER} rows={readAll} />
        {refs.length > 0 && (
          <>
            <span>{t("runs.selected", { count: refs.length })}</span>
            <RunActions refs={refs} actions={["priority", "pause", "resume", "cancel"]} onDone={changed} />
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
        <span class="hint">{t("queue.keys")}</span>
      </div>
      <NoticeLine />
      <Table<Page>
        label={t("queue.title")}
        columns={columns()}
        pageRows={100}
        load={read}
        version={`${news} ${changes.value}`}
        cell={(page, row, { key }) => {
          const one = page.queue[row];
          if (!one) return null;
          if (key === "position") return page.offset + row + 1;
          return <Cell row={one} column={key} shown={priority.of(one)} onStep={priority.step} onHold={hold} />;
        }}
        rowKey={(page, row) => page.queue[row]?.ref ?? ""}
        onOpen={(page, row) => go(`/runs/${page.queue[row]?.ref}`)}
        onCursor={(page, row) => {
          here.value = page.queue[row];
        }}
        onKey={(key, page, row) => {
          const one = page.queue[row];
          if (!one) return;
          if (key === "+" || key === "=") priority.step(one, 1);
          else if (key === "-") priority.step(one, -1);
          else if (key === "h") hold(one);
        }}
        selected={selected.value}
        onSelect={(ref) => {
          const next = new Set(selected.value);
          if (!next.delete(ref)) next.add(ref);
          selected.value = next;
        }}
        onTotal={(count) => {
          total.value = count;
        }}
        empty={t("queue.empty")}
      />
      <Commands texts={here.value ? commandsOf(here.value, priority.of(here.value)) : [LIST_COMMAND]} />
    </section>
  );
}

/** What the keys of a row do: why it waits, + and -, hold. */
function commandsOf({ ref, state }: Row, priority: number): string[] {
  return [
    `exp why ${ref}`,
    actionCommand("priority", [ref], priority + 1),
    actionCommand("priority", [ref], priority - 1),
    actionCommand(state === "held" ? "resume" : "pause", [ref]),
  ];
}

function columns(): TableColumn[] {
  return [
    { key: "position", title: "#", numeric: true, width: 60 },
    { key: "ref", title: t("queue.run"), numeric: false, width: 190 },
    { key: "state", title: t("sweeps.state"), numeric: false, width: 110 },
    { key: "priority", title: t("queue.priority"), numeric: false, width: 130 },
    { key: "needs", title: t("queue.needs"), numeric: false, width: 180 },
    { key: "reason", title: t("queue.reason"), numeric: false, width: 380 },
    { key: "waiting", title: t("queue.waiting"), numeric: true, width: 100 },
    { key: "hold", title: t("queue.hold"), numeric: false, width: 100 },
  ];
}

function Cell(props: {
  row: Row;
  column: string;
  shown: number;
  onStep: (row: Row, by: number) => void;
  onHold: (row: Row) => void;
}) {
  const { row, column, shown, onStep, onHold } = props;
  switch (column) {
    case "ref":
      return <Link to={`/runs/${row.ref}`}>{row.ref}</Link>;
    case "state":
      return <StateBadge state={row.state} />;
    case "priority":
      return (
        <>
          <button
            type="button"
            class="small"
            aria-label={t("queue.lower", { ref: row.ref })}
            onClick={() => onStep(row, -1)}
          >
            −
          </button>{" "}
          <span class="queue-priority">{shown}</span>{" "}
          <button
            type="button"
            class="small"
            aria-label={t("queue.raise", { ref: row.ref })}
            onClick={() => onStep(row, 1)}
          >
            +
          </button>
        </>
      );
    case "needs":
      return <span title={row.needs}>{row.needs}</span>;
    case "reason":
      return <span title={row.reason}>{row.reason}</span>;
    case "waiting":
      return <>{duration(row.waitingMs)}</>;
    default:
      return (
        <button type="button" class="small" onClick={() => onHold(row)}>
          {t(row.state === "held" ? "act.resume" : "act.pause")}
        </button>
      );
  }
}

/** Steps of one run that follow each other closely become one change; what is wanted is shown at once. */
function usePriorities(onDone: () => void) {
  const wanted = useSignal<ReadonlyMap<string, number>>(new Map());
  const timers = useRef(new Map<string, ReturnType<typeof setTimeout>>());
  const of = (row: Row) => wanted.value.get(row.ref) ?? row.priority;
  const send = async (ref: string) => {
    const priority = wanted.value.get(ref);
    if (priority === undefined) return;
    await act("priority", { refs: [ref], priority });
    // A step that came meanwhile has its own call to come.
    if (wanted.value.get(ref) === priority) {
      const left = new Map(wanted.value);
      left.delete(ref);
      wanted.value = left;
    }
    onDone();
  };
  return {
    of,
    step: (row: Row, by: number) => {
      const next = Math.min(PRIORITY_MAX, Math.max(-PRIORITY_MAX, of(row) + by));
      wanted.value = new Map(wanted.value).set(row.ref, next);
      clearTimeout(timers.current.get(row.ref));
      timers.current.set(
        row.ref,
        setTimeout(() => void send(row.ref), GATHER_MS),
      );
    },
  };
}

async function read(offset: number, limit: number, signal?: AbortSignal): Promise<Page> {
  const answer = await get<QueueAnswer>(`/queue?offset=${offset}&limit=${limit}`, signal);
  return { total: answer.total, offset, rows: answer.rows.length, queue: answer.rows };
}

async function readAll(): Promise<unknown[][]> {
  const rows: Row[] = [];
  for (let total = 1; rows.length < Math.min(total, CSV_ROWS_MAX); ) {
    const page = await read(rows.length, CSV_PAGE);
    if (page.rows === 0) break;
    total = page.total;
    rows.push(...page.queue);
  }
  return rows.map((row, i) => [i + 1, row.ref, row.state, row.priority, row.needs, row.reason, row.waitingMs]);
}
