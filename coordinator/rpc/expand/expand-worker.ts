/**
 * The expanding thread: reads a sweep file and makes its points, away from the thread that answers heartbeats. However large
 * or odd a file is, only whoever sent it waits.
 */
import { parentPort } from "node:worker_threads";
import { importedNameOf } from "../../../shared/compat/imported-name.ts";
import { required } from "../../../shared/kernel/assert.ts";
import { AppError, faultText, refusalOf } from "../../../shared/kernel/errors.ts";
import { specError } from "../../../shared/spec/problems.ts";
import { readSweep } from "../../../shared/spec/read-sweep.ts";
import type { ExpandedSweep, ImportedName, SweepPoint } from "../../../shared/spec/types.ts";
import { type ExpandReply, type ExpandRequest, type PointSlice, SLICE_POINTS } from "./messages.ts";

const port = required(parentPort, "the port to the main thread");

port.on("message", ({ source, files, digests, names, numbers, credits }: ExpandRequest) => {
  try {
    const texts = new Map(files);
    const read = readSweep({ ...source, readFile: (path) => texts.get(path) }, digests, numbers);
    if ("problems" in read) throw specError(read.problems);
    const { sweep: settings, points: _, ...rest } = read.sweep;
    reply({ kind: "head", head: { settings, ...rest } });
    sendPoints(read.sweep, names, new Int32Array(credits));
    reply({ kind: "end" });
  } catch (error) {
    if (error instanceof AppError) reply({ kind: "refused", refusal: refusalOf(error) });
    else reply({ kind: "broken", message: faultText(error) });
  }
});

function reply(message: ExpandReply): void {
  port.postMessage(message);
}

function sendPoints(sweep: ExpandedSweep, names: boolean, credits: Int32Array): void {
  const nameOf = names ? (point: SweepPoint) => importedNameOf(sweep.sweep, sweep.params, point) : undefined;
  let points: SweepPoint[] = [];
  for (const point of sweep.points) {
    points.push(point);
    if (points.length < SLICE_POINTS) continue;
    if (!mayGoOn(credits)) return;
    reply({ kind: "slice", slice: sliceOf(points, nameOf) });
    points = [];
  }
  if (points.length > 0 && mayGoOn(credits)) reply({ kind: "slice", slice: sliceOf(points, nameOf) });
}

/** Waits until a slice is wanted; false when none is any more. */
function mayGoOn(credits: Int32Array): boolean {
  while (Atomics.load(credits, 0) === 0) Atomics.wait(credits, 0, 0);
  return Atomics.sub(credits, 0, 1) > 0;
}

type NameOf = (point: SweepPoint) => ImportedName | undefined;

function sliceOf(points: readonly SweepPoint[], nameOf: NameOf | undefined): PointSlice {
  return {
    paramsJson: points.map((point) => point.paramsJson),
    fingerprint: points.map((point) => point.fingerprint),
    shape: Uint32Array.from(points, (point) => point.shape),
    priority: points.map((point) => point.priority),
    imported: nameOf && points.map(nameOf),
  };
}
