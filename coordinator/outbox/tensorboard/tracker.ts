/**
 * Runs as TensorBoard's log directory: `DIRECTORY/SWEEP/RUN/events.out.tfevents.…`, one file for each attempt. The same points
 * are the same bytes, and the store knows how long a file was when they were written: after a kill they are written again over
 * themselves, so a reader sees each point once.
 */
import { access, constants, type FileHandle, mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import { errorMessage, systemCode } from "../../../shared/kernel/errors.ts";
import { CallError } from "../http-call.ts";
import { type PortionToSend, RunGone, type Tracker } from "../run-tracker.ts";
import type { SharedAttempt } from "../shared-run.ts";
import { scalarsFrame, versionFrame } from "./event-bytes.ts";

/** Values of one portion. */
const VALUES_MAX = 10_000;
/** Values of one frame: a step of thousands would be slow to read. */
const VALUES_PER_FRAME = 500;

/** `directory`: absolute. */
export function createTensorboardTracker(name: string, directory: string): Tracker {
  return {
    name,
    valuesMax: VALUES_MAX,
    open: async (run) => join(run.record.sweepRef, run.record.runRef),
    async send(_run, remote, portion) {
      const path = join(directory, remote, fileName(portion.attempt));
      const bytes = bytesOf(portion);
      return await orCallError(path, async () => {
        await mkdir(join(directory, remote), { recursive: true });
        await using file = await openToWrite(path);
        if ((await file.stat()).size < portion.mark) throw new RunGone("its event file is shorter than it was");
        for (let done = 0; done < bytes.length; ) {
          done += (await file.write(bytes, done, bytes.length - done, portion.mark + done)).bytesWritten;
        }
        await file.datasync();
        return portion.mark + bytes.length;
      });
    },
    description: () => "",
    describe: async () => {},
    async probe() {
      return await orCallError(directory, async () => {
        await mkdir(directory, { recursive: true });
        await access(directory, constants.W_OK);
        return `${directory} can be written`;
      });
    },
  };
}

/** TensorBoard reads the files of a directory by their names, which begin with a time. */
export function fileName({ assignedAt, number, fence }: SharedAttempt): string {
  const seconds = String(Math.floor(assignedAt / 1000)).padStart(10, "0");
  return `events.out.tfevents.${seconds}.expfleet.${number}.${fence}`;
}

function bytesOf({ attempt, points, mark }: PortionToSend): Buffer {
  const frames = mark === 0 ? [versionFrame(attempt.assignedAt / 1000)] : [];
  for (const { step, at, values } of points) {
    const scalars = Array.from(values, ([tag, value]) => ({ tag, value }));
    for (let from = 0; from < scalars.length; from += VALUES_PER_FRAME) {
      frames.push(scalarsFrame(step, at / 1000, scalars.slice(from, from + VALUES_PER_FRAME)));
    }
  }
  return Buffer.concat(frames);
}

/** Where it is there its bytes stay: they are written over, not behind. */
async function openToWrite(path: string): Promise<FileHandle> {
  return await open(path, constants.O_WRONLY | constants.O_CREAT, 0o644);
}

/** A full disk or a missing right may be mended. */
async function orCallError<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    throw new CallError(`${path}: ${errorMessage(error)}`, true);
  }
}
