/** [P] One `[[experiments]]` entry of an EXP file, each value read as EXP's code reads it. */
import { PRIORITY_MAX, RETRIES_MAX, RUNS_PER_SWEEP_MAX } from "../run/limits.ts";
import type { TableName } from "../run/notify.ts";
import { childOf, entriesOf, itemsOf, kindOf, type SpecNode } from "../spec/node.ts";
import {
  addFinding,
  excerpt,
  hasKind,
  isReservedKey,
  keySpan,
  type Report,
  readText,
  wrongType,
  wrongValue,
} from "../spec/report.ts";
import { noteResultsPlace, readFloat, readInt } from "./exp-fields.ts";
import type { Notes } from "./exp-notes.ts";
import type { OrderKey } from "./exp-order.ts";
import { expandPath, type UserPlaces } from "./exp-paths.ts";
import { type LarkKeys, readLark, tableOfLark } from "./lark.ts";
import { pythonInt, pythonStr, pythonTruth } from "./python-values.ts";

const EXPERIMENT_KEYS = [
  "name",
  "command",
  "priority",
  "tags",
  "gpu_ids",
  "cwd",
  "base_dir",
  "environment",
  "resume",
  "description",
  "repeats",
  "max_retries",
  "delay_seconds",
  "lark_url",
  "lark_config",
];

/** The variable that says which GPUs a program sees; the agent sets it. */
const VISIBLE_GPUS = "CUDA_VISIBLE_DEVICES";

/** An entry as the file has it, before it is put in order and repeated. */
export interface LoadedEntry {
  readonly name: string;
  readonly command: string;
  readonly priority: bigint;
  readonly tags: readonly string[];
  /** How many GPUs; undefined where the file names none. */
  readonly gpus: number | undefined;
  /** Absolute. */
  readonly cwd: string;
  readonly environment: { readonly [name: string]: string };
  readonly description: string | undefined;
  /** Table of Lark that its row goes to. */
  readonly table: TableName | undefined;
  readonly retries: number;
  readonly repeats: number;
  readonly further: readonly OrderKey[];
}

/** `lark`: keys of the scheduler. Undefined for what is no table; of use only when `report` stays empty. */
export function readExperiment(
  report: Report,
  notes: Notes,
  node: SpecNode,
  number: number,
  places: UserPlaces,
  lark: LarkKeys,
): LoadedEntry | undefined {
  if (!hasKind(report, node, `experiment ${number}`, "table")) return undefined;
  for (const [key, child] of entriesOf(node)) {
    if (!EXPERIMENT_KEYS.includes(key)) notes.unknown(child, key, EXPERIMENT_KEYS, "[[experiments]]");
  }
  const at = (key: string) => childOf(node, key);
  const of = (key: string) => `${key} of experiment ${number}`;
  const required = (key: string): string => {
    const child = at(key);
    if (child) return readText(report, child, of(key)) ?? "";
    const span = keySpan(node);
    addFinding(report, { id: "spec.missing", message: `experiment ${number} has no ${key}`, span });
    return "";
  };
  const int = (key: string, without: bigint): bigint => {
    const child = at(key);
    return child ? (readInt(report, child, of(key)) ?? without) : without;
  };
  const text = (key: string): string | undefined => {
    const child = at(key);
    return child === undefined || !pythonTruth(child.raw) ? undefined : readText(report, child, of(key));
  };

  const name = required("name");
  const command = required("command");
  const commandNode = at("command");
  if (commandNode && command.trim() === "" && typeof commandNode.raw === "string") {
    wrongValue(report, commandNode, `${of("command")} is empty`);
  }
  const tags = readTags(report, at("tags"), of("tags"));
  const gpuIds = readGpuIds(report, at("gpu_ids"), of("gpu_ids"));
  const { environment, visible } = readEnvironment(report, notes, at("environment"), of("environment"));
  noteNoEffect(report, notes, node, of, places);
  const cwdText = text("cwd");
  const cwdNode = at("cwd");
  const cwd = cwdText === undefined ? places.configDirectory : expandPath(cwdText, places);
  if (cwd === undefined && cwdNode) {
    wrongValue(report, cwdNode, `${of("cwd")} starts with "~", and whose home that is is not known`, "write it out");
  }
  const priority = int("priority", 0n);
  if (priority > PRIORITY_MAX || priority < -PRIORITY_MAX) {
    const message = `${of("priority")} counts as ${priority > 0n ? "" : "-"}${PRIORITY_MAX} among other sweeps`;
    notes.add("priority", at("priority") ?? node, `${message}; the order within the file is kept`);
  }
  const retries = int("max_retries", 0n);
  const repeats = int("repeats", 1n);
  const resume = at("resume");
  const ids = visible ?? gpuIds;
  if (at("gpu_ids") && gpuIds && gpuIds.length > 0) {
    const message = "gpu_ids asks for that many GPUs of one host; which ones, the scheduler decides";
    notes.add("gpu_ids", at("gpu_ids") ?? node, message);
  }
  return {
    name,
    command,
    priority,
    tags,
    gpus: ids && gpusOf(ids, visible !== undefined),
    cwd: cwd ?? places.configDirectory,
    environment,
    description: text("description"),
    table: tableOfLark(notes, node, readLark(notes, node, "experiments", lark)),
    retries: Number(retries < 0n ? 0n : retries > RETRIES_MAX ? BigInt(RETRIES_MAX) : retries),
    repeats: Number(repeats < 1n ? 1n : repeats > RUNS_PER_SWEEP_MAX ? BigInt(RUNS_PER_SWEEP_MAX + 1) : repeats),
    further: [
      tags,
      gpuIds ?? [],
      orderText(at("cwd")),
      orderText(at("base_dir")),
      { equal: pythonStr(at("environment")?.raw ?? {}) },
      resume === undefined ? undefined : pythonStr(resume.raw),
      orderText(at("description")),
    ],
  };
}

function orderText(node: SpecNode | undefined): OrderKey {
  return node === undefined ? undefined : pythonStr(node.raw);
}

/** Keys of an experiment that a fleet has no use for. */
function noteNoEffect(
  report: Report,
  notes: Notes,
  node: SpecNode,
  of: (key: string) => string,
  places: UserPlaces,
): void {
  const base = childOf(node, "base_dir");
  if (base && pythonTruth(base.raw)) noteResultsPlace(report, notes, base, of("base_dir"), places, "base_dir");
  const delay = childOf(node, "delay_seconds");
  if (delay && readFloat(report, delay, of("delay_seconds")) !== 0) {
    notes.add("delay_seconds", delay, "delay_seconds has no effect: runs start as soon as a device is free");
  }
  const resume = childOf(node, "resume");
  if (resume && pythonTruth(resume.raw)) {
    notes.add(
      "resume",
      resume,
      "resume has no effect: the directory that EXP made is not on the hosts; the run starts anew",
    );
  }
}

function readTags(report: Report, node: SpecNode | undefined, label: string): string[] {
  if (!node || !pythonTruth(node.raw) || !hasKind(report, node, label, "list")) return [];
  return itemsOf(node).map(({ raw }) => pythonStr(raw));
}

function readGpuIds(report: Report, node: SpecNode | undefined, label: string): bigint[] | undefined {
  if (!node) return undefined;
  if (kindOf(node.raw) === "list") {
    return itemsOf(node).flatMap((item, i) => readInt(report, item, `${label}[${i}]`) ?? []);
  }
  if (typeof node.raw !== "string") {
    return wrongType(report, node, label, "a list of integers, or a string of them with commas");
  }
  const ids = idsOf(node.raw);
  return ids ?? wrongValue(report, node, `${label} is no list of integers: ${excerpt(node.raw)}`);
}

/** "0, 1" */
function idsOf(text: string): bigint[] | undefined {
  const parts = text.split(",").filter((part) => part.trim() !== "");
  const ids = parts.map(pythonInt);
  return ids.some((id) => id === undefined) ? undefined : ids.flatMap((id) => id ?? []);
}

/** No ids in a variable of the environment hide all GPUs; an empty gpu_ids says nothing. A negative id hides those after it. */
function gpusOf(ids: readonly bigint[], isExplicit: boolean): number | undefined {
  const end = ids.findIndex((id) => id < 0n);
  const shown = new Set(end < 0 ? ids : ids.slice(0, end));
  return shown.size === 0 && ids.length === 0 && !isExplicit ? undefined : shown.size;
}

/** `visible`: the GPUs that the environment names; it comes after gpu_ids in EXP, and so counts before them. */
function readEnvironment(
  report: Report,
  notes: Notes,
  node: SpecNode | undefined,
  label: string,
): { environment: { [name: string]: string }; visible: readonly bigint[] | undefined } {
  const environment: { [name: string]: string } = {};
  let visible: readonly bigint[] | undefined;
  if (!node || !pythonTruth(node.raw) || !hasKind(report, node, label, "table")) return { environment, visible };
  for (const [name, child] of entriesOf(node)) {
    const value = pythonStr(child.raw);
    if (name === VISIBLE_GPUS) {
      visible = idsOf(value);
      const meaning = visible ? "asks for that many GPUs of one host" : "has no effect";
      notes.add(VISIBLE_GPUS, child, `${VISIBLE_GPUS} in an environment ${meaning}; the agent sets it itself`);
    } else if (name.startsWith("EXP_")) {
      notes.add(
        name,
        child,
        `${excerpt(name)} in an environment has no effect: names that begin with EXP_ are set here`,
      );
    } else if (isReservedKey(name) || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      const message = `${excerpt(name)} is no name of an environment variable`;
      addFinding(report, { id: "spec.name", message, span: keySpan(child) });
    } else if (typeof child.raw === "string") {
      environment[name] = readText(report, child, `${label}: ${name}`) ?? "";
    } else {
      environment[name] = value;
    }
  }
  return { environment, visible };
}
