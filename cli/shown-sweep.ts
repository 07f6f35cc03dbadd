/** What a reference means where one sweep or one run is shown. */
import type { Sweep } from "../proto/gen/runner/v1/control.ts";
import type { Client } from "./client.ts";

/**
 * The sweep that is meant; undefined: a run, or nothing. A sweep of one run is named by the same words as its run: what looks
 * like a sweep is shown as one.
 */
export async function shownSweep(client: Client, ref: string): Promise<Sweep | undefined> {
  const [sweep] = await client.listSweeps([ref], 1);
  const isMeant = sweep && (ref === sweep.ref || ref === sweep.name || /^last(?:~\d+)?$/.test(ref));
  return isMeant ? sweep : undefined;
}
