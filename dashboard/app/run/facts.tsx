/** What a run was given and where it is. */
import type { RunDetail } from "../../../shared/run/dashboard.ts";
import { bytes, formatOf, text } from "../format.ts";
import { t } from "../i18n/i18n.ts";
import { type Fact, FactTable } from "../widgets/fact-table.tsx";
import { CsvButton } from "../widgets/parts.tsx";

export function Params({ detail }: { detail: RunDetail }) {
  const entries = Object.entries(detail.run.params);
  const differing = new Set(detail.differing);
  return (
    <section>
      <h2>{t("run.params")}</h2>
      {entries.length === 0 ? (
        <p class="hint">{t("run.no-params")}</p>
      ) : (
        <>
          <table>
            <tbody>
              {entries.map(([key, value]) => (
                <tr key={key} class={differing.has(key) ? "differs" : ""}>
                  <th scope="row">{key}</th>
                  <td class="mono">{typeof value === "number" ? String(value) : text(value)}</td>
                </tr>
              ))}
            </tbody>
          </table>
          <CsvButton
            file={`${detail.run.ref}-params.csv`}
            header={["parameter", "value", "differs"]}
            rows={() => entries.map(([key, value]) => [key, value, differing.has(key)])}
          />
        </>
      )}
    </section>
  );
}

export function Facts({ detail }: { detail: RunDetail }) {
  const { command, cwd, resources, attempts, ranks, resultsDir, run } = detail;
  const attempt = attempts.at(-1);
  const ofGang = ranks.filter(({ number }) => number === attempt?.number);
  const places = ofGang.length > 0 ? ofGang : attempts.slice(-1);
  const rows: Fact[] = [
    [t("run.command"), typeof command === "string" ? command : command.join(" ")],
    [t("run.cwd"), cwd],
    [t("run.needs"), resources],
    [t("run.where"), places.map(({ node, devices }) => `${node}: ${devices.join(", ")}`).join("; ")],
    [t("run.output"), attempt ? bytes(attempt.outputBytes) : ""],
    [t("run.results"), resultsDir],
    ["id", run.id],
    ...Object.entries(run.metrics).map(
      ([key, value]): Fact => [key, typeof value === "number" ? formatOf(key)(value) : text(value)],
    ),
  ];
  return (
    <section>
      <h2>{t("run.facts")}</h2>
      <FactTable file={`${run.ref}-facts.csv`} rows={rows} valueClass="mono wrap" />
    </section>
  );
}
