/** What a few runs were made from and what they ran on: facts and packages for the table, and their edits against the first's. */
import type { RunDetail, RunRecordAnswer } from "../../../shared/run/dashboard.ts";
import { packageOf } from "../../../shared/run/provenance.ts";
import { get } from "../api.ts";
import { bytes } from "../format.ts";
import { t } from "../i18n/i18n.ts";
import { type Loaded, useLoaded } from "../loading.ts";
import type { Table } from "../stats/compare-runs.ts";
import { cudaOf } from "../stats/packages.ts";
import { LineDiff } from "../widgets/line-diff.tsx";
import { Unfold } from "../widgets/unfold.tsx";

/** In the order of the runs. An environment is told a moment after the start: it is read again when a state changes. */
export function useRecords(details: readonly RunDetail[] | undefined): Loaded<readonly RunRecordAnswer[]> {
  const refs = (details ?? []).map(({ run }) => run.ref);
  return useLoaded(
    (signal) => Promise.all(refs.map((ref) => get<RunRecordAnswer>(`/runs/${encodeURIComponent(ref)}/record`, signal))),
    (details ?? []).map(({ run }) => `${run.ref} ${run.attempt} ${run.state}`),
  );
}

/** By their names in the language of the page; undefined for a run of which neither code nor environment is known. */
export function codeTable(record: RunRecordAnswer): Table | undefined {
  const { code, snapshot } = record;
  const environment = environmentOf(record);
  const git = code?.git;
  const { python, host = {}, packages = [] } = environment ?? {};
  const facts: [string, string | number | null | undefined][] = [
    [t("record.commit"), git?.commit],
    [t("record.branch"), git?.branch],
    [t("record.remote"), git?.remote],
    [t("record.root"), code?.root],
    [t("compare.new-files"), git?.untracked.join(" ")],
    [t("record.snapshot"), snapshot?.hash],
    ["Python", python && `${python.implementation} ${python.version}`],
    [t("record.executable"), python?.executable],
    ["CUDA", cudaOf(packages)],
    [t("record.driver"), host.driver],
  ];
  const known = facts.flatMap(([name, value]) => (value ? [[name, value] as const] : []));
  return code || snapshot || environment ? Object.fromEntries(known) : undefined;
}

/** Versions by name; undefined where they are not known. */
export function packageTable(record: RunRecordAnswer): Table | undefined {
  const environment = environmentOf(record);
  return environment && Object.fromEntries(environment.packages.map(packageOf));
}

/** Of its last attempt. */
function environmentOf({ environments }: RunRecordAnswer) {
  return environments.at(-1)?.environment;
}

/** What was not committed when each run was submitted, against the same of the first one. */
export function CodeDiffs({ refs, records }: { refs: readonly string[]; records: readonly RunRecordAnswer[] }) {
  const edits = records.map(({ code }) => code?.git?.diff ?? "");
  const first = edits[0] ?? "";
  const cut = records.find(({ code }) => code?.git && code.git.diffBytes > sizeOf(code.git.diff));
  if (edits.every((edit) => edit === first)) return null;
  return (
    <section aria-label={t("compare.code-diff")}>
      <h2>{t("compare.code-diff")}</h2>
      <p class="hint">{t("compare.code-diff-hint", { ref: refs[0] ?? "" })}</p>
      {refs.map(
        (ref, i) =>
          edits[i] !== first && (
            <Unfold key={ref} title={`${refs[0]} → ${ref}`}>
              <LineDiff before={first} after={edits[i] ?? ""} />
            </Unfold>
          ),
      )}
      {cut && <p class="hint">{t("record.diff-cut", { size: bytes(sizeOf(cut.code?.git?.diff ?? "")) })}</p>}
    </section>
  );
}

function sizeOf(text: string): number {
  return new Blob([text]).size;
}
