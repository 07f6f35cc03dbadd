/** The control service: read and write verbs as grpc-js handlers. */
import type { ControlServiceServer } from "../../../proto/gen/runner/v1/control.ts";
import { type HandlerLog, streamHandler, unaryHandler } from "../handler.ts";
import type { ReadDeps } from "./deps.ts";
import { createControlReads } from "./reads.ts";
import type { ControlResults } from "./results.ts";
import type { ControlTokens } from "./tokens.ts";
import type { ControlWrites } from "./writes.ts";

export function createControlService(
  reading: ReadDeps,
  writes: ControlWrites,
  results: ControlResults,
  tokens: ControlTokens,
  log: HandlerLog,
): ControlServiceServer {
  const reads = createControlReads(reading);
  return {
    plan: unaryHandler("Plan", writes.plan, log),
    submit: unaryHandler("Submit", writes.submit, log),
    apply: unaryHandler("Apply", writes.apply, log),
    import: unaryHandler("Import", writes.importRuns, log),
    cancel: unaryHandler("Cancel", writes.cancel, log),
    retry: unaryHandler("Retry", writes.retry, log),
    pause: unaryHandler("Pause", writes.pause, log),
    resume: unaryHandler("Resume", writes.resume, log),
    edit: unaryHandler("Edit", writes.edit, log),
    rerun: unaryHandler("Rerun", writes.rerun, log),
    updateNode: unaryHandler("UpdateNode", writes.updateNode, log),
    listRuns: streamHandler("ListRuns", reads.listRuns, log),
    listSweeps: unaryHandler("ListSweeps", reads.listSweeps, log),
    getRun: unaryHandler("GetRun", reads.getRun, log),
    getRecord: unaryHandler("GetRecord", reads.getRecord, log),
    logs: streamHandler("Logs", reads.logs, log),
    metrics: streamHandler("Metrics", reads.metrics, log),
    best: unaryHandler("Best", reads.best, log),
    watch: streamHandler("Watch", reads.watch, log),
    why: unaryHandler("Why", reads.why, log),
    listNodes: unaryHandler("ListNodes", reads.listNodes, log),
    getServer: unaryHandler("GetServer", reads.getServer, log),
    files: streamHandler("Files", results.files, log),
    prune: streamHandler("Prune", results.prune, log),
    importPoints: unaryHandler("ImportPoints", results.importPoints, log),
    events: streamHandler("Events", reads.events, log),
    listQueue: unaryHandler("ListQueue", reads.listQueue, log),
    createToken: unaryHandler("CreateToken", tokens.createToken, log),
    createJoinToken: unaryHandler("CreateJoinToken", tokens.createJoinToken, log),
    listTokens: unaryHandler("ListTokens", tokens.listTokens, log),
    revokeToken: unaryHandler("RevokeToken", tokens.revokeToken, log),
    listArtifacts: streamHandler("ListArtifacts", reads.listArtifacts, log),
  };
}
