/** Tries the channels of the file without a coordinator: messages are sent, what takes runs is looked at. */
import type { Clock } from "../../shared/kernel/clock.ts";
import { errorMessage } from "../../shared/kernel/errors.ts";
import type { RunFiles } from "./bitable/attachments.ts";
import type { ChannelsFile } from "./channels-file.ts";
import { openChannels } from "./open-channels.ts";
import type { SharedRuns } from "./shared-run.ts";
import type { TrackedRuns } from "./tracked-runs.ts";

export interface ProbeLine {
  readonly name: string;
  readonly ok: boolean;
  /** Without secrets. */
  readonly text: string;
}

const PROBE_MS_MAX = 30_000;
const NO_RUNS: TrackedRuns & SharedRuns = {
  get: () => undefined,
  remoteId: () => undefined,
  setRemoteId: () => {},
  memo: () => undefined,
  setMemo: () => {},
};

const NO_FILES: RunFiles = { of: () => [], read: async () => Buffer.alloc(0) };

/** All at once; in the order of the file. */
export async function probeChannels(file: ChannelsFile, clock: Pick<Clock, "wallMs" | "monotonicMs">) {
  const none = { runs: NO_RUNS, shared: NO_RUNS, files: NO_FILES, logger: { warn: () => {} } };
  const channels = openChannels(file, { clock, ...none });
  const hidden = (text: string) => file.secrets.reduce((shown, secret) => shown.replaceAll(secret, "***"), text);
  return await Promise.all(
    channels.map(async (channel): Promise<ProbeLine> => {
      const { name } = channel;
      try {
        return { name, ok: true, text: hidden(await channel.probe(AbortSignal.timeout(PROBE_MS_MAX))) };
      } catch (error) {
        return { name, ok: false, text: hidden(errorMessage(error)) };
      } finally {
        await channel.close?.();
      }
    }),
  );
}
