/** What comes with a submission about its code: checked before anything rests on it. */
import type { SubmitRequest } from "../../../proto/gen/runner/v1/control.ts";
import { AppError } from "../../../shared/kernel/errors.ts";
import type { RunShape } from "../../../shared/spec/types.ts";
import type { OriginRecord } from "../../core/changes.ts";
import type { WriteDeps } from "./deps-write.ts";

/** Of what git says: the difference is cut, names are few. */
const ORIGIN_BYTES_MAX = 4 * 1024 * 1024;

/** Throws AppError where runs are to start from a snapshot that is not here. */
export async function originOf(
  deps: Pick<WriteDeps, "snapshotProblem">,
  { code }: Pick<SubmitRequest, "code">,
  shapes: readonly RunShape[],
): Promise<OriginRecord | undefined> {
  const { originJson = "", snapshot: hash = "", root = "" } = code ?? {};
  const wanted = shapes.some(({ template }) => template.code !== undefined);
  if (wanted && hash === "") {
    throw new AppError("invalid", "run.code wants a copy of the code, and none came with the file", {
      id: "code.none",
      hint: "submit it with exp submit, on the machine where the code lies",
    });
  }
  checkOrigin(originJson);
  if (!wanted) return originJson === "" ? undefined : { originJson, snapshot: undefined, repeats: undefined };
  if (!root.startsWith("/")) throw new AppError("invalid", "the root of the code is not absolute", { id: "code.root" });
  const problem = await deps.snapshotProblem(hash);
  if (problem !== undefined) throw new AppError("conflict", problem, { id: "code.missing", hint: "submit again" });
  return { originJson, snapshot: { hash, root }, repeats: undefined };
}

function checkOrigin(json: string): void {
  if (json === "") return;
  if (Buffer.byteLength(json) > ORIGIN_BYTES_MAX) {
    throw new AppError("exhausted", "the record of the code is too long", { id: "code.record" });
  }
  try {
    const value: unknown = JSON.parse(json);
    if (typeof value === "object" && value !== null && "root" in value) return;
  } catch {
    // Told below.
  }
  throw new AppError("invalid", "the record of the code is of another form", { id: "code.record" });
}
