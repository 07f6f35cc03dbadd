/** The file that a sweep was made from, and what is different in it from the one before. */
import type { SweepDetail } from "../../../shared/run/dashboard.ts";
import { get } from "../api.ts";
import { t } from "../i18n/i18n.ts";
import { useLoaded } from "../loading.ts";
import { isOn, setQuery } from "../router.ts";
import { LineDiff } from "../widgets/line-diff.tsx";
import { Command, download, Waiting } from "../widgets/parts.tsx";
import { QueryCheck } from "../widgets/query-controls.tsx";
import { Apply } from "./apply.tsx";

export function SpecFile({ detail }: { detail: SweepDetail }) {
  const { ref, source } = detail;
  const number = Number(ref.slice(ref.lastIndexOf(".") + 1));
  const before = number > 1 ? `${ref.slice(0, ref.lastIndexOf("."))}.${number - 1}` : "";
  const comparing = before !== "" && isOn("diff");
  // What other programs' files say is not edited here: apply takes ours.
  const canEdit = source.path.endsWith(".toml");
  const editing = canEdit && isOn("edit");
  if (source.text === "") return <p class="hint">{t("spec.none")}</p>;
  return (
    <section>
      <h2>{t("spec.title")}</h2>
      <div class="toolbar">
        <span class="mono">{source.path}</span>
        {before !== "" && !editing && <QueryCheck name="diff" label={t("spec.diff", { ref: before })} />}
        <button
          type="button"
          onClick={() => download(source.path.split("/").at(-1) || "sweep.toml", "text/plain", source.text)}
        >
          {t("spec.download")}
        </button>
        {canEdit && !editing && (
          <button type="button" onClick={() => setQuery({ edit: "1" })}>
            {t("apply.edit")}
          </button>
        )}
      </div>
      {/* biome-ignore-start lint/a11y/noNoninteractiveTabindex: what scrolls must be within reach of the keyboard */}
      {editing ? (
        <Apply detail={detail} />
      ) : comparing ? (
        <Diff before={before} text={source.text} />
      ) : (
        <pre class="source" tabIndex={0}>
          {source.text}
        </pre>
      )}
      {/* biome-ignore-end lint/a11y/noNoninteractiveTabindex: as above */}
      {!editing && <Command text={`exp show ${ref}`} />}
    </section>
  );
}

function Diff({ before, text }: { before: string; text: string }) {
  const other = useLoaded(
    (signal) => get<SweepDetail>(`/sweeps/${encodeURIComponent(before)}/detail`, signal),
    [before],
  );
  if (!other.data) return <Waiting error={other.error} reload={other.reload} />;
  return <LineDiff before={other.data.source.text} after={text} />;
}
