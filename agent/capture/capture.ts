/**
 * Capture for all attempts of this agent: looks at each a few times a second with a bound on the work, adds what the host
 * sees of each, and goes on after a restart where it was. It stands around the output plane, so that all it appends to a
 * client stream is there before the stream's final size is told.
 */
import type { Logger } from "pino";
import type { CaptureOptions } from "../../shared/capture/options.ts";
import type { Clock } from "../../shared/kernel/clock.ts";
import { errorMessage } from "../../shared/kernel/errors.ts";
import type { DeviceUuid, Fence } from "../../shared/kernel/ids.ts";
import type { GpuGauges } from "../device/driver.ts";
import type { OutputPlane } from "../output/output-plane.ts";
import { AttemptCapture, type Now } from "./attempt-capture.ts";
import { Claims } from "./claims.ts";
import { FileFinder } from "./find-files.ts";
import { systemValues } from "./system-values.ts";
import { UsageSampler, type UsageTarget } from "./tree-usage.ts";

const LOOK_EVERY_MS = 250;
/** Of output, read at one look for all attempts together. */
const LOOK_BYTES_MAX = 8 * 1024 * 1024;
/** Of it for one attempt at least, so that a flood of one does not starve the others. */
const SHARE_BYTES_MIN = 256 * 1024;
const SYSTEM_TICK_MS = 1_000;
const COMPLAIN_EVERY_MS = 60_000;

/** What is known of an attempt besides its directory. */
export interface CaptureSubject {
  readonly capture: CaptureOptions;
  /** Where its command runs; undefined where that cannot be told. */
  readonly cwd: string | undefined;
  /** Unix ms of its start, or a little before. */
  readonly startedMs: number;
  /** True for an attempt of an earlier agent. */
  readonly isAdopted: boolean;
  readonly devices: readonly DeviceUuid[];
}

export interface CaptureOptionsOfAgent {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Undefined: nothing of this attempt is captured. */
  readonly subjectOf: (fence: Fence, dir: string) => CaptureSubject | undefined;
  /** The processes of an attempt; undefined while there are none. */
  readonly processesOf: (fence: Fence) => Omit<UsageTarget, "fence"> | undefined;
  readonly gauges: (devices: readonly DeviceUuid[]) => ReadonlyMap<DeviceUuid, GpuGauges>;
}

export interface CapturePlane extends OutputPlane {
  /** Bytes of an attempt's client stream that are metrics of the host, and so no sign of life of its program. */
  systemBytes(fence: Fence): number;
}

interface Watched {
  readonly fence: Fence;
  readonly subject: CaptureSubject;
  readonly attempt: AttemptCapture;
  nextSystemMs: number;
  nextComplaintMs: number;
}

export function withCapture(plane: OutputPlane, options: CaptureOptionsOfAgent): CapturePlane {
  const { clock, logger } = options;
  const watched = new Map<Fence, Watched>();
  const claims = new Claims();
  const finder = new FileFinder();
  const usage = new UsageSampler();
  const timers = [setInterval(lookAtAll, LOOK_EVERY_MS), setInterval(sampleAll, SYSTEM_TICK_MS)];
  for (const timer of timers) timer.unref();

  const now = (): Now => ({ ms: clock.monotonicMs(), seconds: clock.wallMs() / 1000 });

  function begin(fence: Fence, dir: string): void {
    try {
      const subject = options.subjectOf(fence, dir);
      if (!subject || watched.has(fence)) return;
      const { capture, cwd, startedMs } = subject;
      const attempt = new AttemptCapture({ dir, cwd, capture, startedMs, claims, finder }, now());
      const nextSystemMs = clock.monotonicMs() + capture.systemEveryMs;
      watched.set(fence, { fence, subject, attempt, nextSystemMs, nextComplaintMs: 0 });
      if (capture.system && !subject.isAdopted) usage.begin(fence, clock.monotonicMs());
    } catch (error) {
      // The run itself does not need this.
      logger.warn({ fence, error: errorMessage(error) }, "nothing of this run is captured");
    }
  }

  function lookAtAll(): void {
    const share = Math.max(SHARE_BYTES_MIN, LOOK_BYTES_MAX / Math.max(1, watched.size));
    for (const each of watched.values()) {
      guarded(each, () => {
        if (each.attempt.look(share, now())) plane.nudge(each.fence);
      });
    }
  }

  function sampleAll(): void {
    const nowMs = clock.monotonicMs();
    const due = [...watched.values()].filter(
      ({ subject, nextSystemMs }) => subject.capture.system && nowMs >= nextSystemMs,
    );
    if (due.length === 0) return;
    const targets = due.flatMap(({ fence }) => {
      const processes = options.processesOf(fence);
      return processes ? [{ fence, ...processes }] : [];
    });
    const used = usage.sample(targets, nowMs);
    for (const each of due) {
      each.nextSystemMs = nowMs + each.subject.capture.systemEveryMs;
      const { devices } = each.subject;
      const values = systemValues(used.get(each.fence), devices, options.gauges(devices));
      if (Object.keys(values).length === 0) continue;
      guarded(each, () => each.attempt.addSystem(values, now()));
    }
  }

  /** What fails here (a full disk) is said once a minute, and tried again at the next look. */
  function guarded(each: Watched, work: () => void): void {
    try {
      work();
    } catch (error) {
      if (clock.monotonicMs() < each.nextComplaintMs) return;
      each.nextComplaintMs = clock.monotonicMs() + COMPLAIN_EVERY_MS;
      logger.warn({ fence: each.fence, error: errorMessage(error) }, "not captured; trying on");
    }
  }

  /** `goesOn`: another agent will want to know how far it is. */
  function leave(each: Watched, goesOn: boolean): void {
    watched.delete(each.fence);
    usage.forget(each.fence);
    guarded(each, () => each.attempt.close(now(), goesOn));
  }

  return {
    ...plane,
    watch: (fence, dir, from) => {
      begin(fence, dir);
      plane.watch(fence, dir, from);
    },
    end: (fence) => {
      const each = watched.get(fence);
      if (each) {
        guarded(each, () => each.attempt.finish(now()));
        leave(each, false);
      }
      return plane.end(fence);
    },
    forget: (fence) => {
      const each = watched.get(fence);
      if (each) leave(each, false);
      plane.forget(fence);
    },
    close: () => {
      for (const timer of timers) clearInterval(timer);
      for (const each of [...watched.values()]) leave(each, true);
      return plane.close();
    },
    systemBytes: (fence) => watched.get(fence)?.attempt.systemBytes ?? 0,
  };
}
