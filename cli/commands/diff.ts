/** `exp diff`: what is different between two runs: parameters, command, code, packages, host, final metrics. */
import type { GetRunResponse } from "../../proto/gen/runner/v1/control.ts";
import { AppError } from "../../shared/kernel/errors.ts";
import { describeRequest, requestFromJson } from "../../shared/run/devices.ts";
import { type CodeOrigin, packageOf } from "../../shared/run/provenance.ts";
import { templateFromJson } from "../../shared/spec/template-json.ts";
import { runFromProto } from "../../shared/wire/views.ts";
import type { Client } from "../client.ts";
import { compareCode } from "../code/compare.ts";
import { EXIT } from "../exit-codes.ts";
import { type RunRecordView, runRecordOf } from "../record-view.ts";
import { type Comparison, comparisonLines, type Difference, differences } from "../render/comparison.ts";
import { editedFiles, shortHash } from "../render/record.ts";
import { paramText } from "../render/run-fields.ts";
import { escapeControl } from "../render/text.ts";
import type { Command } from "../session.ts";

export const diff: Command = {
  examples: [["exp diff digits.1.4 digits.2.4", "why the second is better"]],
  async run(session, args) {
    const client = await session.connect();
    const [left, right] = [await side(client, args.required("left")), await side(client, args.required("right"))];
    const comparison = await compare(client, left, right);
    const lines = comparisonLines(comparison).map(escapeControl);
    await session.out.single({ json: comparison, lines, name: `${left.ref} ${right.ref}` });
    return EXIT.ok;
  },
};

interface Side {
  readonly ref: string;
  readonly response: GetRunResponse;
  readonly record: RunRecordView;
  readonly params: ReadonlyMap<string, string>;
  readonly metrics: ReadonlyMap<string, string | number>;
}

async function side(client: Client, ref: string): Promise<Side> {
  const response = await client.getRun(ref);
  if (!response.run) throw new AppError("internal", "the coordinator answered without a run");
  const view = runFromProto(response.run);
  return {
    ref: view.ref,
    response,
    record: runRecordOf(await client.getRecord(view.id)),
    params: new Map(Object.entries(view.params).map(([key, value]) => [key, paramText(value)])),
    metrics: new Map(Object.entries(view.metrics)),
  };
}

async function compare(client: Client, left: Side, right: Side): Promise<Comparison> {
  const unknown: string[] = [];
  const snapshots = [left.record.snapshot, right.record.snapshot] as const;
  const files = snapshots[0] && snapshots[1] ? await compareCode(client, snapshots[0].hash, snapshots[1].hash) : [];
  if (!(snapshots[0] && snapshots[1]))
    unknown.push(`files of the code: ${whichOf(left, right, (s) => s.record.snapshot)} kept no copy of it`);
  const [before, after] = [left, right].map(({ record }) => record.environments.at(-1)?.environment);
  if (!before || !after)
    unknown.push(
      `packages and host: they are not known of ${whichOf(left, right, (s) => s.record.environments.at(-1))}`,
    );
  const commands = { left: commandOf(left), right: commandOf(right) };
  return {
    left: left.ref,
    right: right.ref,
    params: differences(left.params, right.params),
    command: commands.left === commands.right ? null : { name: "command", ...commands },
    resources: differences(resourcesOf(left), resourcesOf(right)),
    code: { origin: compareOrigins(left.record.code, right.record.code), files },
    packages:
      before && after
        ? differences(new Map(before.packages.map(packageOf)), new Map(after.packages.map(packageOf)))
        : [],
    host: before && after ? differences(hostOf(left), hostOf(right)) : [],
    metrics: differences(left.metrics, right.metrics, true),
    unknown,
  };
}

/** The sides that lack something. */
function whichOf(left: Side, right: Side, of: (side: Side) => unknown): string {
  return [left, right]
    .filter((each) => !of(each))
    .map(({ ref }) => ref)
    .join(" and ");
}

/** The template: what parameters make of it is told by the parameters. */
function commandOf({ response: { templateJson } }: Side): string {
  const { command } = templateFromJson(templateJson);
  return typeof command === "string" ? command : command.join(" ");
}

function resourcesOf({ response: { resourcesJson } }: Side): Map<string, string> {
  return new Map([["needs", describeRequest(requestFromJson(resourcesJson))]]);
}

function compareOrigins(left: CodeOrigin | null, right: CodeOrigin | null): Difference[] {
  return differences(originOf(left), originOf(right));
}

function originOf(origin: CodeOrigin | null): Map<string, string> {
  const git = origin?.git;
  const facts: [string, string | null | undefined][] = [
    ["root", origin?.root],
    ["commit", git?.commit && shortHash(git.commit)],
    ["branch", git?.branch],
    ["remote", git?.remote],
    // Named by its files; two different edits of the same files differ all the same.
    ["edited", git?.diff && `${editedFiles(git.diff).join(" ")} (${git.diffBytes} bytes of difference)`],
    ["new", git?.untracked.join(" ")],
  ];
  return new Map(facts.flatMap(([name, value]) => (value ? [[name, value] as const] : [])));
}

function hostOf({ record }: Side): Map<string, string | number> {
  const environment = record.environments.at(-1)?.environment;
  const { python, host = {}, variables = {} } = environment ?? {};
  return new Map<string, string | number>([
    ...(python ? ([["python", `${python.version} ${python.executable}`]] as const) : []),
    ...Object.entries(host),
    ...Object.entries(variables),
  ]);
}
