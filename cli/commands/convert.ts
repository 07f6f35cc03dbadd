/** `exp convert`: a sweep file of another program, printed in our language. Asks nobody and writes no file. */
import { convertFile, FOREIGN_KINDS } from "../../shared/convert/convert.ts";
import { specError } from "../../shared/spec/problems.ts";
import { EXIT } from "../exit-codes.ts";
import { plural } from "../render/text.ts";
import type { Command } from "../session.ts";
import { readSpecFile } from "../spec-file.ts";

export const convert: Command = {
  options: {
    from: { describe: `whose file it is, where that is not clear: ${FOREIGN_KINDS.join("|")}`, values: FOREIGN_KINDS },
  },
  examples: [
    ["exp convert wandb.yaml > sweep.toml", "a W&B sweep; comments say what has no counterpart"],
    ["exp convert - --from determined < experiment.yaml", "from a pipe"],
  ],
  async run(session, args) {
    const kind = args.choice("from", FOREIGN_KINDS);
    const source = await readSpecFile(session, args.required("file"));
    const { cwd, home } = session.config;
    const converted = convertFile({ ...source, workingDirectory: cwd, home }, kind);
    if ("problem" in converted) throw specError([converted.problem]);
    const { text, left } = converted;
    await session.out.data(session.out.isJson ? `${JSON.stringify({ text, left })}\n` : text);
    if (left.length > 0) session.out.note(`${plural(left.length, "thing")} left out; the end of the file lists them`);
    return EXIT.ok;
  },
};
