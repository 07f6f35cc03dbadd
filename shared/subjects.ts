/** Names on the bus. */
import type { Fence } from "./kernel/ids.ts";

export const OUTPUT_STREAM = "EXP_OUTPUT";
export const OUTPUT_CONSUMER = "coordinator";
export const OUTPUT_SUBJECTS = "exp.v1.>";

/** The append-only byte streams of an attempt. */
export const STREAM_NAMES = ["output", "client", "status"] as const;
export type StreamName = (typeof STREAM_NAMES)[number];

export const OFFSET_HEADER = "Exp-Offset";
export const CRC_HEADER = "Exp-Crc32";

export interface OutputAddress {
  /** Agent id, which is safe as a subject token. */
  readonly agent: string;
  readonly fence: Fence;
  readonly stream: StreamName;
}

/** `exp.v1.<agent>.<fence>.<stream>` */
export function outputSubject(address: OutputAddress): string {
  return `exp.v1.${address.agent}.${address.fence}.${address.stream}`;
}

/** The address in a subject; undefined where it is not one of ours. */
export function parseOutputSubject(subject: string): OutputAddress | undefined {
  const match = /^exp\.v1\.([A-Za-z0-9_-]{1,64})\.(\d{1,15})\.(output|client|status)$/.exec(subject);
  if (!match) return undefined;
  return { agent: match[1] ?? "", fence: Number(match[2]) as Fence, stream: match[3] as StreamName };
}

/** `<fence>.<stream>.<offset>`: lets the server drop a repeat within its window; the offset makes any repeat harmless. */
export function outputMessageId(address: OutputAddress, offset: number): string {
  return `${address.fence}.${address.stream}.${offset}`;
}
