/** What happened in the fleet, the newest first; older events come as one scrolls down. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { EventsAnswer, HistoryView } from "../../../shared/run/dashboard.ts";
import { HISTORY_KINDS } from "../../../shared/run/history-kinds.ts";
import { get } from "../api.ts";
import { t } from "../i18n/i18n.ts";
import { subscribe } from "../live.ts";
import { queryOf, setQuery } from "../router.ts";
import { History } from "../widgets/history.tsx";
import { Command, CsvButton, Waiting } from "../widgets/parts.tsx";

const PAGE = 200;
/** Kept and drawn: older ones are reached by a filter, or by the CSV file. */
const SHOWN_MAX = 5_000;
const CSV_MAX = 100_000;
const CSV_PAGE = 1_000;
const CSV_HEADER = ["seq", "at", "kind", "run", "node", "text", "by"];

export function Events() {
  const run = queryOf("run");
  const node = queryOf("node");
  const kind = queryOf("kind");
  const filter = new URLSearchParams(
    Object.entries({ run, node, kind }).filter(([, value]) => value !== ""),
  ).toString();
  return (
    <section>
      <h1>{t("nav.events")}</h1>
      <form class="toolbar" onSubmit={(event) => event.preventDefault()}>
        <label>
          {t("events.kind")}{" "}
          <select value={kind} onChange={(event) => setQuery({ kind: event.currentTarget.value })}>
            <option value="">{t("events.any")}</option>
            {HISTORY_KINDS.map((one) => (
              <option key={one} value={one}>
                {one}
              </option>
            ))}
          </select>
        </label>
        <label>
          {t("events.run")}{" "}
          <input
            type="search"
            data-filter
            value={run}
            placeholder="digits.1"
            onChange={(event) => setQuery({ run: event.currentTarget.value.trim() })}
          />
        </label>
        <label>
          {t("events.node")}{" "}
          <input
            type="search"
            value={node}
            onChange={(event) => setQuery({ node: event.currentTarget.value.trim() })}
          />
        </label>
        <CsvButton file="events.csv" header={CSV_HEADER} rows={() => readAll(filter)} />
      </form>
      <Listed key={filter} filter={filter} />
      <Command text={["exp events", ...commandParts({ run, node, kind })].join(" ")} />
    </section>
  );
}

function commandParts(filter: { readonly [flag: string]: string }): string[] {
  return Object.entries(filter).flatMap(([flag, value]) => (value === "" ? [] : [`--${flag} ${value}`]));
}

async function readPage(filter: string, before: number | undefined, limit: number): Promise<readonly HistoryView[]> {
  const query = new URLSearchParams(filter);
  query.set("limit", String(limit));
  if (before !== undefined) query.set("before", String(before));
  return (await get<EventsAnswer>(`/events?${query}`)).events;
}

/** Every event that fits the filter, up to a bound. */
async function readAll(filter: string): Promise<unknown[][]> {
  const rows: unknown[][] = [];
  for (let before: number | undefined; rows.length < CSV_MAX; ) {
    const page = await readPage(filter, before, CSV_PAGE);
    rows.push(
      ...page.map(({ seq, at, kind, run, node, text, by }) => [
        seq,
        new Date(at).toISOString(),
        kind,
        run,
        node,
        text,
        by,
      ]),
    );
    before = page.at(-1)?.seq;
    if (page.length < CSV_PAGE) break;
  }
  return rows;
}

function Listed({ filter }: { filter: string }) {
  const [events, setEvents] = useState<readonly HistoryView[] | undefined>(undefined);
  const [isWhole, setWhole] = useState(false);
  const [problem, setProblem] = useState<Error | undefined>(undefined);
  const end = useRef<HTMLDivElement>(null);
  const busy = useRef(false);
  const latest = useRef(events);
  latest.current = events;

  /** Older ones are added below; what is new since then, above. */
  const read = async (older: boolean) => {
    if (busy.current) return;
    busy.current = true;
    try {
      const known = latest.current ?? [];
      const page = await readPage(filter, older ? known.at(-1)?.seq : undefined, PAGE);
      setProblem(undefined);
      if (older || known.length === 0) {
        setWhole(page.length < PAGE);
        setEvents([...known, ...page]);
        return;
      }
      const newest = known[0]?.seq ?? 0;
      const fresh = page.filter(({ seq }) => seq > newest);
      // More than a page is new: there would be a gap between the new and the old.
      if (fresh.length === PAGE) setWhole(false);
      setEvents(fresh.length === PAGE ? page : [...fresh, ...known].slice(0, SHOWN_MAX));
    } catch (error) {
      setProblem(error instanceof Error ? error : new Error(String(error)));
    } finally {
      busy.current = false;
    }
  };

  useEffect(() => {
    void read(false);
    return subscribe(["runs", "nodes"], () => void read(false));
  }, []);
  useEffect(() => {
    if (!end.current) return;
    const seen = new IntersectionObserver((entries) => {
      if (entries.some(({ isIntersecting }) => isIntersecting)) void read(true);
    });
    seen.observe(end.current);
    return () => seen.disconnect();
  }, [events]);

  if (!events) return <Waiting error={problem} reload={() => void read(false)} />;
  if (events.length === 0) return <p class="hint">{t("events.none")}</p>;
  return (
    <>
      <History events={events} />
      {problem && <Waiting error={problem} reload={() => void read(true)} />}
      {!isWhole && events.length < SHOWN_MAX && (
        <div ref={end} class="hint">
          {t("common.loading")}
        </div>
      )}
      {events.length >= SHOWN_MAX && <p class="hint">{t("events.many", { count: SHOWN_MAX.toLocaleString("en") })}</p>}
    </>
  );
}
