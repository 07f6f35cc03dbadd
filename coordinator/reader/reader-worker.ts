/** The reading thread: answers questions in turn, from its own read-only connection and what it kept of earlier ones. */
import { parentPort, workerData } from "node:worker_threads";
import { required } from "../../shared/kernel/assert.ts";
import { AppError, faultText, refusalOf } from "../../shared/kernel/errors.ts";
import { openToRead } from "../store/database.ts";
import { createQueries } from "../store/queries/queries.ts";
import { createAnswers } from "./answers.ts";
import type { ReadReply, ReadRequest } from "./messages.ts";

const port = required(parentPort, "the port to the main thread");
const { path } = workerData as { readonly path: string };
const db = openToRead(path);
const answers = createAnswers(db, createQueries(db));

port.on("message", async ({ id, kind, ask, changed }: ReadRequest) => {
  try {
    answers.note(changed);
    reply({ id, answer: await (answers[kind] as (ask: unknown) => unknown)(ask) });
  } catch (error) {
    if (error instanceof AppError) reply({ id, refusal: refusalOf(error) });
    else reply({ id, broken: faultText(error) });
  }
});

function reply(message: ReadReply): void {
  port.postMessage(message);
}
