/** [P] What a sweep wants to be told about, and where to. The channels themselves are the coordinator's. */

export const NOTIFY_EVENTS = ["started", "failed", "finished", "best", "target"] as const;
export type NotifyEvent = (typeof NOTIFY_EVENTS)[number];

export interface NotifySettings {
  readonly on: readonly NotifyEvent[];
  /** As `kind:name`. */
  readonly to: readonly string[];
}

/** Kinds of channels that take messages; the others take runs. */
export const MESSAGE_KINDS = ["slack", "feishu", "lark", "webhook"] as const;
export type MessageKind = (typeof MESSAGE_KINDS)[number];

/** `slack:#ml` as `slack:ml`; undefined for what cannot name a channel for messages. */
export function channelName(text: string): string | undefined {
  const match = /^([a-z]+):#?([A-Za-z0-9][A-Za-z0-9._-]{0,63})$/.exec(text);
  const kind = MESSAGE_KINDS.find((each) => each === match?.[1]);
  return kind && `${kind}:${match?.[2]}`;
}

/** A table of Feishu or Lark, as its address has it. */
export interface TableName {
  readonly appToken: string;
  readonly tableId: string;
}

/** A channel as people see it. */
export interface ChannelState {
  readonly name: string;
  /** Entries. */
  readonly waiting: number;
  /** Why the last call failed, without secrets; empty where it did not. */
  readonly problem: string;
}

/** GET /channels — ways to receivers outside: messages, tables, trackers. */
export interface ChannelView {
  /** Such as "slack" or "mlflow". */
  readonly kind: string;
  /** As the file of channels has it. */
  readonly name: string;
  /** Entries that wait for their turn or for the receiver. */
  readonly waiting: number;
  /** Why the last call failed, without secrets; empty where it did not. */
  readonly problem: string;
}
