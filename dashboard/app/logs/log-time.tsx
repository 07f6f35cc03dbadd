/** The output as of a time: chosen at a point of a curve or typed, kept in the address. */
import { useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect } from "preact/hooks";
import { formatDuration, parseDuration } from "../../../shared/kernel/duration.ts";
import type { PlaceAnswer } from "../../../shared/run/dashboard.ts";
import { get } from "../api.ts";
import { t } from "../i18n/i18n.ts";
import { queryOf, setQuery } from "../router.ts";

interface Props {
  /** Handle of the run. */
  readonly run: string;
  readonly attempt: number;
  /** Shows the line with this byte. */
  readonly show: (offset: number) => void;
  /** What is brought into sight. */
  readonly section: RefObject<HTMLElement | null>;
}

export function LogTime({ run, attempt, show, section }: Props) {
  const at = queryOf("at");
  const problem = useSignal("");
  useEffect(() => {
    problem.value = "";
    const ms = Number(at);
    if (at === "" || !Number.isFinite(ms)) return;
    const abort = new AbortController();
    const query = new URLSearchParams({ value: String(ms), attempt: String(attempt) });
    get<PlaceAnswer>(`/runs/${encodeURIComponent(run)}/place?${query}`, abort.signal).then(
      ({ offset }) => {
        if (offset === null) {
          problem.value = t("log.no-place");
          return;
        }
        show(offset);
        section.current?.scrollIntoView({ block: "nearest" });
      },
      (error: unknown) => {
        if (!abort.signal.aborted) problem.value = error instanceof Error ? error.message : String(error);
      },
    );
    return () => abort.abort();
  }, [run, attempt, at]);
  return (
    <form
      class="inline"
      onSubmit={(event) => {
        event.preventDefault();
        const typed = new FormData(event.currentTarget).get("time");
        const text = String(typed ?? "").replaceAll(/\s/g, "");
        const ms = text === "" ? undefined : parseDuration(text);
        problem.value = text !== "" && ms === undefined ? t("log.bad-time") : "";
        if (problem.value === "") setQuery({ at: ms === undefined ? "" : String(ms) });
      }}
    >
      <label>
        {t("log.time")}{" "}
        <input
          name="time"
          size={8}
          autocomplete="off"
          placeholder="1h30m"
          defaultValue={at === "" ? "" : formatDuration(Number(at))}
          key={at}
        />
      </label>{" "}
      <button type="submit">{t("log.go")}</button>
      {problem.value !== "" && (
        <span class="problem" role="alert">
          {" "}
          {problem.value}
        </span>
      )}
    </form>
  );
}
