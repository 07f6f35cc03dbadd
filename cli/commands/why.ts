/** `exp why`: why a run is where it is, and what each node says to it. */
import { AppError } from "../../shared/kernel/errors.ts";
import { runFromProto } from "../../shared/wire/views.ts";
import { EXIT } from "../exit-codes.ts";
import { escapeControl, plural } from "../render/text.ts";
import { ageText } from "../render/time.ts";
import type { Command } from "../session.ts";

export const why: Command = {
  async run(session, args) {
    const client = await session.connect();
    const { run, reason, needs, nodes, ahead } = await client.why(args.required("ref"));
    if (!run) throw new AppError("internal", "the coordinator answered without a run");
    const { ref, state, createdAt } = runFromProto(run);
    const width = Math.max(0, ...nodes.map(({ node }) => node.length));
    const age = ageText(createdAt, session.clock.wallMs());
    const lines = [
      `${ref}  ${state}, submitted ${age} ago: ${escapeControl(reason)}`,
      `  needs    ${escapeControl(needs)}`,
      ...nodes.map((node) => `  ${escapeControl(node.node.padEnd(width))}  ${escapeControl(node.reason)}`),
    ];
    if (ahead > 0) lines.push(`  ahead    ${plural(ahead, "run")}`);
    await session.out.single({ json: { ref, state, reason, needs, ahead, nodes }, lines, name: ref });
    return EXIT.ok;
  },
};
