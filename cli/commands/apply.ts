/** `exp apply`: an edited sweep file for the sweep that came from it. What runs is not touched. */
import type { ApplyResponse } from "../../proto/gen/runner/v1/control.ts";
import { EXIT } from "../exit-codes.ts";
import { escapeControl, plural } from "../render/text.ts";
import { type Command, confirm, type Session } from "../session.ts";
import { readSpecFile } from "../spec-file.ts";
import { collectSource, OVERRIDE_OPTIONS, overridesOf } from "../sweep-source.ts";

export const apply: Command = {
  options: {
    sweep: { describe: "the sweep to change [the last one of the name in the file]" },
    "dry-run": { describe: "show what is different and change nothing", type: "flag" },
    ...OVERRIDE_OPTIONS,
  },
  examples: [
    ["exp apply sweep.toml --dry-run", "what an edit would change"],
    ["exp apply sweep.toml --sweep digits.3 --yes", "add points to an earlier sweep, take out those that are gone"],
  ],
  async run(session, args) {
    const file = args.required("file");
    const source = await collectSource(await readSpecFile(session, file), overridesOf(args));
    const ref = args.text("sweep") ?? "";
    const client = await session.connect();
    const planned = await client.apply({ source: source.message, ref, dryRun: true });
    for (const line of planned.warnings) session.out.warn(line);
    if (args.flag("dry-run") || !isDifferent(planned)) {
      await say(session, planned, "would be ");
      return EXIT.ok;
    }
    const question = `withdraw ${plural(planned.withdrawn, "queued run")} of ${planned.sweep}?`;
    const refusal = `${plural(planned.withdrawn, "queued run")} of ${planned.sweep} would be withdrawn`;
    if (planned.withdrawn > 0 && !(await confirm(session, question, refusal))) {
      session.out.note("nothing was changed");
      return EXIT.refused;
    }
    await say(session, await client.apply({ source: source.message, ref: planned.sweep, dryRun: false }), "");
    session.out.next(`exp ls ${planned.sweep}`);
    return EXIT.ok;
  },
};

function isDifferent({ added, withdrawn, reshaped, settings }: ApplyResponse): boolean {
  return added + withdrawn + reshaped + settings.length > 0;
}

async function say(session: Session, answer: ApplyResponse, would: string): Promise<void> {
  const { sweep, added, reused, withdrawn, unchanged, runningOn, reshaped, settings } = answer;
  const params = (texts: readonly string[], sign: string, count: number) => [
    ...texts.map((text) => `    ${sign} ${escapeControl(text)}`),
    ...(count > texts.length ? [`    ${sign} ... ${count - texts.length} more`] : []),
  ];
  const lines = [
    ...(isDifferent(answer) ? [] : [`${sweep}: nothing is different`]),
    ...(added > 0
      ? [`${sweep}: ${plural(added, "run")} ${would}added${reused > 0 ? `, ${reused} of them completed before` : ""}`]
      : []),
    ...params(answer.addedParams, "+", added),
    ...(withdrawn > 0 ? [`${sweep}: ${plural(withdrawn, "queued run")} ${would}withdrawn`] : []),
    ...params(answer.withdrawnParams, "-", withdrawn),
    ...(reshaped > 0
      ? [`${sweep}: ${plural(reshaped, "queued run")} ${would}given other resources, limits or retries`]
      : []),
    ...settings.map((line) => `${sweep}: ${line}`),
    ...(runningOn > 0 ? [`${sweep}: ${plural(runningOn, "run")} gone from the file, left running`] : []),
    `${sweep}: ${unchanged} unchanged`,
  ];
  const json = {
    sweep,
    added,
    reused,
    withdrawn,
    unchanged,
    runningOn,
    reshaped,
    settings,
    addedParams: answer.addedParams.map((text) => JSON.parse(text) as unknown),
    withdrawnParams: answer.withdrawnParams.map((text) => JSON.parse(text) as unknown),
    applied: would === "",
  };
  await session.out.single({ json, lines, name: sweep });
}
