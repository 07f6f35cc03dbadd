/** What the parts of one simulation share. */
import type { react as agentReact } from "../../agent/core/react.ts";
import type { react as coordinatorReact } from "../../coordinator/core/react.ts";
import type { CoreSettings } from "../../coordinator/core/settings.ts";
import type { RunId } from "../../shared/kernel/ids.ts";
import type { Checks } from "./checks.ts";
import type { Program } from "./host.ts";
import type { Network } from "./network.ts";
import type { FaultPlan } from "./plan.ts";
import type { Prng } from "./prng.ts";
import type { Timeline } from "./timeline.ts";
import type { Trace } from "./trace.ts";

export interface World {
  readonly timeline: Timeline;
  readonly prng: Prng;
  readonly trace: Trace;
  readonly network: Network;
  readonly checks: Checks;
  readonly plan: FaultPlan;
  readonly settings: CoreSettings;
  readonly plant: Plant;
  programOf(runId: RunId): Program;
  /** Wall clock of the coordinator; jumps. */
  wallMs(): number;
  /** False once the faults are over and everything must come to its end. */
  faulty: boolean;
}

/** A bug put in from outside: the cores wrapped, or a driver that does its steps in the wrong order. */
export interface Plant {
  readonly coordinatorReact?: typeof coordinatorReact;
  readonly agentReact?: typeof agentReact;
  readonly settings?: CoreSettings;
  /** The coordinator sends before it commits. */
  readonly dispatchFirst?: true;
  /** The agent acts before it journals. */
  readonly actFirst?: true;
  /** The claim file is made without looking whether it is there. */
  readonly sharedClaim?: true;
  /** The agent looks at frames of any stream. */
  readonly anyStream?: true;
  /** The agent says clean without having killed what is left. */
  readonly cleanUnseen?: true;
}
