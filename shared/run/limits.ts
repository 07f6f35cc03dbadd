/** Limits, named and in one place. Each is checked where data enters, and tested at the limit and one above. */

/** Runs of one sweep, whatever its file says. */
export const RUNS_PER_SWEEP_MAX = 1_000_000;
/** Points of one sweep before `where`, unless its file asks for more; checked by multiplication before anything is built. */
export const POINTS_DEFAULT_MAX = 100_000;
/** Bytes of one sweep file. */
export const SPEC_BYTES_MAX = 8 * 1024 * 1024;
/** Bytes of one gRPC message, either way. */
export const GRPC_MESSAGE_BYTES_MAX = 16 * 1024 * 1024;
/** Bytes of one published output message. */
export const OUTPUT_MESSAGE_BYTES_MAX = 256 * 1024;
/** Bytes of one line that is read as a client event; a longer one is kept as bytes and not parsed. */
export const CLIENT_LINE_BYTES_MAX = 64 * 1024;
/** Metric names of one run; further ones are kept in the stream but not summarised. */
export const METRIC_KEYS_MAX = 10_000;
/** Attempts of one run lost to host trouble in a row before it is held. */
export const CRASHES_BEFORE_HOLD = 5;
export const NAME_CHARS_MAX = 128;
export const DEVICES_PER_RUN_MAX = 1024;
/** Nodes that one run takes at once. */
export const NODES_PER_RUN_MAX = 64;
export const CPU_SLOTS_MAX = 4096;
/** Bytes of the parameters of one run, as JSON. */
export const PARAMS_BYTES_MAX = 64 * 1024;
/** Bytes of the parameters of all runs of one sweep, checked by multiplication before anything is built. */
export const SWEEP_PARAMS_BYTES_MAX = 512 * 1024 * 1024;
/** Priorities go from minus this to this. */
export const PRIORITY_MAX = 1_000_000;
export const RETRIES_MAX = 1000;
/** Longest time limit or grace that a sweep file may name. */
export const DURATION_MS_MAX = 366 * 86_400_000;
/** Words of a command that is written as a list. */
export const COMMAND_WORDS_MAX = 10_000;
/** Files of the code that `[identity] include = ["code"]` counts. */
export const CODE_FILES_MAX = 20_000;
/** Bytes of them. */
export const CODE_BYTES_MAX = 256 * 1024 * 1024;
/** Bytes of one frame of a content on its way. */
export const CONTENT_FRAME_BYTES = 512 * 1024;
/** Bytes of one part of a content that is sent over HTTP. */
export const CONTENT_PART_BYTES_MAX = 4 * 1024 * 1024;
/** Bytes of one content that is sent over gRPC. */
export const CONTENT_BYTES_MAX = CODE_BYTES_MAX;
/** Contents of one call. */
export const CONTENTS_PER_CALL_MAX = CODE_FILES_MAX + 1;
/** Bytes of the difference to the commit that is kept of a sweep. */
export const CODE_DIFF_BYTES_MAX = 256 * 1024;
/** Of what people write on a run. */
export const TAGS_MAX = 50;
export const NOTE_CHARS_MAX = 20_000;
/** Names of untracked files that are kept of a sweep. */
export const UNTRACKED_NAMES_MAX = 1_000;
