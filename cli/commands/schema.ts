/** `exp schema`: the JSON Schema of sweep files. */
import { sweepSchemaText } from "../../shared/spec/json-schema.ts";
import { EXIT } from "../exit-codes.ts";
import type { Command } from "../session.ts";

export const schema: Command = {
  examples: [["exp schema > sweep.schema.json", 'then begin a sweep file with "#:schema ./sweep.schema.json"']],
  async run(session) {
    await session.out.data(sweepSchemaText());
    return EXIT.ok;
  },
};
