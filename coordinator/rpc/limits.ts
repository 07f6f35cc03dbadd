/** What a peer may cost a server of ours, in one place. */
import { GRPC_MESSAGE_BYTES_MAX } from "../../shared/run/limits.ts";

/** Bytes of names and values of the metadata of one call. */
export const METADATA_BYTES_MAX = 16 * 1024;
/** Calls at a time on one connection. */
export const STREAMS_PER_CONNECTION_MAX = 256;
/** Silence on a connection before it is asked for a sign of life, and how long that may take. */
export const KEEPALIVE_TIME_MS = 20_000;
export const KEEPALIVE_TIMEOUT_MS = 10_000;

/** Failed logins of one address within the window before it is told to wait. */
export const LOGIN_FAILURES_MAX = 10;
export const LOGIN_WINDOW_MS = 60_000;
/** Addresses whose failures are remembered. */
export const LOGIN_ADDRESSES_MAX = 10_000;

/** Options of the grpc-js server. */
export const SERVER_OPTIONS = {
  "grpc.max_receive_message_length": GRPC_MESSAGE_BYTES_MAX,
  "grpc.max_send_message_length": GRPC_MESSAGE_BYTES_MAX,
  "grpc.max_concurrent_streams": STREAMS_PER_CONNECTION_MAX,
  "grpc.keepalive_time_ms": KEEPALIVE_TIME_MS,
  "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_MS,
  "grpc.keepalive_permit_without_calls": 1,
} as const;
