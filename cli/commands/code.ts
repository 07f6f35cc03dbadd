/** `exp code`: the code that a run started from, in a new directory. */
import { resolve } from "node:path";
import { AppError } from "../../shared/kernel/errors.ts";
import type { CodeOrigin } from "../../shared/run/provenance.ts";
import { readSnapshot, restoreCode } from "../code/restore.ts";
import { EXIT } from "../exit-codes.ts";
import { plural } from "../render/text.ts";
import type { Command } from "../session.ts";

export const code: Command = {
  options: { out: { describe: "directory, new or empty [REF-code]" } },
  examples: [["exp code digits.1.4 --out ./as-it-was", "its code, to look at or to go on from"]],
  async run(session, args) {
    const ref = args.required("ref");
    const client = await session.connect();
    const { snapshot, originJson } = await client.getRecord(ref);
    if (snapshot === "") throw noSnapshot(ref, originJson);
    const out = resolve(session.config.cwd, args.text("out") ?? `${ref}-code`);
    const files = await restoreCode(client, await readSnapshot(client, snapshot), out);
    const lines = [`${plural(files, "file")} in ${out}`];
    await session.out.single({ json: { directory: out, files, snapshot }, lines, name: out });
    return EXIT.ok;
  },
};

function noSnapshot(ref: string, originJson: string): AppError {
  const origin = originJson === "" ? undefined : (JSON.parse(originJson) as CodeOrigin);
  const commit = origin?.git?.commit;
  const where = origin === undefined ? "" : `; it lay in ${origin.root}${commit ? ` at commit ${commit}` : ""}`;
  return new AppError("not_found", `no copy of the code of ${ref} was kept${where}`, {
    id: "code.none",
    hint: 'code = "snapshot" in [run] keeps one',
  });
}
