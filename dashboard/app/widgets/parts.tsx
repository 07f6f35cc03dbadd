/** Small parts that every view uses. Whatever comes from users is text, never markup. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { RunState } from "../../../shared/run/states.ts";
import { t } from "../i18n/i18n.ts";
import { go } from "../router.ts";

/** A link within the page. */
export function Link(props: {
  to: string;
  class?: string;
  title?: string;
  /** It leads to what is shown now. */
  current?: boolean;
  children: ComponentChildren;
}) {
  const { to, children, current, ...rest } = props;
  return (
    <a
      href={to}
      {...rest}
      {...(current ? { "aria-current": "page" as const } : {})}
      onClick={(event) => {
        // With a modifier the browser opens a tab or a window, as everywhere.
        if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
        event.preventDefault();
        go(to);
      }}
    >
      {children}
    </a>
  );
}

const STATE_MARKS: { readonly [state in RunState]: string } = {
  queued: "○",
  held: "‖",
  assigned: "◔",
  running: "▶",
  unknown: "?",
  succeeded: "✓",
  failed: "✕",
  cancelled: "–",
  skipped: "»",
};

/** A state as word and sign: colour is never the only one to tell. */
export function StateBadge({ state }: { state: RunState }) {
  return (
    <span class={`state state-${state}`}>
      <span aria-hidden="true">{STATE_MARKS[state]}</span> {t(`state.${state}`)}
    </span>
  );
}

/** What `useLoaded` gave while there is nothing to show: loading, or why not. */
export function Waiting({ error, reload }: { error: Error | undefined; reload: () => void }) {
  if (!error) return <p class="hint">{t("common.loading")}</p>;
  return (
    <p class="problem" role="alert">
      {t("common.error", { reason: error.message })}{" "}
      <button type="button" onClick={reload}>
        {t("common.again")}
      </button>
    </p>
  );
}

/** The `exp` command that shows or does the same, ready to be copied. */
export function Command({ text }: { text: string }) {
  return <Commands texts={[text]} />;
}

/** Those of several actions beside each other. */
export function Commands({ texts }: { texts: readonly string[] }) {
  const [copied, setCopied] = useState("");
  if (texts.length === 0) return null;
  return (
    <p class="command">
      <span class="command-label">{t("common.command")}</span>
      {texts.map((text) => (
        <span key={text}>
          {" "}
          <code>{text}</code>{" "}
          <button
            type="button"
            onClick={() => {
              void navigator.clipboard?.writeText(text).then(() => setCopied(text));
            }}
          >
            {copied === text ? t("common.copied") : t("common.copy")}
          </button>
        </span>
      ))}
    </p>
  );
}

type Rows = readonly (readonly unknown[])[];

/** Saves the table beside it. `rows`: all of them, also what is not drawn. */
export function CsvButton(props: { file: string; header: readonly string[]; rows: () => Rows | Promise<Rows> }) {
  const { file, header, rows } = props;
  const [problem, setProblem] = useState("");
  const save = async () => {
    try {
      setProblem("");
      download(file, "text/csv", toCsv(header, await rows()));
    } catch (error) {
      setProblem(t("common.error", { reason: error instanceof Error ? error.message : String(error) }));
    }
  };
  return (
    <>
      <button type="button" class="csv" title={file} onClick={() => void save()}>
        {t("common.csv")}
      </button>
      {problem !== "" && (
        <span class="problem" role="alert">
          {" "}
          {problem}
        </span>
      )}
    </>
  );
}

/** Offers `text` as a file. */
export function download(name: string, type: string, text: string): void {
  downloadBlob(name, new Blob([text], { type }));
}

export function downloadBlob(name: string, blob: Blob): void {
  const url = URL.createObjectURL(blob);
  const anchor = document.createElement("a");
  anchor.href = url;
  anchor.download = name;
  anchor.click();
  URL.revokeObjectURL(url);
}

/** Rows as CSV (RFC 4180). A cell that a spreadsheet would run as a formula gets a quote in front. */
export function toCsv(header: readonly string[], rows: Rows): string {
  const cell = (value: unknown) => {
    const plain =
      value === null || value === undefined ? "" : typeof value === "object" ? JSON.stringify(value) : String(value);
    const safe = typeof value === "string" && /^[=+\-@\t\r]/.test(plain) ? `'${plain}` : plain;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return [header, ...rows].map((row) => `${row.map(cell).join(",")}\r\n`).join("");
}
