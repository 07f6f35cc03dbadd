/** Actions: what the command line does, by the same verbs. */
import type { Hono } from "hono";
import {
  ApplyRequest,
  EditRequest,
  NodeAction,
  PlanRequest,
  SpecFormat,
  SpecSource,
  SubmitRequest,
} from "../../proto/gen/runner/v1/control.ts";
import type { ActionBody, ActionName } from "../../shared/http/actions.ts";
import type { Clock } from "../../shared/kernel/clock.ts";
import { AppError } from "../../shared/kernel/errors.ts";
import type {
  ActionAnswer,
  ApplyAnswer,
  PlanAnswer,
  SourceBody,
  SubmitAnswer,
} from "../../shared/run/action-answers.ts";
import { isSubmitId } from "../../shared/run/names.ts";
import type { JsonValue } from "../../shared/run/views.ts";
import type { Feed } from "../feed.ts";
import { news } from "../feed.ts";
import type { Caller } from "../rpc/auth.ts";
import type { ControlWrites } from "../rpc/control/writes.ts";
import type { Annotations } from "../store/annotations.ts";
import type { RefQueries } from "../store/queries/refs.ts";
import { bodyBytesMax, parseBody, readText } from "./body.ts";
import type { HttpEnv } from "./guard.ts";
import { createAnswerMemory } from "./idempotency.ts";
import { answer } from "./route.ts";

export interface ActionParts {
  readonly writes: ControlWrites;
  readonly annotations: Annotations;
  readonly refs: RefQueries;
  readonly feed: Feed;
  readonly clock: Clock;
  /** A new ULID. */
  readonly newUlid: () => string;
}

const SHOW_DEFAULT = 20;
const NODE_ACTIONS = {
  cordon: [NodeAction.NODE_ACTION_CORDON, "takes no new runs"],
  uncordon: [NodeAction.NODE_ACTION_UNCORDON, "takes runs again"],
  drain: [NodeAction.NODE_ACTION_DRAIN, "takes no new runs; what runs there goes on to its end"],
  stop: [NodeAction.NODE_ACTION_STOP, "takes no new runs; what runs there is stopped and starts elsewhere"],
} as const;

export function addActions(api: Hono<HttpEnv>, parts: ActionParts): void {
  const { writes, annotations, refs, feed, clock } = parts;
  const memory = createAnswerMemory();

  /** `key` is the request's Idempotency-Key. */
  function add<Name extends ActionName>(
    name: Name,
    work: (body: ActionBody<Name>, caller: Caller, key: string | undefined) => Promise<ActionAnswer>,
  ): void {
    answer(api, name, async (c) => {
      const text = await readText(c, bodyBytesMax(c.req.path));
      const body = parseBody(name, text);
      const key = c.req.header("idempotency-key");
      const caller = c.get("caller");
      if (name === "plan") return c.json(await work(body, caller, key));
      return c.json(await memory.once(key, `${name}\n${text}`, clock.monotonicMs(), () => work(body, caller, key)));
    });
  }

  add("cancel", async (body, caller) => {
    const { cancelled, stopping, unchanged } = await writes.cancel(body, caller);
    const done = [part(cancelled, "cancelled"), part(stopping, "told to stop"), part(unchanged, "over before")];
    return { message: said(done) };
  });
  add("retry", async (body, caller) => {
    const { requeued, unchanged } = await writes.retry({ ...body, failedOnly: false }, caller);
    return { message: said([part(requeued, "back in the queue"), part(unchanged, "left as it was")]) };
  });
  add("pause", async (body, caller) => {
    const { held, running, unchanged } = await writes.pause(body, caller);
    const done = [part(held, "held"), part(running, "running on, held if queued again"), part(unchanged, "unchanged")];
    return { message: said(done) };
  });
  add("resume", async (body, caller) => {
    const { queued, unchanged } = await writes.resume(body, caller);
    return { message: said([part(queued, "back in the queue"), part(unchanged, "not held")]) };
  });
  add("priority", async (body, caller) => {
    const { changed, unchanged } = await writes.edit(EditRequest.fromPartial(body), caller);
    return { message: said([part(changed, `at priority ${body.priority}`), part(unchanged, "unchanged")]) };
  });
  add("node", async ({ name, action }, caller) => {
    const [request, effect] = NODE_ACTIONS[action];
    await writes.updateNode({ name, action: request }, caller);
    return { message: `${name} ${effect}` };
  });

  add("annotate", async ({ ref, tags, note, favourite }) => {
    const { runId, sweepId } = refs.resolveRun(ref);
    if (tags === undefined && note === undefined && favourite === undefined) {
      throw new AppError("invalid", "nothing is to be changed: give tags, note or favourite", { id: "http.body" });
    }
    annotations.set(runId, {
      ...(tags && { tags: [...new Set(tags)] }),
      ...(note !== undefined && { note }),
      ...(favourite !== undefined && { favourite }),
    });
    feed.publish(news({ runs: new Set([runId]), sweeps: new Set([sweepId]) }));
    return { message: `${ref} is annotated` };
  });

  add("plan", async ({ source, force = false, show = SHOW_DEFAULT }): Promise<PlanAnswer> => {
    const request = PlanRequest.fromPartial({ source: sourceOf(source), force, show });
    const { name, total, fresh, reused, axes, steps, points, warnings } = await writes.plan(request);
    return {
      message: `${name}: ${runs(total)}, ${fresh} new, ${reused} reused`,
      name,
      total,
      new: fresh,
      reused,
      warnings,
      axes: axes.map(({ key, size }) => ({ key, size })),
      steps: steps?.taken ?? [],
      order: steps?.order ?? "listed",
      shuffleSeed: steps?.shuffleSeed ?? 0,
      points: points.map(({ index, paramsJson, argv, reusedFrom }) => ({
        index,
        params: paramsOf(paramsJson),
        command: argv,
        reusedFrom: reusedFrom || null,
      })),
    };
  });

  add("submit", async ({ source, force = false, priority }, caller, key): Promise<SubmitAnswer> => {
    // A key that can name a submission makes a repeat harmless also after a restart.
    const submitId = key !== undefined && isSubmitId(key) ? key : parts.newUlid();
    const request = SubmitRequest.fromPartial({ submitId, source: sourceOf(source), force, priority });
    const { sweep, total, fresh, reused, warnings } = await writes.submit(request, caller);
    const message = `${sweep}: ${runs(total)}, ${fresh} new, ${reused} reused`;
    return { message, sweep, total, new: fresh, reused, warnings };
  });

  add("apply", async ({ source, sweep = "", dryRun = false }, caller): Promise<ApplyAnswer> => {
    const made = await writes.apply(ApplyRequest.fromPartial({ source: sourceOf(source), ref: sweep, dryRun }), caller);
    const { added, withdrawn, reshaped, addedParams, withdrawnParams, ...rest } = made;
    const counts = [part(added, "added"), part(withdrawn, "withdrawn"), part(reshaped, "changed"), ...made.settings];
    return {
      ...rest,
      added,
      withdrawn,
      reshaped,
      addedParams: addedParams.map(paramsOf),
      withdrawnParams: withdrawnParams.map(paramsOf),
      message: `${made.sweep}: ${said(counts)}${dryRun ? " (nothing is changed yet)" : ""}`,
    };
  });
}

function sourceOf({ text, path = "sweep.toml", directory }: SourceBody): SpecSource {
  const format = SpecFormat.SPEC_FORMAT_TOML;
  return SpecSource.fromPartial({ text, path, directory, workingDirectory: directory, home: directory, format });
}

function paramsOf(json: string): { [key: string]: JsonValue } {
  return JSON.parse(json) as { [key: string]: JsonValue };
}

function part(count: number, what: string): string {
  return count === 0 ? "" : `${runs(count)} ${what}`;
}

function said(parts: readonly string[]): string {
  return parts.filter((text) => text !== "").join(", ") || "nothing to do";
}

function runs(count: number): string {
  return count === 1 ? "1 run" : `${count} runs`;
}
