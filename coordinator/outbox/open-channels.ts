/** Makes the channels that the file names. */
import type { Logger } from "pino";
import { unreachable } from "../../shared/kernel/assert.ts";
import type { Clock } from "../../shared/kernel/clock.ts";
import type { RunFiles } from "./bitable/attachments.ts";
import { createBitableChannel } from "./bitable/channel.ts";
import { createBitableClient } from "./bitable/client.ts";
import type { Channel } from "./channel.ts";
import { createBotChannel, createSlackChannel, createWebhookChannel } from "./channels/messages.ts";
import type { ChannelsFile } from "./channels-file.ts";
import { createMlflowClient } from "./mlflow/client.ts";
import { createMlflowTracker } from "./mlflow/tracker.ts";
import { createTrackerChannel } from "./run-tracker.ts";
import type { SharedRuns } from "./shared-run.ts";
import { createTensorboardTracker } from "./tensorboard/tracker.ts";
import type { TrackedRuns } from "./tracked-runs.ts";
import { createHelperProcess } from "./wandb/helper-process.ts";
import { createWandbTracker } from "./wandb/tracker.ts";

export interface ChannelDeps {
  readonly clock: Pick<Clock, "wallMs" | "monotonicMs">;
  readonly runs: TrackedRuns;
  readonly shared: SharedRuns;
  readonly files: RunFiles;
  readonly logger: Pick<Logger, "warn">;
}

export function openChannels(file: ChannelsFile, { clock, runs, shared, files, logger }: ChannelDeps): Channel[] {
  const wallMs = () => clock.wallMs();
  const messages = file.messages.map((target) => {
    switch (target.kind) {
      case "slack":
        return createSlackChannel(target, wallMs);
      case "feishu":
      case "lark":
        return createBotChannel(target, wallMs);
      case "webhook":
        return createWebhookChannel(target, wallMs);
      default:
        return unreachable(target.kind);
    }
  });
  const tables = file.tables.map(({ createFields, ...target }) =>
    createBitableChannel({
      target,
      client: createBitableClient(target, () => clock.monotonicMs()),
      runs,
      createFields,
      files,
      logger,
    }),
  );
  const trackers = [
    ...file.mlflow.map(({ name, prefix, access }) =>
      createMlflowTracker({ name, prefix, client: createMlflowClient(access), logger }),
    ),
    ...file.wandb.map(({ name, access, entity, project }) =>
      createWandbTracker({ name, helper: createHelperProcess(access), entity, project }),
    ),
    ...file.tensorboard.map(({ name, directory }) => createTensorboardTracker(name, directory)),
  ];
  return [
    ...messages,
    ...tables,
    ...trackers.map((tracker) => createTrackerChannel({ tracker, runs: shared, logger })),
  ];
}
