/** What a run was made from, and what it ran on: code, difference to the commit, Python, packages, host. */
import { useSignal } from "@preact/signals";
import type { AttemptView, RunDetail, RunRecordAnswer } from "../../../shared/run/dashboard.ts";
import { packageOf, type RunEnvironment } from "../../../shared/run/provenance.ts";
import { get } from "../api.ts";
import { bytes } from "../format.ts";
import { t } from "../i18n/i18n.ts";
import { useLoaded } from "../loading.ts";
import { gitDiffLines, sizeOfDiff } from "../stats/git-diff.ts";
import { cudaOf, packagesWith } from "../stats/packages.ts";
import { type Fact, FactTable } from "../widgets/fact-table.tsx";
import { Command, CsvButton, Link, Waiting } from "../widgets/parts.tsx";
import { Unfold } from "../widgets/unfold.tsx";

/** An environment is told a moment after the start: it is read again when an attempt begins or ends. */
export function RunRecord({ detail, attempt }: { detail: RunDetail; attempt: AttemptView | undefined }) {
  const { ref, state } = detail.run;
  const answer = useLoaded(
    (signal) => get<RunRecordAnswer>(`/runs/${encodeURIComponent(ref)}/record`, signal),
    [ref, state],
  );
  if (!answer.data) return answer.error ? <Waiting error={answer.error} reload={answer.reload} /> : null;
  const { environments } = answer.data;
  const environment = (environments.find((one) => one.attempt === attempt?.number) ?? environments.at(-1))?.environment;
  return (
    <div class="columns-2">
      <Code run={ref} record={answer.data} />
      {environment && <Environment run={ref} environment={environment} />}
    </div>
  );
}

function Code({ run, record }: { run: string; record: RunRecordAnswer }) {
  const { code, snapshot, repeats, repeatedBy } = record;
  if (!code && !snapshot && repeats === null && repeatedBy.length === 0) return null;
  const git = code?.git;
  const rows: Fact[] = [
    [t("record.commit"), git ? (git.commit ?? t("record.no-commit")) : ""],
    [t("record.branch"), git?.branch ?? ""],
    [t("record.remote"), git?.remote ?? ""],
    [t("record.root"), code?.root ?? ""],
    [t("record.snapshot"), snapshot?.hash ?? ""],
    [t("record.problem"), code?.problem ?? ""],
  ];
  return (
    <section>
      <h2>{t("record.code")}</h2>
      {code && !git && <p class="hint">{t("record.no-git")}</p>}
      <FactTable file={`${run}-code.csv`} rows={rows} valueClass="mono wrap" />
      {repeats !== null && (
        <p>
          {t("record.repeats")} <Link to={`/runs/${repeats}`}>{repeats}</Link>
        </p>
      )}
      {repeatedBy.length > 0 && (
        <p>
          {t("record.repeated")}{" "}
          {repeatedBy.map((ref) => (
            <span key={ref}>
              <Link to={`/runs/${ref}`}>{ref}</Link>{" "}
            </span>
          ))}
        </p>
      )}
      {git && git.diff !== "" && <Diff diff={git.diff} isCut={git.diffBytes > new Blob([git.diff]).size} />}
      {git && git.untrackedCount > 0 && (
        <Unfold title={t("record.untracked", { count: git.untrackedCount })}>
          <ul class="mono wrap names">
            {git.untracked.map((name) => (
              <li key={name}>{name}</li>
            ))}
          </ul>
          {git.untrackedCount > git.untracked.length && (
            <p class="hint">{t("record.untracked-more", { count: git.untracked.length })}</p>
          )}
        </Unfold>
      )}
      {snapshot && <Command text={`exp code ${run} --out DIRECTORY`} />}
    </section>
  );
}

function Diff({ diff, isCut }: { diff: string; isCut: boolean }) {
  const lines = gitDiffLines(diff);
  return (
    <Unfold title={t("record.diff", { ...sizeOfDiff(lines) })}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be within reach of the keyboard */}
      <pre class="source" tabIndex={0}>
        {lines.map((line, i) => (
          <span key={i} class={`diff-line diff-${line.kind}`}>
            {line.text}
            {"\n"}
          </span>
        ))}
      </pre>
      {isCut && <p class="hint">{t("record.diff-cut", { size: bytes(new Blob([diff]).size) })}</p>}
    </Unfold>
  );
}

function Environment({ run, environment }: { run: string; environment: RunEnvironment }) {
  const { python, packages, host, variables, problem } = environment;
  const fact = (name: string) => String(host[name] ?? "");
  const memory = host.memory_bytes;
  const rows: Fact[] = [
    ["Python", python ? `${python.implementation} ${python.version}` : ""],
    [t("record.executable"), python?.executable ?? ""],
    ["CUDA", cudaOf(packages) || fact("cuda_toolkit")],
    [t("record.driver"), [fact("driver"), fact("cuda") && `CUDA ≤ ${fact("cuda")}`].filter((word) => word).join(", ")],
    ["GPU", fact("gpus")],
    [t("record.host"), fact("hostname")],
    [t("record.os"), [fact("os"), fact("kernel"), fact("arch")].filter((word) => word !== "").join(" ")],
    ["CPU", [fact("cpu"), fact("cpus") === "" ? "" : `× ${fact("cpus")}`].filter((word) => word !== "").join(" ")],
    [t("record.memory"), typeof memory === "number" && memory > 0 ? bytes(memory) : ""],
    [t("record.problem"), problem ?? ""],
  ];
  const names = Object.entries(variables);
  return (
    <section>
      <h2>{t("record.environment")}</h2>
      <FactTable file={`${run}-environment.csv`} rows={rows} valueClass="mono wrap" />
      {packages.length > 0 && <Packages run={run} packages={packages} />}
      {names.length > 0 && (
        <Unfold title={t("record.variables", { count: names.length })}>
          <FactTable file={`${run}-variables.csv`} rows={names} valueClass="mono wrap" />
        </Unfold>
      )}
    </section>
  );
}

function Packages({ run, packages }: { run: string; packages: readonly string[] }) {
  const typed = useSignal("");
  const found = packagesWith(packages, typed.value);
  return (
    <Unfold title={t("record.packages", { count: packages.length })}>
      <div class="toolbar">
        <label>
          {t("record.find")}{" "}
          <input
            type="search"
            value={typed.value}
            onInput={(event) => {
              typed.value = event.currentTarget.value;
            }}
          />
        </label>
        <span class="hint" role="status">
          {t("record.found", { count: found.length })}
        </span>
        <CsvButton file={`${run}-packages.csv`} header={["package", "version"]} rows={() => packages.map(packageOf)} />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be within reach of the keyboard */}
      <section class="short-list" tabIndex={0} aria-label={t("record.packages", { count: packages.length })}>
        <table>
          <tbody>
            {found.map(packageOf).map(([name, version]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td class="mono">{version}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </Unfold>
  );
}
