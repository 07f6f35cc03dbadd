/** [P] One directory that EXP made for an experiment, from the texts of its files. */
import { PARAMS_BYTES_MAX } from "../run/limits.ts";
import { isObject, pythonJsonText, readPythonJson } from "./imported-config.ts";
import { damaged, type FoundRun, timeOf } from "./imported-run.ts";

/** `changedAt`: when metadata.json was last written (Unix ms), which EXP does at the end of a run; it notes no end itself. */
export function readExpMetadata(directory: string, text: string, changedAt: number): FoundRun {
  const read = readPythonJson(text);
  if ("problem" in read) return damaged(`metadata.json is not valid JSON: ${read.problem}`);
  if (!isObject(read.value)) return damaged("metadata.json is no object");
  const { name, command, tags, timestamp, status, description } = read.value;
  if (typeof name !== "string" || typeof command !== "string" || typeof status !== "string") {
    return damaged("metadata.json lacks a name, a command or a status");
  }
  if (status !== "finished") return { kind: "not-completed", status };
  const startedAt = timeOf(timestamp, "+08:00");
  if (startedAt === undefined) return damaged("metadata.json has no time that can be read");
  const configJson = pythonJsonText({ name, ...(typeof description === "string" ? { description } : {}) });
  if (Buffer.byteLength(configJson) + Buffer.byteLength(command) > PARAMS_BYTES_MAX) {
    return damaged(`name, command and description have more than ${PARAMS_BYTES_MAX / 1024} KiB`);
  }
  return {
    kind: "completed",
    run: {
      directory,
      configJson,
      command,
      startedAt,
      finishedAt: Math.max(startedAt, Math.round(changedAt)),
      tags: Array.isArray(tags) ? tags.filter((tag) => typeof tag === "string") : [],
    },
  };
}

/**
 * Of these names of tables those with the rows of the experiment, in order: of the run that metadata.json names, and of those
 * before it in the same directory, which it went on from.
 */
export function metricsFilesOf(metadataText: string, names: readonly string[]): string[] {
  const read = readPythonJson(metadataText);
  const id = "value" in read && isObject(read.value) ? read.value.current_run_id : undefined;
  if (typeof id !== "string") return [];
  const last = numberOf(`${id}.csv`);
  if (last === undefined) return names.filter((name) => name === `${id}.csv`);
  const found = names.flatMap((name) => {
    const number = numberOf(name);
    return number !== undefined && number <= last ? [{ name, number }] : [];
  });
  return found.sort((a, b) => a.number - b.number).map(({ name }) => name);
}

function numberOf(name: string): number | undefined {
  const digits = /^run_(\d{1,9})\.csv$/.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
