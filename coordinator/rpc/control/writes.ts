/** The verbs that change something, by the names that the service gives them. */
import { apply } from "./apply.ts";
import { cancel } from "./cancel.ts";
import type { WriteDeps } from "./deps-write.ts";
import { edit } from "./edit.ts";
import { importRuns } from "./import.ts";
import { pause } from "./pause.ts";
import { plan } from "./plan.ts";
import { resume } from "./resume.ts";
import { retry } from "./retry.ts";
import { submit } from "./submit.ts";
import { updateNode } from "./update-node.ts";

export type ControlWrites = ReturnType<typeof createControlWrites>;

export function createControlWrites(deps: WriteDeps) {
  return {
    plan: plan(deps),
    submit: submit(deps),
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
