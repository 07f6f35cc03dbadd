/** What happened, line by line; the run and the node of an event are links. */
import type { HistoryView } from "../../../shared/run/dashboard.ts";
import { time } from "../format.ts";
import { t } from "../i18n/i18n.ts";
import { Link } from "./parts.tsx";

export function History({ events, withRun = true }: { events: readonly HistoryView[]; withRun?: boolean }) {
  return (
    <ol class="events">
      {events.map((event) => (
        <li key={event.seq}>
          <time dateTime={new Date(event.at).toISOString()}>{time(event.at)}</time> <strong>{event.kind}</strong>{" "}
          {withRun && event.run !== null && (
            <>
              <Link to={`/runs/${encodeURIComponent(event.run)}`}>{event.run}</Link>{" "}
            </>
          )}
          {event.node !== null && (
            <>
              <Link to={`/nodes/${encodeURIComponent(event.node)}`}>{event.node}</Link>{" "}
            </>
          )}
          {event.text}
          {event.by !== null && <span class="hint">{` ${t("events.by", { name: event.by })}`}</span>}
        </li>
      ))}
    </ol>
  );
}
