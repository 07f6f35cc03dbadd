/**
 * The output of an attempt, from its end. A window of it is held: it moves when the user scrolls to one of its ends or jumps to
 * a line that was found, so that fifty megabytes take no more memory than five. Only the lines on the screen are drawn.
 */
import type { ComponentChild } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { bytes } from "../format.ts";
import { t } from "../i18n/i18n.ts";
import { collapse, spansOf } from "./ansi.ts";
import { Kept } from "./kept.ts";
import { FOUND_MAX, hasText, type LogSource } from "./log-source.ts";
import { LogTime } from "./log-time.tsx";
import { type LogProps, useLog } from "./use-log.ts";

const LINE_PX = 19;
/** Lines drawn above and below what is seen. */
const OVERSCAN = 20;
/** So near to an end of the window, more is read. */
const NEAR_PX = 60 * LINE_PX;
/** So few lines take no more room than they need. */
const SHORT_LINES = 18;
/** A line on the screen shows no more; `exp logs` has all of it. */
const LINE_CHARS_MAX = 20_000;
const SEARCH_AFTER_MS = 250;

export function LogView(props: LogProps) {
  const log = useLog(props);
  const { state } = log;
  const { window } = state;
  const section = useRef<HTMLElement>(null);
  const scroller = useRef<HTMLDivElement>(null);
  const lastTop = useRef(0);
  const [view, setView] = useState({ top: 0, height: 500 });
  const [current, setCurrent] = useState(-1);
  const search = useSearch(log.source);

  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const { target, shift } = state;
    state.shift = 0;
    const line = target === undefined ? undefined : window.lineAt(target);
    if (line !== undefined) {
      state.target = undefined;
      element.scrollTop = Math.max(0, line * LINE_PX - element.clientHeight / 3);
    } else if (log.follows && state.tail) element.scrollTop = element.scrollHeight;
    else if (shift !== 0) element.scrollTop += shift * LINE_PX;
    lastTop.current = element.scrollTop;
    if (element.scrollTop !== view.top || element.clientHeight !== view.height) {
      setView({ top: element.scrollTop, height: element.clientHeight });
    }
  });

  const onScroll = () => {
    const element = scroller.current;
    if (!element) return;
    const { scrollTop, scrollHeight, clientHeight } = element;
    const below = scrollHeight - scrollTop - clientHeight;
    // Lines that come move the end away; only the user moves back.
    if (scrollTop < lastTop.current - 1) {
      if (log.follows) log.follow(false);
      if (scrollTop < NEAR_PX) log.earlier();
    } else if (scrollTop > lastTop.current) {
      if (below < NEAR_PX) log.later();
      if (below < 2 * LINE_PX && state.tail && !log.follows) log.follow(true);
    }
    lastTop.current = scrollTop;
    setView({ top: scrollTop, height: clientHeight });
  };

  const step = (towards: 1 | -1) => {
    const from = current >= 0 ? current : window.offsetOf(Math.floor(view.top / LINE_PX)) - 1;
    const next =
      towards > 0 ? search.found.find((offset) => offset > from) : search.found.findLast((offset) => offset < from);
    const chosen = next ?? (towards > 0 ? search.found[0] : search.found.at(-1));
    if (chosen === undefined) return;
    setCurrent(chosen);
    log.show(chosen);
  };

  const first = Math.max(0, Math.floor(view.top / LINE_PX) - OVERSCAN);
  const last = Math.min(window.lines, Math.ceil((view.top + view.height) / LINE_PX) + OVERSCAN);
  const wanted = search.text.toLowerCase();
  // The same element again is not looked into: scrolling costs the lines that come, not all that are there. Whatever changes
  // the window moves its start or its end.
  const kept = useRef(new Kept<ComponentChild>()).current;
  const drawn = kept.stretch([window, window.start, window.end, wanted, current], first, last, (line) => (
    <Line
      key={line}
      text={window.text(line)}
      top={line * LINE_PX}
      wanted={wanted}
      isCurrent={current >= 0 && window.offsetOf(line) === current}
    />
  ));
  return (
    <section class="log" aria-label={t("log.title")} ref={section}>
      <div class="toolbar">
        <label>
          {t("log.search")}{" "}
          <input
            type="search"
            value={search.text}
            onInput={(event) => {
              setCurrent(-1);
              search.look(event.currentTarget.value);
            }}
            onKeyDown={(event) => {
              if (event.key === "Enter") step(event.shiftKey ? -1 : 1);
            }}
          />
        </label>
        {search.text !== "" && (
          <>
            <span class="hint" role="status">
              {t(search.found.length >= FOUND_MAX ? "log.found-many" : "log.found", {
                count: search.found.length.toLocaleString("en"),
              })}
              {search.busy && " …"}
            </span>
            <button type="button" disabled={search.found.length === 0} onClick={() => step(-1)}>
              {t("log.previous")}
            </button>
            <button type="button" disabled={search.found.length === 0} onClick={() => step(1)}>
              {t("log.next")}
            </button>
          </>
        )}
        <button type="button" onClick={() => log.show(0)}>
          {t("log.start")}
        </button>
        <button type="button" aria-pressed={log.follows} onClick={() => log.toEnd(props.size)}>
          {t(props.live ? "log.follow" : "log.end")}
        </button>
        <LogTime run={props.run} attempt={props.attempt} show={log.show} section={section} />
        <span class="hint">
          {t("log.shown", {
            from: bytes(window.start),
            to: bytes(window.end),
            size: bytes(Math.max(props.size, window.end)),
          })}
        </span>
        {log.problem !== "" && (
          <span class="problem" role="alert">
            {log.problem}
          </span>
        )}
      </div>
      <div
        class={window.lines <= SHORT_LINES ? "log-scroll log-short mono" : "log-scroll mono"}
        ref={scroller}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be within reach of the keyboard
        tabIndex={0}
        onScroll={onScroll}
        role="log"
        aria-live="off"
        aria-label={t("log.title")}
      >
        <div class="log-lines" style={{ height: `${window.lines * LINE_PX}px` }}>
          {drawn}
        </div>
        {window.lines === 0 && !state.part && <p class="hint">{t("log.empty")}</p>}
      </div>
    </section>
  );
}

function Line({ text, top, wanted, isCurrent }: { text: string; top: number; wanted: string; isCurrent: boolean }) {
  const spans = useMemo(() => {
    const shown = collapse(text);
    return spansOf(shown.length > LINE_CHARS_MAX ? `${shown.slice(0, LINE_CHARS_MAX)}…` : shown);
  }, [text]);
  const isFound = wanted !== "" && hasText(text, wanted);
  return (
    <div
      class={isCurrent ? "log-line log-found log-current" : isFound ? "log-line log-found" : "log-line"}
      style={{ transform: `translateY(${top}px)` }}
    >
      {spans.map((span, i) => (
        <span key={i} class={span.style}>
          {span.text}
        </span>
      ))}
    </div>
  );
}

/** Lines with a text in the whole output, also where it is not held. */
function useSearch(source: LogSource) {
  const [text, setText] = useState("");
  const [found, setFound] = useState<readonly number[]>([]);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    setFound([]);
    setBusy(text !== "");
    if (text === "") return;
    const abort = new AbortController();
    const timer = setTimeout(() => {
      source
        .search(text, abort.signal, setFound)
        .catch(() => undefined) // Said by the reading that is shown.
        .finally(() => {
          if (!abort.signal.aborted) setBusy(false);
        });
    }, SEARCH_AFTER_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [source, text]);
  return { text, found, busy, look: setText };
}
