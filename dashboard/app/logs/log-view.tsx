/**
 * The output of an attempt, from its end: earlier parts are read when the user scrolls up to them, later ones as they come.
 * Only the lines on the screen are drawn, so that fifty megabytes scroll as one does.
 */
import { elementScroll, observeElementOffset, observeElementRect, Virtualizer } from "@tanstack/virtual-core";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { request } from "../api.ts";
import { t } from "../i18n/i18n.ts";
import { collapse, spansOf } from "./ansi.ts";

export interface LogViewProps {
  /** Handle of the run. */
  readonly run: string;
  readonly attempt: number;
  /** Bytes stored when the page was read. */
  readonly size: number;
  /** More may come. */
  readonly live: boolean;
}

const LINE_PX = 19;
/** Bytes of the first reading, and of each further one towards the beginning. */
const PART_BYTES = 512 * 1024;
const FOLLOW_RETRY_MS = 2_000;

export function LogView({ run, attempt, size, live }: LogViewProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const text = useRef(new LogText());
  const reading = useRef(false);
  const [, redraw] = useState(0);
  const [follows, setFollows] = useState(true);
  const [search, setSearch] = useState("");
  const [problem, setProblem] = useState("");
  const lines = text.current.lines;
  const found = useMemo(() => matches(lines, search), [search, lines.length]);
  const again = () => redraw((count) => count + 1);

  const virtualizer = useMemo(
    () =>
      new Virtualizer<HTMLDivElement, HTMLDivElement>({
        count: 0,
        getScrollElement: () => scroller.current,
        estimateSize: () => LINE_PX,
        overscan: 30,
        scrollToFn: elementScroll,
        observeElementOffset,
        observeElementRect,
        onChange: again,
      }),
    [],
  );
  virtualizer.setOptions({ ...virtualizer.options, count: lines.length });
  useEffect(() => virtualizer._didMount(), [virtualizer]);
  useEffect(() => virtualizer._willUpdate());

  useEffect(() => {
    const abort = new AbortController();
    text.current = new LogText();
    const path = `/runs/${encodeURIComponent(run)}/logs?attempt=${attempt}`;
    const start = Math.max(0, size - PART_BYTES);
    text.current.begin(start);
    const read = async () => {
      while (!abort.signal.aborted) {
        try {
          const response = await request(`${path}&offset=${text.current.end}${live ? "&follow=1" : ""}`, {
            signal: abort.signal,
          });
          const reader = response.body?.getReader();
          for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
            text.current.append(part.value);
            again();
          }
          setProblem("");
          text.current.finish(!live);
          again();
          if (!live) return;
        } catch (error) {
          if (abort.signal.aborted) return;
          setProblem(error instanceof Error ? error.message : String(error));
        }
        await new Promise((resolve) => setTimeout(resolve, FOLLOW_RETRY_MS));
      }
    };
    void read();
    return () => abort.abort();
  }, [run, attempt, live]);

  useEffect(() => {
    const element = scroller.current;
    if (follows && element) element.scrollTop = element.scrollHeight;
  });

  const earlier = async () => {
    const { start } = text.current;
    if (reading.current || start === 0) return;
    reading.current = true;
    try {
      const from = Math.max(0, start - PART_BYTES);
      const response = await request(`/runs/${encodeURIComponent(run)}/logs?attempt=${attempt}&offset=${from}`);
      const part = await take(response, start - from);
      const before = text.current.lines.length;
      text.current.prepend(part, from);
      // What the user looks at stays where it is.
      const added = text.current.lines.length - before;
      if (scroller.current) scroller.current.scrollTop += added * LINE_PX;
      again();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    } finally {
      reading.current = false;
    }
  };

  const onScroll = () => {
    const element = scroller.current;
    if (!element) return;
    setFollows(element.scrollHeight - element.scrollTop - element.clientHeight < 2 * LINE_PX);
    if (element.scrollTop < 50 * LINE_PX) void earlier();
  };

  const step = (towards: 1 | -1) => {
    const first = virtualizer.getVirtualItems()[0]?.index ?? 0;
    const next = towards > 0 ? found.find((line) => line > first) : found.findLast((line) => line < first);
    if (next === undefined) return;
    setFollows(false);
    virtualizer.scrollToIndex(next, { align: "start" });
  };

  return (
    <section class="log" aria-label={t("log.title")}>
      <div class="toolbar">
        <label>
          {t("log.search")}{" "}
          <input
            type="search"
            value={search}
            onInput={(event) => setSearch(event.currentTarget.value)}
            onKeyDown={(event) => {
              if (event.key === "Enter") step(event.shiftKey ? -1 : 1);
            }}
          />
        </label>
        {search !== "" && (
          <>
            <span class="hint">{t("log.found", { count: found.length })}</span>
            <button type="button" onClick={() => step(-1)}>
              {t("log.previous")}
            </button>
            <button type="button" onClick={() => step(1)}>
              {t("log.next")}
            </button>
          </>
        )}
        <label>
          <input type="checkbox" checked={follows} onChange={(event) => setFollows(event.currentTarget.checked)} />{" "}
          {t("log.follow")}
        </label>
        <span class="hint">{t("log.lines", { count: lines.length.toLocaleString("en") })}</span>
        {text.current.start > 0 && (
          <button type="button" onClick={() => void earlier()}>
            {t("log.earlier")}
          </button>
        )}
        {problem !== "" && (
          <span class="problem" role="alert">
            {problem}
          </span>
        )}
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be within reach of the keyboard */}
      <div class="log-scroll mono" ref={scroller} tabIndex={0} onScroll={onScroll} role="log" aria-live="off">
        <div class="log-lines" style={{ height: `${virtualizer.getTotalSize()}px` }}>
          {virtualizer.getVirtualItems().map(({ index, start }) => (
            <div
              key={index}
              class={search !== "" && isMatch(lines[index] ?? "", search) ? "log-line log-found" : "log-line"}
              style={{ transform: `translateY(${start}px)` }}
            >
              {spansOf(collapse(lines[index] ?? "")).map((span, i) => (
                <span key={i} class={span.style}>
                  {span.text}
                </span>
              ))}
            </div>
          ))}
        </div>
        {lines.length === 0 && <p class="hint">{t("log.empty")}</p>}
      </div>
    </section>
  );
}

/** The bytes that were read, as lines. A part that begins within a line begins with what was left of it. */
class LogText {
  /** First and next byte. */
  start = 0;
  end = 0;
  lines: string[] = [];
  #decoder = new TextDecoder();
  #rest = "";

  begin(offset: number): void {
    this.start = offset;
    this.end = offset;
  }

  append(bytes: Uint8Array): void {
    this.end += bytes.length;
    const parts = (this.#rest + this.#decoder.decode(bytes, { stream: true })).split("\n");
    this.#rest = parts.pop() ?? "";
    this.lines = this.lines.concat(parts);
  }

  /** `whole`: nothing more comes, and a last line without its end is a line. */
  finish(whole: boolean): void {
    if (!whole || this.#rest === "") return;
    this.lines = [...this.lines, this.#rest];
    this.#rest = "";
  }

  prepend(bytes: Uint8Array, offset: number): void {
    const parts = new TextDecoder().decode(bytes).split("\n");
    const joint = parts.pop() ?? "";
    const [first, ...others] = this.lines;
    this.lines = [...parts, joint + (first ?? ""), ...others];
    this.start = offset;
  }
}

async function take(response: Response, count: number): Promise<Uint8Array> {
  const into = new Uint8Array(count);
  const reader = response.body?.getReader();
  let filled = 0;
  while (filled < count) {
    const part = await reader?.read();
    if (!part || part.done) break;
    const piece = part.value.subarray(0, count - filled);
    into.set(piece, filled);
    filled += piece.length;
  }
  await reader?.cancel();
  return into.subarray(0, filled);
}

function matches(lines: readonly string[], search: string): number[] {
  return search === "" ? [] : lines.flatMap((line, i) => (isMatch(line, search) ? [i] : []));
}

function isMatch(line: string, search: string): boolean {
  return line.toLowerCase().includes(search.toLowerCase());
}
