/** Edit: the priority of runs that are not over; tags, note and mark of any run. */

import type { EditRequest, EditResponse } from "../../../proto/gen/runner/v1/control.ts";
import { AppError } from "../../../shared/kernel/errors.ts";
import type { RunId } from "../../../shared/kernel/ids.ts";
import { NAME_CHARS_MAX, NOTE_CHARS_MAX, PRIORITY_MAX, TAGS_MAX } from "../../../shared/run/limits.ts";
import { news } from "../../feed.ts";
import type { Caller } from "../auth.ts";
import { changeRuns, namedRuns, type WriteDeps } from "./deps-write.ts";

export const edit =
  (deps: WriteDeps) =>
  async (request: EditRequest, { name }: Caller): Promise<EditResponse> => {
    const { priority, addTags, removeTags, note, favourite } = request;
    const annotates = addTags.length + removeTags.length > 0 || note !== undefined || favourite !== undefined;
    if (priority === undefined && !annotates) {
      const hint = "say --priority, --tag, --note or --favourite";
      throw new AppError("invalid", "nothing is to be changed", { id: "edit.nothing", hint });
    }
    if (priority !== undefined && Math.abs(priority) > PRIORITY_MAX) {
      const limit = PRIORITY_MAX.toLocaleString("en");
      throw new AppError("invalid", `priority ${priority} is not from -${limit} to ${limit}`, { id: "edit.priority" });
    }
    checkWords(request);
    const runIds = namedRuns(deps.queries, request.refs);
    const changed = new Set<RunId>(annotates ? annotate(deps, runIds, request) : []);
    if (priority !== undefined) {
      const rows = await changeRuns(deps.engine, runIds, (some) => ({
        kind: "edit",
        runIds: some,
        priority,
        by: name,
      }));
      for (const { runId } of rows) changed.add(runId);
    }
    return { changed: changed.size, unchanged: runIds.length - changed.size };
  };

/** The runs for which something is different afterwards. */
function annotate(deps: WriteDeps, runIds: readonly RunId[], request: EditRequest): RunId[] {
  const { addTags, removeTags, note, favourite } = request;
  const changed = runIds.filter((id) => {
    const before = deps.annotations.get(id);
    const tags = [...new Set([...before.tags, ...addTags])].filter((tag) => !removeTags.includes(tag));
    if (tags.length > TAGS_MAX)
      throw new AppError("exhausted", `a run has at most ${TAGS_MAX} tags`, { id: "edit.tags" });
    const after = { tags, note: note ?? before.note, favourite: favourite ?? before.favourite };
    if (JSON.stringify(after) === JSON.stringify({ ...before, tags: [...before.tags] })) return false;
    deps.annotations.set(id, after);
    return true;
  });
  if (changed.length > 0) deps.feed.publish(news({ runs: new Set(changed) }));
  return changed;
}

function checkWords({ addTags, note }: EditRequest): void {
  const wrong = addTags.find((tag) => tag.length > NAME_CHARS_MAX || !/^[^\s,\p{Cc}]+$/u.test(tag));
  if (wrong !== undefined) {
    const message = `a tag has no spaces, no commas and at most ${NAME_CHARS_MAX} characters: ${JSON.stringify(wrong.slice(0, 100))}`;
    throw new AppError("invalid", message, { id: "edit.tag" });
  }
  if ((note?.length ?? 0) > NOTE_CHARS_MAX) {
    throw new AppError("exhausted", `a note has at most ${NOTE_CHARS_MAX} characters`, { id: "edit.note" });
  }
}
