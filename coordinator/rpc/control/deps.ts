/** What the read verbs and the HTTP API read from. */
import type { Clock } from "../../../shared/kernel/clock.ts";
import type { Fence, SweepId } from "../../../shared/kernel/ids.ts";
import type { SweepDetail } from "../../../shared/run/dashboard.ts";
import type { ChannelState } from "../../../shared/run/notify.ts";
import type { StreamName } from "../../../shared/subjects.ts";
import type { Cluster } from "../../core/cluster.ts";
import type { Feed } from "../../feed.ts";
import type { Queries } from "../../store/queries/queries.ts";

export interface ReadDeps {
  readonly queries: Queries;
  /** Read only. */
  readonly cluster: Cluster;
  readonly feed: Feed;
  readonly clock: Clock;
  /** Absolute directory of all results. */
  readonly resultsRoot: string;
  /** Directory of the run that an attempt belongs to. */
  resultsDir(fence: Fence): string | undefined;
  /** File in which a stream of an attempt is stored; undefined before its first byte. */
  outputPath(fence: Fence, stream: StreamName): string | undefined;
  /** How the bus is, and the version of the server. */
  health(): { readonly connected: boolean; readonly reason: string; readonly serverVersion: string };
  /** Channels for messages and runs, and how they are. */
  channels(): readonly ChannelState[];
  addresses(): { readonly http: string };
  /** What the reading thread knows of a sweep; absent: lists of sweeps tell no progress. */
  readonly sweepDetail?: (id: SweepId) => Promise<SweepDetail>;
  /** Version of this program. */
  readonly version: string;
}
