/** The small files of a local stack: written whole or not at all, read with care, as another version may have written them. */
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { systemCode } from "../../shared/kernel/errors.ts";
import { writeWholeFile } from "../../shared/write-whole.ts";
import type { StackPaths } from "./paths.ts";

export type PartName = "nats" | "coordinator" | "agent";
export type PartPids = { [name in PartName]: number };

export interface StackFile {
  readonly supervisor: { readonly pid: number; readonly startTime: string };
  readonly dir: string;
  readonly node: string;
  readonly results: string;
  readonly tokenFile: string;
  /** URL of the web page and "host:port" of the control calls; undefined while the stack is starting. */
  readonly http?: string;
  readonly grpc?: string;
}

/** The stack that this directory belongs to; undefined where there is none. */
export async function readStack(paths: StackPaths): Promise<StackFile | undefined> {
  const value = await readObject(paths.stackFile);
  const supervisor = value?.supervisor as Partial<StackFile["supervisor"]> | undefined;
  if (!value || typeof supervisor?.pid !== "number") return undefined;
  return {
    supervisor: { pid: supervisor.pid, startTime: String(supervisor.startTime ?? "") },
    dir: textOf(value.dir) ?? paths.root,
    node: textOf(value.node) ?? "",
    results: textOf(value.results) ?? paths.results,
    tokenFile: textOf(value.tokenFile) ?? paths.tokenFile,
    ...(typeof value.http === "string" ? { http: value.http } : {}),
    ...(typeof value.grpc === "string" ? { grpc: value.grpc } : {}),
  };
}

export interface CoordinatorAddress {
  readonly http: string;
  readonly grpc: string;
  readonly tls: boolean;
}

/** Where the coordinator `pid` listens, as soon as it says so. */
export async function readAddress(paths: StackPaths, pid: number): Promise<CoordinatorAddress | undefined> {
  const value = await readObject(paths.addressFile);
  if (value?.pid !== pid || typeof value.http !== "string" || typeof value.grpc !== "string") return undefined;
  return { http: value.http, grpc: value.grpc, tls: value.tls === true };
}

export function writeJson(path: string, value: unknown): void {
  writeWholeFile(path, `${JSON.stringify(value)}\n`, 0o600);
}

/** Makes the file unless it is there; true when this call made it. */
export function claimJson(path: string, value: unknown): boolean {
  let file: number;
  try {
    file = openSync(path, "wx", 0o600);
  } catch (error) {
    if (systemCode(error) === "EEXIST") return false;
    throw error;
  }
  try {
    writeSync(file, `${JSON.stringify(value)}\n`);
  } finally {
    closeSync(file);
  }
  return true;
}

/** The last `lines` lines that are not empty; none where there is no file. */
export function lastLines(path: string, lines: number): string[] {
  try {
    return readFileSync(path, "utf8")
      .split("\n")
      .filter((line) => line.trim() !== "")
      .slice(-lines);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return [];
    throw error;
  }
}

/** Undefined where the file is not there, or is not yet whole. */
async function readObject(path: string): Promise<{ [key: string]: unknown } | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT" || systemCode(error) === "ENOTDIR") return undefined;
    throw error;
  }
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
