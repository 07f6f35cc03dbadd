/** Two to twenty runs beside each other: what differs, what came of it, their curves over each other. */
import type { RunDetail } from "../../../shared/run/dashboard.ts";
import type { JsonValue } from "../../../shared/run/views.ts";
import { get } from "../api.ts";
import { Curves, shownGroups } from "../compare/curves.tsx";
import { CodeDiffs, codeTable, packageTable, useRecords } from "../compare/records.tsx";
import { Rows } from "../compare/rows.tsx";
import { duration } from "../format.ts";
import { t } from "../i18n/i18n.ts";
import { useLoaded } from "../loading.ts";
import { isOn, queryOf, setQuery } from "../router.ts";
import { type ComparedRow, compareTables, compareWords } from "../stats/compare-runs.ts";
import { Command, download, Link, StateBadge, toCsv, Waiting } from "../widgets/parts.tsx";
import { QueryCheck } from "../widgets/query-controls.tsx";

const RUNS_MAX = 20;

export function Compare() {
  const refs = [...new Set(queryOf("runs").split(","))].filter((ref) => ref !== "");
  if (refs.length < 2) return <Empty text={t("compare.too-few")} />;
  if (refs.length > RUNS_MAX) return <Empty text={t("compare.too-many", { max: RUNS_MAX, count: refs.length })} />;
  return <Shown refs={refs} />;
}

function Empty({ text: words }: { text: string }) {
  return (
    <section>
      <h1>{t("compare.title")}</h1>
      <p class="prose">
        {words} <Link to="/runs">{t("nav.runs")}</Link>
      </p>
    </section>
  );
}

function Shown({ refs }: { refs: readonly string[] }) {
  const all = useLoaded(
    (signal) => Promise.all(refs.map((ref) => get<RunDetail>(`/runs/${encodeURIComponent(ref)}/detail`, signal))),
    [refs.join(",")],
    ["runs"],
  );
  const records = useRecords(all.data);
  if (!all.data) return <Waiting error={all.error} reload={all.reload} />;
  const details = all.data;
  const whole = isOn("all");
  const params = compareTables(details.map(({ run }) => run.params));
  const metrics = compareTables(details.map(({ run }) => run.metrics));
  const facts = compareTables(details.map(factsOf));
  const code = compareTables((records.data ?? []).map(codeTable));
  const packages = compareTables((records.data ?? []).map(packageTable));
  const shown = (rows: readonly ComparedRow[]) => (whole ? rows : rows.filter(({ differs }) => differs));
  const width = details.length + 1;
  const groups = shownGroups(details);
  const colourOf = (at: number) => groups.find(({ members }) => members.includes(at))?.members[0] ?? at;
  return (
    <section class="compare">
      <h1>{t("compare.title")}</h1>
      <div class="toolbar">
        <QueryCheck name="all" label={t("compare.all")} />
        <button
          type="button"
          onClick={() => {
            const rows = [...params, ...metrics, ...facts, ...code, ...packages].map(({ key, values }) => [
              key,
              ...values.map((v) => v ?? null),
            ]);
            download("compare.csv", "text/csv", toCsv(["", ...details.map(({ run }) => run.ref)], rows));
          }}
        >
          {t("common.csv")}
        </button>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be within reach of the keyboard */}
      <section class="scroll-x" tabIndex={0} aria-label={t("compare.title")}>
        <table class="compare-table">
          <thead>
            <tr>
              <td />
              {details.map(({ run }, i) => (
                <th scope="col" key={run.ref}>
                  <span class={`swatch swatch-${(colourOf(i) % 8) + 1}`} aria-hidden="true" />{" "}
                  <Link to={`/runs/${run.ref}`}>{run.ref}</Link>{" "}
                  <button
                    type="button"
                    class="small"
                    disabled={refs.length <= 2}
                    aria-label={t("compare.remove", { ref: run.ref })}
                    onClick={() => setQuery({ runs: refs.filter((ref) => ref !== run.ref).join(",") })}
                  >
                    ✕
                  </button>
                </th>
              ))}
            </tr>
            <tr>
              <th scope="row">{t("compare.state")}</th>
              {details.map(({ run }) => (
                <td key={run.ref}>
                  <StateBadge state={run.state} />
                </td>
              ))}
            </tr>
          </thead>
          <Rows title={t("facts.param")} rows={shown(params)} none={t("compare.same")} width={width} />
          <Rows title={t("facts.metric")} rows={metrics} none={t("run.no-metrics")} width={width} />
          <Rows title={t("facts.name")} rows={shown(facts)} none={t("compare.same")} width={width} />
          {code.length > 0 && (
            <Rows title={t("compare.code")} rows={shown(code)} none={t("compare.same")} width={width} />
          )}
          {packages.length > 0 && (
            <Rows title={t("compare.packages")} rows={shown(packages)} none={t("compare.same")} width={width} />
          )}
        </table>
      </section>
      {records.error && <Waiting error={records.error} reload={records.reload} />}
      <Commands details={details} />
      {records.data?.length === details.length && <CodeDiffs refs={refs} records={records.data} />}
      <Curves details={details} />
      <Command text={refs.length === 2 ? `exp diff ${refs.join(" ")}` : `exp ls ${refs.join(" ")}`} />
    </section>
  );
}

/** What is known of how a run was made, besides its parameters. */
function factsOf({ run, resources, cwd, tags, attempts }: RunDetail): { [key: string]: JsonValue } {
  const attempt = attempts.at(-1);
  const took =
    attempt?.startedAt != null && attempt.finishedAt !== null ? duration(attempt.finishedAt - attempt.startedAt) : null;
  return {
    node: run.node,
    resources,
    cwd,
    attempt: run.attempt,
    exit_code: run.exitCode,
    duration: took,
    tags: tags.join(" "),
  };
}

function Commands({ details }: { details: readonly RunDetail[] }) {
  const commands = compareWords(
    details.map(({ command }) => (typeof command === "string" ? command.split(" ") : command)),
  );
  return (
    <>
      <h2>{t("compare.commands")}</h2>
      <ul class="commands">
        {details.map(({ run }, i) => (
          <li key={run.ref}>
            <span class="hint">{run.ref}</span>{" "}
            <code>
              {(commands[i] ?? []).map((word, at) => (
                <span key={at}>{word.differs ? <mark>{word.text}</mark> : word.text} </span>
              ))}
            </code>
          </li>
        ))}
      </ul>
    </>
  );
}
