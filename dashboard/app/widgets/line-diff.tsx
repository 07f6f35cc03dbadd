/** What is different between two texts, with a few lines around each change. */
import { t } from "../i18n/i18n.ts";
import { lineDiff, nearChanges } from "../stats/line-diff.ts";

const AROUND = 3;
const SIGNS = { same: " ", added: "+", removed: "-" } as const;

export function LineDiff({ before, after }: { before: string; after: string }) {
  const lines = lineDiff(before, after);
  if (!lines) return <p class="hint">{t("spec.too-long")}</p>;
  if (lines.every(({ kind }) => kind === "same")) return <p class="hint">{t("spec.same")}</p>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be within reach of the keyboard
    <pre class="source" tabIndex={0}>
      {nearChanges(lines, AROUND).map((line, i) => (
        <span key={i} class={`diff-line diff-${line?.kind ?? "gap"}`}>
          {line ? `${SIGNS[line.kind]} ${line.text}` : "⋯"}
          {"\n"}
        </span>
      ))}
    </pre>
  );
}
