/** What a run keeps of its files: how far each is, and how to have it. None is shown or run by the browser. */
import { useSignal } from "@preact/signals";
import type { ArtifactView } from "../../../shared/run/artifacts.ts";
import { get, request } from "../api.ts";
import { bytes, time } from "../format.ts";
import { t } from "../i18n/i18n.ts";
import { useLoaded } from "../loading.ts";
import { Command, CsvButton, downloadBlob, Waiting } from "../widgets/parts.tsx";

/** Rows drawn at first: the newest. */
const FEW = 20;
/** A larger one does not go through the memory of a page. */
const SAVED_BYTES_MAX = 256 * 1024 * 1024;

export function Artifacts({ run }: { run: string }) {
  const path = `/runs/${encodeURIComponent(run)}/artifacts`;
  const answer = useLoaded((signal) => get<ArtifactView[]>(path, signal), [run], [`run:${run}`]);
  const withAll = useSignal(false);
  const problem = useSignal("");
  const save = async ({ id, name }: ArtifactView) => {
    try {
      problem.value = "";
      const response = await request(`${path}/${id}`);
      downloadBlob(name.slice(name.lastIndexOf("/") + 1), await response.blob());
    } catch (error) {
      problem.value = error instanceof Error ? error.message : String(error);
    }
  };
  if (!answer.data) return answer.error ? <Waiting error={answer.error} reload={answer.reload} /> : null;
  const all = answer.data.filter(({ state }) => state !== "removed");
  if (all.length === 0) return null;
  const pending = all.filter(({ state }) => state === "pending").length;
  const shown = withAll.value ? all : all.slice(-FEW);
  return (
    <section class="artifacts">
      <h2>{t("run.artifacts")}</h2>
      {pending > 0 && <p class="hint">{t("run.artifacts-pending", { count: pending })}</p>}
      <table>
        <tbody>
          {shown.map((one) => (
            <tr key={one.id}>
              <th scope="row" class="mono wrap">
                {one.name}
              </th>
              <td>{one.kind}</td>
              <td>{one.step === null ? "" : t("run.artifact-step", { step: one.step })}</td>
              <td>{t("run.attempt", { number: one.attempt })}</td>
              <td class="number">{one.hash === "" ? "" : bytes(one.sizeBytes)}</td>
              <td>
                {t(`run.artifact-${one.state}`)}
                {one.reason !== "" && <span class="hint"> {one.reason}</span>}
              </td>
              <td class="hint">{time(one.at)}</td>
              <td>
                {one.state === "stored" && !one.folder && one.sizeBytes <= SAVED_BYTES_MAX && (
                  <button
                    type="button"
                    aria-label={`${t("run.save-file")}: ${one.name}`}
                    onClick={() => void save(one)}
                  >
                    {t("run.save-file")}
                  </button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {shown.length < all.length && (
        <button
          type="button"
          onClick={() => {
            withAll.value = true;
          }}
        >
          {t("run.all-files", { count: all.length })}
        </button>
      )}
      <CsvButton
        file={`${run}-artifacts.csv`}
        header={["name", "kind", "step", "attempt", "size_bytes", "hash", "state", "reason", "at"]}
        rows={() =>
          all.map(({ name, kind, step, attempt, sizeBytes, hash, state, reason, at }) => [
            ...[name, kind, step, attempt, hash === "" ? null : sizeBytes, hash, state, reason],
            new Date(at).toISOString(),
          ])
        }
      />
      {problem.value !== "" && (
        <p class="problem" role="alert">
          {problem.value}
        </p>
      )}
      <Command text={`exp pull ${run}`} />
    </section>
  );
}
