/**
 * A table of Feishu or Lark with one row for each run: made when the run begins, changed as it goes on. The row of a run is
 * known by its record id; where an answer was lost, it is looked for by the run's name before another is made. Rows that
 * programs save for the table are added as they come.
 */
import { hash } from "node:crypto";
import type { Logger } from "pino";
import { required } from "../../../shared/kernel/assert.ts";
import { runId } from "../../../shared/kernel/ids.ts";
import type { OutboxEntry } from "../../store/outbox.ts";
import { type Channel, type Delivery, DONE } from "../channel.ts";
import { CallError } from "../http-call.ts";
import { type RunTarget, savedRowOf, type TrackedRuns } from "../tracked-runs.ts";
import { createAttachments, type RunFiles } from "./attachments.ts";
import { type BitableClient, BitableError, CODE, type RecordFields } from "./client.ts";
import { FIELD_TYPE, fieldTypeOf, fieldValue, type Row } from "./fields.ts";
import { RUN_COLUMN, rowOfCells, rowOfRun } from "./row.ts";

export interface BitableOptions {
  readonly target: RunTarget;
  readonly client: BitableClient;
  readonly runs: TrackedRuns;
  /** False: columns that the table does not have are left out. */
  readonly createFields: boolean;
  readonly files: RunFiles;
  readonly logger: Pick<Logger, "warn">;
}

/** Records of one call. */
const BATCH_MAX = 500;
/** Conditions of one search. */
const SEARCH_MAX = 50;

interface Wanted {
  readonly entry: OutboxEntry;
  readonly ref: string;
  readonly row: Row;
}

export function createBitableChannel(options: BitableOptions): Channel {
  const { target, client, runs, createFields, files, logger } = options;
  const attachments = createAttachments({ channel: target.name, client, runs, files, logger });
  const warned = new Set<string>();

  async function deliver(entries: readonly OutboxEntry[], signal: AbortSignal): Promise<readonly Delivery[]> {
    const deliveries = new Map<OutboxEntry, Delivery>();
    const ofRuns = entries.filter((entry) => !savedRowOf(entry));
    for (const [i, delivery] of (await deliverRuns(ofRuns, signal)).entries()) {
      const entry = ofRuns[i];
      if (entry) deliveries.set(entry, delivery);
    }
    let wait: Delivery | undefined;
    for (const entry of entries) {
      const saved = savedRowOf(entry);
      if (!saved) continue;
      // Where one has to wait, those behind it do too, and stay behind it.
      const delivery = wait ?? (await deliverSaved(entry, rowOfCells(saved.cells), signal));
      if (delivery.kind === "later") wait = delivery;
      deliveries.set(entry, delivery);
    }
    return entries.map((entry) => required(deliveries.get(entry), "what became of an entry"));
  }

  /** One record of one call: by its token the service knows a row that comes again after a lost answer. */
  async function deliverSaved(entry: OutboxEntry, row: Row, signal: AbortSignal): Promise<Delivery> {
    try {
      const types = await fieldTypes([row], signal);
      await client.create([recordOf(row, types)], uuidOf([entry.id]), signal);
      return { kind: "done", isLast: true };
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      if (error instanceof BitableError && error.code === CODE.fieldGone) client.forgetFields();
      else if (!error.isTransient) return { kind: "refused", error: error.message };
      return { kind: "later", error: error.message, ...(error.afterMs !== undefined && { afterMs: error.afterMs }) };
    }
  }

  async function deliverRuns(entries: readonly OutboxEntry[], signal: AbortSignal): Promise<readonly Delivery[]> {
    const wanted = entries.flatMap((entry): Wanted[] => {
      const run = runs.get(runId(entry.subject));
      return run ? [{ entry, ref: run.record.ref, row: rowOfRun(run.record, run.project) }] : [];
    });
    try {
      await write(wanted, signal);
    } catch (error) {
      if (!(error instanceof BitableError)) throw error;
      if (isOfOneRow(error)) return await apart(entries, error, signal);
      if (error.code === CODE.fieldGone) client.forgetFields();
      // Somebody deleted rows: they are looked for, and made again.
      else if (error.code === CODE.recordGone)
        for (const { entry } of wanted) runs.setRemoteId(target.name, entry, undefined);
      else throw error;
      return entries.map(() => ({ kind: "later", error: error.message, afterMs: 0 }));
    }
    return entries.map(() => DONE);
  }

  /** A row that the service refuses does not take the others along. */
  async function apart(
    entries: readonly OutboxEntry[],
    error: BitableError,
    signal: AbortSignal,
  ): Promise<readonly Delivery[]> {
    if (entries.length === 1) return [{ kind: "refused", error: error.message }];
    const middle = Math.ceil(entries.length / 2);
    const first = await deliverRuns(entries.slice(0, middle), signal);
    return [...first, ...(await deliverRuns(entries.slice(middle), signal))];
  }

  async function write(wanted: readonly Wanted[], signal: AbortSignal): Promise<void> {
    if (wanted.length === 0) return;
    const types = await fieldTypes(
      wanted.map(({ row }) => row),
      signal,
    );
    const remote = new Map(wanted.map(({ entry }) => [entry, runs.remoteId(target.name, entry)]));
    // The answer to an earlier try may have been lost.
    const unsure = wanted.filter(({ entry }) => remote.get(entry) === undefined && entry.tries > 1);
    for (let from = 0; from < unsure.length; from += SEARCH_MAX) {
      const part = unsure.slice(from, from + SEARCH_MAX);
      const found = await client.find(
        RUN_COLUMN,
        part.map(({ ref }) => ref),
        signal,
      );
      for (const { entry, ref } of part) {
        const id = found.get(ref);
        if (id === undefined) continue;
        remote.set(entry, id);
        runs.setRemoteId(target.name, entry, id);
      }
    }
    const records = new Map<Wanted, RecordFields>();
    for (const each of wanted) {
      const attached = await attachments(each.entry.subject, types, signal);
      records.set(each, { ...recordOf(each.row, types), ...attached });
    }
    const fieldsOf = (each: Wanted): RecordFields => records.get(each) ?? {};
    const known = wanted.flatMap((each) => {
      const id = remote.get(each.entry);
      return id === undefined ? [] : [{ id, fields: fieldsOf(each) }];
    });
    if (known.length > 0) await client.update(known, signal);
    const fresh = wanted.filter(({ entry }) => remote.get(entry) === undefined);
    if (fresh.length === 0) return;
    const ids = await client.create(fresh.map(fieldsOf), uuidOf(fresh.map(({ entry }) => entry.id)), signal);
    for (const [i, { entry }] of fresh.entries()) {
      const id = ids[i];
      if (id !== undefined) runs.setRemoteId(target.name, entry, id);
    }
  }

  async function fieldTypes(rows: readonly Row[], signal: AbortSignal): Promise<ReadonlyMap<string, number>> {
    const before = await client.fields(signal);
    const missing = new Map<string, number>();
    for (const row of rows) {
      for (const [name, value] of row) if (!before.has(name)) missing.set(name, fieldTypeOf(value));
    }
    for (const [name, type] of missing) {
      if (!createFields && name !== RUN_COLUMN) continue;
      try {
        await client.createField({ name, type: name === RUN_COLUMN ? FIELD_TYPE.text : type }, signal);
      } catch (error) {
        if (!(error instanceof BitableError) || error.isTransient || name === RUN_COLUMN) throw error;
        // A name that the service refuses, or a full table, is no reason to lose the rest of the row.
        if (warned.has(name)) continue;
        warned.add(name);
        logger.warn({ channel: target.name, column: name, error: error.message }, "column not made");
      }
    }
    return await client.fields(signal);
  }

  return {
    name: target.name,
    batchMax: BATCH_MAX,
    readsLate: true,
    deliver,
    probe: async (signal) => `a table of ${(await client.fields(signal)).size} columns`,
  };
}

function recordOf(row: Row, types: ReadonlyMap<string, number>): RecordFields {
  const fields: { [name: string]: string | number | readonly string[] } = {};
  for (const [name, value] of row) {
    const written = fieldValue(types.get(name) ?? 0, value);
    if (written !== undefined) fields[name] = written;
  }
  return fields;
}

/** The service's codes for a value that its field does not take. */
function isOfOneRow({ code }: BitableError): boolean {
  return code >= 1254060 && code < 1254080;
}

/** The same UUID (of version 4 by its form) for the same entries. */
function uuidOf(ids: readonly string[]): string {
  const hex = hash("sha256", ids.join(" "), "hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
