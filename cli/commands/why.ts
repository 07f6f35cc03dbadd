/** `exp why`: why a run is where it is, and what each node says to it. */
import { AppError } from "../../shared/kernel/errors.ts";
import { runFromProto } from "../../shared/wire/views.ts";
import { EXIT } from "../exit-codes.ts";
import { whyLines } from "../render/why.ts";
import type { Command } from "../session.ts";

export const why: Command = {
  async run(session, args) {
    const client = await session.connect();
    const answer = await client.why(args.required("ref"));
    if (!answer.run) throw new AppError("internal", "the coordinator answered without a run");
    const run = runFromProto(answer.run);
    const { reason, needs, ahead, nodes } = answer;
    await session.out.single({
      json: { ref: run.ref, state: run.state, reason, needs, ahead, nodes },
      lines: whyLines(run, answer, session.clock.wallMs()),
      name: run.ref,
    });
    if (run.state === "failed") session.out.next(`exp logs ${run.ref} -n 20`);
    return EXIT.ok;
  },
};
