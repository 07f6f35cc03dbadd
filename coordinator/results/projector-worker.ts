/** The thread that writes results directories, one after the other. */
import { parentPort } from "node:worker_threads";
import { required } from "../../shared/kernel/assert.ts";
import { errorMessage } from "../../shared/kernel/errors.ts";
import { paramsFromJson } from "../../shared/spec/params-json.ts";
import { projectRun, projectWords } from "./project.ts";
import type { ProjectReply, ProjectRequest } from "./projector.ts";

const port = required(parentPort, "the port to the main thread");

port.on("message", ({ id, record: { paramsJson, ...record }, directory, what }: ProjectRequest) => {
  let reply: ProjectReply = { id, problem: undefined };
  try {
    const project = what === "words" ? projectWords : projectRun;
    project({ ...record, params: paramsFromJson(paramsJson) }, directory);
  } catch (error) {
    reply = { id, problem: errorMessage(error) };
  }
  port.postMessage(reply);
});
