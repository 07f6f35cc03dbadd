/** Makes the channels that the file names. */
import { unreachable } from "../../shared/kernel/assert.ts";
import type { Channel } from "./channel.ts";
import { createBotChannel, createSlackChannel, createWebhookChannel } from "./channels/messages.ts";
import type { ChannelsFile } from "./channels-file.ts";

export function openChannels(file: ChannelsFile, wallMs: () => number): Channel[] {
  return file.messages.map((target) => {
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
}
