/** Files of a run's results: what it wrote besides its output. None is shown or run by the browser; each is saved. */
import { useSignal } from "@preact/signals";
import type { FilesAnswer } from "../../../shared/run/dashboard.ts";
import { get, request } from "../api.ts";
import { bytes, time } from "../format.ts";
import { t } from "../i18n/i18n.ts";
import { useLoaded } from "../loading.ts";
import { CsvButton, downloadBlob, Waiting } from "../widgets/parts.tsx";

/** Rows drawn at first. */
const FEW = 30;

/** `live`: more may come; read again when the run's state changes. */
export function Files({ run, state }: { run: string; state: string }) {
  const path = `/runs/${encodeURIComponent(run)}`;
  const answer = useLoaded((signal) => get<FilesAnswer>(`${path}/files`, signal), [run, state]);
  const withAll = useSignal(false);
  const problem = useSignal("");
  const save = async (file: string) => {
    try {
      problem.value = "";
      const response = await request(`${path}/file?${new URLSearchParams({ path: file })}`);
      downloadBlob(file.slice(file.lastIndexOf("/") + 1), await response.blob());
    } catch (error) {
      problem.value = error instanceof Error ? error.message : String(error);
    }
  };
  if (!answer.data) return answer.error ? <Waiting error={answer.error} reload={answer.reload} /> : null;
  const { files, more, none } = answer.data;
  if (files.length === 0 && none === null) return null;
  const shown = withAll.value ? files : files.slice(0, FEW);
  return (
    <section>
      <h2>{t("run.files")}</h2>
      {none !== null && <p class="hint">{none}</p>}
      {shown.length > 0 && (
        <table>
          <tbody>
            {shown.map((file) => (
              <tr key={file.path}>
                <th scope="row" class="mono wrap">
                  {file.path}
                </th>
                <td class="number">{bytes(file.sizeBytes)}</td>
                <td class="hint">{time(file.modifiedAt)}</td>
                <td>
                  <button
                    type="button"
                    aria-label={`${t("run.save-file")}: ${file.path}`}
                    onClick={() => void save(file.path)}
                  >
                    {t("run.save-file")}
                  </button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {shown.length < files.length && (
        <button
          type="button"
          onClick={() => {
            withAll.value = true;
          }}
        >
          {t("run.all-files", { count: files.length })}
        </button>
      )}
      {more && <p class="hint">{t("run.more-files", { count: files.length })}</p>}
      {files.length > 0 && (
        <CsvButton
          file={`${run}-files.csv`}
          header={["path", "size_bytes", "modified"]}
          rows={() => files.map((one) => [one.path, one.sizeBytes, new Date(one.modifiedAt).toISOString()])}
        />
      )}
      {problem.value !== "" && (
        <p class="problem" role="alert">
          {problem.value}
        </p>
      )}
    </section>
  );
}
