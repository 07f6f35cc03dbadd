/** [P] Work in steps, one after the other, until it is closed: slowly while there is none, and ever slower while it fails. */

export interface StepLoopOptions {
  /** True where something was done. Throws where it is to be tried again later. */
  readonly step: () => Promise<boolean>;
  readonly random: () => number;
  /** A problem that is new. */
  readonly onProblem: (problem: unknown) => void;
  /** The first step that is done after a problem. */
  readonly onMended: () => void;
}

export interface StepLoop {
  /** Goes on at once. */
  wake(): void;
  /** Resolves when the step in work is over. */
  close(): Promise<void>;
}

const IDLE_MS = 300;
const PAUSE_MS_MAX = 15_000;
const PAUSE_MS_MIN = 500;

export function startStepLoop({ step, random, onProblem, onMended }: StepLoopOptions): StepLoop {
  let isClosed = false;
  let failures = 0;
  let endPause: (() => void) | undefined;
  const working = work();

  async function work(): Promise<void> {
    while (!isClosed) {
      try {
        if (await step()) {
          if (failures > 0) onMended();
          failures = 0;
        } else await pause(IDLE_MS);
      } catch (error) {
        if (isClosed) return;
        failures += 1;
        onProblem(error);
        await pause(Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** Math.min(failures, 6)) * (0.5 + random() / 2));
      }
    }
  }

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      if (isClosed) return resolve();
      const over = () => {
        clearTimeout(waiting);
        endPause = undefined;
        resolve();
      };
      const waiting = setTimeout(over, ms);
      waiting.unref();
      endPause = over;
    });
  }

  return {
    wake: () => endPause?.(),
    close: () => {
      isClosed = true;
      endPause?.();
      return working;
    },
  };
}
