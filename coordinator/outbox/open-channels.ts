/** Makes the channels that the file names. */
import type { Logger } from "pino";
import { unreachable } from "../../shared/kernel/assert.ts";
import type { Clock } from "../../shared/kernel/clock.ts";
import { createBitableChannel } from "./bitable/channel.ts";
import { createBitableClient } from "./bitable/client.ts";
import type { Channel } from "./channel.ts";
import { createBotChannel, createSlackChannel, createWebhookChannel } from "./channels/messages.ts";
import type { ChannelsFile } from "./channels-file.ts";
import type { TrackedRuns } from "./tracked-runs.ts";

export interface ChannelDeps {
  readonly clock: Pick<Clock, "wallMs" | "monotonicMs">;
  readonly runs: TrackedRuns;
  readonly logger: Pick<Logger, "warn">;
}

export function openChannels(file: ChannelsFile, { clock, runs, logger }: ChannelDeps): Channel[] {
  const wallMs = () => clock.wallMs();
  const messages = file.messages.map((target) => {
    switch (target.kind) {
      case "slack":
        return createSlackChannel(target);
      case "feishu":
      case "lark":
        return createBotChannel(target, wallMs);
      case "webhook":
        return createWebhookChannel(target);
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
      logger,
    }),
  );
  return [...messages, ...tables];
}
