/** The value of a metric at a step, from the stored stream of an attempt: by it the best checkpoints are told. */
import { type ClientEvent, numericCells, parseClientLine } from "../../shared/run/client-event.ts";
import { CLIENT_LINE_BYTES_MAX } from "../../shared/run/limits.ts";
import { openStored, readLines } from "../rpc/control/stored-file.ts";

export interface Moment {
  /** null: not known, and the time counts. */
  readonly step: number | null;
  /** Unix ms. */
  readonly at: number;
}

export interface Score {
  /** The last one up to the moment; null where there is none. */
  readonly value: number | null;
  /** The stream goes on behind the moment: nothing that is still to come can change it. */
  readonly isSure: boolean;
}

/** Of the first `end` bytes of the stream. */
export async function scoreAt(path: string | undefined, end: number, metric: string, moment: Moment): Promise<Score> {
  const file = await openStored(path);
  if (!file) return { value: null, isSure: false };
  const sign = JSON.stringify(metric);
  let score: number | null = null;
  let isSure = false;
  try {
    for await (const line of readLines(file, end, CLIENT_LINE_BYTES_MAX)) {
      const isOfMetric = line.includes(sign);
      if (!isOfMetric && isSure) continue;
      const event = parseClientLine(line);
      isSure ||= (event?.at ?? 0) * 1000 >= moment.at;
      const value = event && isOfMetric ? valueIn(event, metric, moment) : undefined;
      if (value !== undefined && Number.isFinite(value)) score = value;
    }
  } finally {
    await file.close();
  }
  return { value: score, isSure };
}

/** Of an event that is not after the moment. */
function valueIn(event: ClientEvent, metric: string, { step, at }: Moment): number | undefined {
  const isEarlier = (event.at ?? 0) * 1000 <= at;
  if (event.kind === "row") return isEarlier ? numericCells(event).get(metric) : undefined;
  if (event.kind !== "metric") return undefined;
  const value = event.values.get(metric);
  const isBefore = step !== null && event.step !== undefined ? event.step <= step : isEarlier;
  return isBefore && typeof value === "number" ? value : undefined;
}
