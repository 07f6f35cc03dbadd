/** The window of an output as it moves: along with its end, to earlier and later parts, to a place. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { createLogSource } from "./log-source.ts";
import { LogWindow } from "./log-window.ts";

export interface LogProps {
  /** Handle of the run. */
  readonly run: string;
  readonly attempt: number;
  /** Among the nodes of its run, from 0. */
  readonly rank: number;
  /** Bytes stored when the page was read. */
  readonly size: number;
  /** More may come. */
  readonly live: boolean;
}

/** Of one reading towards either end. */
const PART_BYTES = 512 * 1024;

/** What the view does with the output; the same object for as long as the attempt is shown. */
export function useLog({ run, attempt, rank, size, live }: LogProps) {
  const [, redraw] = useState(0);
  const [problem, setProblem] = useState("");
  const [follows, setFollows] = useState(true);
  const state = useRef({
    window: new LogWindow(0),
    /** Reading of the end; undefined while the window is somewhere else. */
    tail: undefined as AbortController | undefined,
    /** Reading of one part. */
    part: undefined as AbortController | undefined,
    follows: true,
    /** Lines by which what is drawn has moved since the last drawing; positive: down. */
    shift: 0,
    /** Byte of the line to be shown next. */
    target: undefined as number | undefined,
  }).current;
  const source = useMemo(() => createLogSource(run, attempt, rank, live), [run, attempt, rank, live]);
  const again = () => redraw((count) => count + 1);
  const say = (error: unknown) => setProblem(error instanceof Error ? error.message : String(error));

  const follow = (on: boolean) => {
    state.follows = on;
    setFollows(on);
  };

  const attach = () => {
    const abort = new AbortController();
    state.tail = abort;
    void source.follow(
      state.window.end,
      abort.signal,
      (portion) => {
        state.window.append(portion);
        if (state.follows) state.shift -= state.window.cutStart();
        else if (state.window.isOver) detach();
        setProblem("");
        again();
      },
      say,
    );
  };
  const detach = () => {
    state.tail?.abort();
    state.tail = undefined;
  };

  const part = async (work: (signal: AbortSignal) => Promise<void>) => {
    if (state.part) return;
    const abort = new AbortController();
    state.part = abort;
    try {
      await work(abort.signal);
      setProblem("");
    } catch (error) {
      if (!abort.signal.aborted) say(error);
    } finally {
      if (state.part === abort) state.part = undefined;
      again();
    }
  };

  const log = {
    state,
    source,
    follows,
    problem,
    follow,
    earlier: () => {
      const { window } = state;
      if (window.start === 0) return;
      void part(async (signal) => {
        const from = Math.max(0, window.start - PART_BYTES);
        const read = await source.read(from, window.start - from, signal);
        if (state.window !== window) return;
        state.shift += window.prepend(read, from);
        const end = window.end;
        window.cutEnd();
        if (window.end !== end) detach();
      });
    },
    later: () => {
      const { window } = state;
      if (state.tail) return;
      void part(async (signal) => {
        const read = await source.read(window.end, PART_BYTES, signal);
        if (state.window !== window) return;
        window.append(read);
        state.shift -= window.cutStart();
        if (read.length < PART_BYTES) attach();
      });
    },
    /** Shows the line that begins at a byte, wherever that is. */
    show: (offset: number) => {
      follow(false);
      state.target = offset;
      if (state.window.lineAt(offset) !== undefined) {
        again();
        return;
      }
      detach();
      state.part?.abort();
      state.part = undefined;
      const from = Math.max(0, offset - PART_BYTES / 2);
      const window = new LogWindow(from + PART_BYTES);
      state.window = window;
      void part(async (signal) => {
        const read = await source.read(from, PART_BYTES, signal);
        if (state.window !== window) return;
        // As if it stood before nothing: its first line may have begun earlier.
        const made = new LogWindow(from + read.length);
        made.prepend(read, from);
        state.window = made;
        if (read.length < PART_BYTES) attach();
      });
    },
    /** Goes to the end, and stays there. */
    toEnd: (known: number) => {
      follow(true);
      if (state.tail) {
        again();
        return;
      }
      state.part?.abort();
      state.part = undefined;
      state.window = new LogWindow(Math.max(0, Math.max(known, state.window.end) - PART_BYTES));
      attach();
    },
  };

  useEffect(() => {
    state.window = new LogWindow(Math.max(0, size - PART_BYTES));
    follow(true);
    attach();
    return () => {
      detach();
      state.part?.abort();
      state.part = undefined;
    };
  }, [source]);
  return log;
}
