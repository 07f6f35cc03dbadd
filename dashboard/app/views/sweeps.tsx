/** All sweeps, the newest first: how far each is, its best value, when the rest will be done. */
import { useState } from "preact/hooks";
import type { SweepDetail } from "../../../shared/run/dashboard.ts";
import type { SweepView } from "../../../shared/run/views.ts";
import { get, request } from "../api.ts";
import { duration, number, time } from "../format.ts";
import { t } from "../i18n/i18n.ts";
import { createLanes, useLoaded } from "../loading.ts";
import { go, queryOf, setQuery } from "../router.ts";
import { Command, CsvButton, Link, StateBadge, Waiting } from "../widgets/parts.tsx";
import { doneOf, Progress } from "../widgets/progress.tsx";
import { Table, type TableColumn } from "../widgets/table.tsx";

const PAGE = 1_000;
const CSV_HEADER = ["sweep", "state", "runs", "done", "failed", "reused", "created"];
/** Details read at once: they are many, and none is urgent. */
const lanes = createLanes(2);
/** By handle, with the counts that they belong to. */
const details = new Map<string, { readonly counts: string; readonly detail: SweepDetail }>();

interface Page {
  readonly total: number;
  readonly offset: number;
  readonly rows: number;
  readonly sweeps: readonly SweepView[];
}

export function Sweeps() {
  const sweeps = useLoaded(readSweeps, [], ["runs"]);
  const typed = queryOf("q");
  const sort = queryOf("sort");
  if (!sweeps.data) return <Waiting error={sweeps.error} reload={sweeps.reload} />;
  const wanted = typed.trim().toLowerCase();
  const shown = sorted(
    sweeps.data.sweeps.filter(({ ref }) => ref.toLowerCase().includes(wanted)),
    sort,
  );
  return (
    <section>
      <h1>{t("sweeps.title")}</h1>
      <div class="toolbar">
        <label>
          {t("sweeps.filter")}{" "}
          <input
            type="search"
            data-filter
            value={typed}
            onInput={(event) => setQuery({ q: event.currentTarget.value })}
          />
        </label>
        <span class="hint">{t("sweeps.count", { count: shown.length.toLocaleString("en") })}</span>
        <CsvButton file="sweeps.csv" header={CSV_HEADER} rows={() => csvOf(shown)} />
      </div>
      <Table<Page>
        label={t("sweeps.title")}
        columns={columns()}
        pageRows={100}
        load={async (offset, limit) => {
          const rows = shown.slice(offset, offset + limit);
          return { total: shown.length, offset, rows: rows.length, sweeps: rows };
        }}
        version={`${wanted} ${sort} ${sweeps.data.stamp}`}
        cell={(page, row, { key }) => {
          const sweep = page.sweeps[row];
          return sweep ? <Cell sweep={sweep} column={key} /> : null;
        }}
        rowKey={(page, row) => page.sweeps[row]?.ref ?? ""}
        onOpen={(page, row) => go(`/sweeps/${page.sweeps[row]?.ref}`)}
        sort={sort}
        onSort={(next) => setQuery({ sort: next })}
        empty={wanted === "" ? t("runs.empty") : t("sweeps.no-match")}
      />
      <Command text="exp sweeps" />
    </section>
  );
}

function columns(): TableColumn[] {
  return [
    { key: "ref", title: t("sweeps.sweep"), numeric: false, sortKey: "ref", width: 200 },
    { key: "state", title: t("sweeps.state"), numeric: false, sortKey: "state", width: 120 },
    { key: "progress", title: t("sweeps.progress"), numeric: false, sortKey: "progress", width: 230 },
    { key: "total", title: t("sweeps.runs"), numeric: true, sortKey: "total", width: 90 },
    { key: "best", title: t("sweeps.best"), numeric: false, width: 220 },
    { key: "left", title: t("sweeps.left"), numeric: true, width: 100 },
    { key: "created", title: t("sweeps.created"), numeric: false, sortKey: "created", width: 170 },
  ];
}

function Cell({ sweep, column }: { sweep: SweepView; column: string }) {
  switch (column) {
    case "ref":
      return <Link to={`/sweeps/${sweep.ref}`}>{sweep.ref}</Link>;
    case "state":
      return <StateBadge state={sweep.state} />;
    case "progress":
      return (
        <>
          <Progress counts={sweep.counts} total={sweep.total} />{" "}
          {t("sweeps.done-of", { done: doneOf(sweep.counts), total: sweep.total })}
        </>
      );
    case "total":
      return <>{sweep.total.toLocaleString("en")}</>;
    case "best":
      return <Best sweep={sweep} />;
    case "left":
      return <Left sweep={sweep} />;
    default:
      return <>{time(Date.parse(sweep.createdAt))}</>;
  }
}

function Best({ sweep }: { sweep: SweepView }) {
  const detail = useDetail(sweep);
  const best = detail?.bestOverTime;
  const value = best?.value.at(-1);
  const ref = best?.ref.at(-1);
  if (!detail?.objective || value === undefined || ref === undefined) return null;
  return (
    <>
      {detail.objective.metric} <strong>{number(value)}</strong> <Link to={`/runs/${ref}`}>{ref}</Link>
    </>
  );
}

function Left({ sweep }: { sweep: SweepView }) {
  const detail = useDetail(sweep);
  return detail?.etaMs == null || doneOf(sweep.counts) === sweep.total ? null : <span>{duration(detail.etaMs)}</span>;
}

/** Read when its row comes to the screen; what is known of other counts is shown meanwhile. */
function useDetail(sweep: SweepView): SweepDetail | undefined {
  const counts = JSON.stringify(sweep.counts);
  const known = details.get(sweep.ref);
  const [, redraw] = useState(0);
  useLoaded(
    async (signal) => {
      if (details.get(sweep.ref)?.counts === counts) return;
      await lanes(async () => {
        if (signal.aborted || details.get(sweep.ref)?.counts === counts) return;
        const detail = await get<SweepDetail>(`/sweeps/${encodeURIComponent(sweep.ref)}/detail`, signal);
        details.set(sweep.ref, { counts, detail });
      });
      redraw((count) => count + 1);
    },
    [sweep.ref, counts],
  );
  return known?.detail;
}

interface AllSweeps {
  readonly sweeps: readonly SweepView[];
  /** Another one for other content. */
  readonly stamp: string;
}

async function readSweeps(signal: AbortSignal): Promise<AllSweeps> {
  const sweeps: SweepView[] = [];
  for (let after = ""; ; ) {
    const response = await request(`/sweeps?limit=${PAGE}${after}`, { signal });
    const page = (await response.json()) as SweepView[];
    sweeps.push(...page);
    const last = page.at(-1);
    if (page.length < PAGE || !last) break;
    after = `&after=${encodeURIComponent(last.ref)}`;
  }
  const stamp = sweeps.map(({ ref, counts }) => `${ref} ${Object.values(counts).join(" ")}`).join("\n");
  return { sweeps, stamp };
}

function sorted(sweeps: SweepView[], sort: string): SweepView[] {
  const key = sort.replace(/^-/, "");
  const fieldOf = (sweep: SweepView): string | number => {
    switch (key) {
      case "ref":
        return sweep.ref;
      case "state":
        return sweep.state;
      case "progress":
        return doneOf(sweep.counts) / Math.max(1, sweep.total);
      case "total":
        return sweep.total;
      default:
        return sweep.createdAt;
    }
  };
  if (key === "") return sweeps;
  const turn = sort.startsWith("-") ? -1 : 1;
  return sweeps.toSorted((a, b) => {
    const [left, right] = [fieldOf(a), fieldOf(b)];
    if (typeof left === "number" && typeof right === "number") return turn * (left - right);
    return turn * String(left).localeCompare(String(right), "en", { numeric: true });
  });
}

function csvOf(sweeps: readonly SweepView[]): unknown[][] {
  return sweeps.map((s) => [s.ref, s.state, s.total, doneOf(s.counts), s.counts.failed ?? 0, s.reused, s.createdAt]);
}
