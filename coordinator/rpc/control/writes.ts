/** The verbs that change something, by the names that the service gives them. */
import type { RerunRequest, SubmitRequest } from "../../../proto/gen/runner/v1/control.ts";
import type { Caller } from "../auth.ts";
import { apply } from "./apply.ts";
import { cancel } from "./cancel.ts";
import type { WriteDeps } from "./deps-write.ts";
import { edit } from "./edit.ts";
import { importRuns } from "./import.ts";
import { pause } from "./pause.ts";
import { plan } from "./plan.ts";
import { rerun } from "./rerun.ts";
import { resume } from "./resume.ts";
import { retry } from "./retry.ts";
import { submit } from "./submit.ts";
import { updateNode } from "./update-node.ts";

export type ControlWrites = ReturnType<typeof createControlWrites>;

export function createControlWrites(deps: WriteDeps) {
  const alone = inTurn();
  const again = rerun(deps);
  const submitting = submit(deps);
  return {
    plan: plan(deps),
    submit: (request: SubmitRequest, caller: Caller) => alone(() => submitting(request, caller)),
    rerun: (request: RerunRequest, caller: Caller) => alone(() => again(request, caller)),
    apply: apply(deps),
    importRuns: importRuns(deps),
    cancel: cancel(deps),
    retry: retry(deps),
    pause: pause(deps),
    resume: resume(deps),
    edit: edit(deps),
    updateNode: updateNode(deps),
  };
}

/** One after the other: the number of a new sweep is looked up before it is taken. */
function inTurn(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const answer = last.then(work);
    last = answer.catch(() => undefined);
    return answer;
  };
}
