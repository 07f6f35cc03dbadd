/** `exp show`: one run or one sweep in full. */
import type { GetRunResponse, Run, Sweep } from "../../proto/gen/runner/v1/control.ts";
import { AppError } from "../../shared/kernel/errors.ts";
import { isCpuSlot } from "../../shared/run/devices.ts";
import { paramsFromJson } from "../../shared/spec/params-json.ts";
import { shownCommand, shownImage } from "../../shared/spec/shown-command.ts";
import { templateFromJson } from "../../shared/spec/template-json.ts";
import { runFromProto, sweepFromProto } from "../../shared/wire/views.ts";
import { EXIT } from "../exit-codes.ts";
import { type RecordView, type RunRecordView, recordOf, runRecordOf } from "../record-view.ts";
import { type RunDetails, runLines, type SweepDetails, sweepLines } from "../render/show.ts";
import type { Command } from "../session.ts";
import { shownSweep } from "../shown-sweep.ts";

export const show: Command = {
  examples: [["exp show digits.1.4", "parameters, attempts and history of a run"]],
  async run(session, args) {
    const ref = args.required("ref");
    const client = await session.connect();
    const sweep = await shownSweep(client, ref);
    if (sweep) {
      const details = { ...sweepDetails(sweep), ...recordOf(await client.getRecord(sweep.ref)) };
      await session.out.single({ json: details, lines: sweepLines(details), name: sweep.ref });
      session.out.next(`exp ls ${sweep.ref}`);
      return EXIT.ok;
    }
    const response = await client.getRun(ref);
    const id = response.run?.id ?? ref;
    const record = runRecordOf(await client.getRecord(id));
    const details = { ...runDetails(response), ...record, artifacts: await client.listArtifacts(id, 0) };
    await session.out.single({ json: details, lines: runLines(details, session.clock.wallMs()), name: details.ref });
    return EXIT.ok;
  },
};

function sweepDetails(sweep: Sweep): Omit<SweepDetails, keyof RecordView> {
  return { ...sweepFromProto(sweep), objective: sweep.objective?.metric ? sweep.objective : null };
}

function runDetails(response: GetRunResponse): Omit<RunDetails, keyof RunRecordView | "artifacts"> {
  const { run } = response;
  if (!run) throw new AppError("internal", "the coordinator answered without a run");
  return {
    ...runFromProto(run),
    resultsDir: run.resultsDir,
    reusedFrom: run.reusedFrom,
    sealed: run.sealed,
    resources: parsed(response.resourcesJson),
    template: parsed(response.templateJson),
    ...commandOf(run, response),
    attempts: response.attempts.map(
      ({ number, fence, rank, nodes, node, devices, state, assignedAt, startedAt, finishedAt, sealed }) => ({
        number,
        fence,
        rank,
        nodes,
        node,
        devices,
        state,
        assignedAt: isoOrNull(assignedAt),
        startedAt: isoOrNull(startedAt),
        finishedAt: isoOrNull(finishedAt),
        sealed,
      }),
    ),
    events: response.events.map(({ at, kind, text, by }) => ({
      at: new Date(at).toISOString(),
      kind,
      text,
      by: by || null,
    })),
  };
}

/** As it was: what only the host knew is in angle brackets. */
function commandOf(run: Run, { templateJson, attempts }: GetRunResponse): Pick<RunDetails, "command" | "image"> {
  if (templateJson === "") return { command: "", image: null };
  const { id, ref: name, index, sweep } = run;
  // Before its first attempt nobody knows where it will run, or on how many devices.
  const last = attempts.findLast(({ rank }) => rank === 0);
  const gpus = last?.devices.filter((uuid) => !isCpuSlot(uuid)).length;
  const ran = last && { node: last.node, attempt: last.number, gpus };
  const shown = { id, name, index, sweep, ...ran };
  const [template, params] = [templateFromJson(templateJson), paramsFromJson(run.paramsJson)];
  return { command: shownCommand(template, params, shown), image: shownImage(template, params, shown) ?? null };
}

function parsed(json: string): unknown {
  return json === "" ? {} : (JSON.parse(json) as unknown);
}

function isoOrNull(ms: number): string | null {
  return ms > 0 ? new Date(ms).toISOString() : null;
}
