/**
 * Artifacts of a run in columns for attachments: those that a column is called after. Each is sent once; what the service
 * calls it is kept, as later changes of the row name it again.
 */
import type { Logger } from "pino";
import { type RunId, runId } from "../../../shared/kernel/ids.ts";
import { artifactBaseName } from "../../../shared/run/artifacts.ts";
import type { TrackedRuns } from "../tracked-runs.ts";
import { type BitableClient, BitableError, type FileToken } from "./client.ts";
import { FIELD_TYPE } from "./fields.ts";

/** What is stored of the files that runs keep. */
export interface RunFiles {
  /** Single files whose contents are there, the newest last. */
  of(id: RunId): readonly { readonly name: string; readonly hash: string; readonly sizeBytes: number }[];
  read(hash: string): Promise<Buffer>;
}

export interface AttachmentsOptions {
  /** As `kind:name`. */
  readonly channel: string;
  readonly client: BitableClient;
  readonly runs: TrackedRuns;
  readonly files: RunFiles;
  readonly logger: Pick<Logger, "warn">;
}

/** Of one call of the service. */
export const ATTACHMENT_BYTES_MAX = 20 * 1024 * 1024;

/** Gives the fields of these types that a run has files for. Throws CallError for what another try may mend. */
export function createAttachments({ channel, client, runs, files, logger }: AttachmentsOptions) {
  const warned = new Set<string>();

  async function tokenOf(run: string, file: ReturnType<RunFiles["of"]>[number], signal: AbortSignal) {
    const subject = `file ${run} ${file.hash} ${file.name}`;
    const known = runs.remoteId(channel, { subject });
    if (known !== undefined) return known;
    const token = await client.upload(artifactBaseName(file.name), await files.read(file.hash), signal);
    runs.setRemoteId(channel, { subject }, token);
    return token;
  }

  return async (
    run: string,
    types: ReadonlyMap<string, number>,
    signal: AbortSignal,
  ): Promise<{ readonly [column: string]: readonly FileToken[] }> => {
    const columns = [...types].filter(([, type]) => type === FIELD_TYPE.attachment).map(([name]) => name);
    const found: { [column: string]: readonly FileToken[] } = {};
    const all = columns.length === 0 ? [] : files.of(runId(run));
    for (const column of columns) {
      const file = all.findLast(({ name }) => name === column || artifactBaseName(name) === column);
      if (!file) continue;
      try {
        if (file.sizeBytes > ATTACHMENT_BYTES_MAX) throw new BitableError(0, "larger than 20 MiB", false);
        found[column] = [{ file_token: await tokenOf(run, file, signal) }];
      } catch (error) {
        if (!(error instanceof BitableError) || error.isTransient) throw error;
        // A file that the service does not take is no reason to lose the row.
        const key = `${run} ${file.hash}`;
        if (!warned.has(key)) logger.warn({ channel, run, column, error: error.message }, "attachment not sent");
        warned.add(key);
      }
    }
    return found;
  };
}
