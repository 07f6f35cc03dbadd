/** `exp login`: remember a coordinator, after it has answered. */
import { resolve } from "node:path";
import { nameProblem } from "../../shared/run/names.ts";
import { usage } from "../args.ts";
import { loadContexts, type SavedContext } from "../contexts.ts";
import { EXIT } from "../exit-codes.ts";
import { checkAddress, readTokenFile } from "../locate.ts";
import type { Command } from "../session.ts";

export const login: Command = {
  options: { name: { describe: "name of the context [the host]" } },
  examples: [["exp login lab:7718 --token-file token --name lab", "from now on exp speaks to it"]],
  async run(session, args) {
    const { config } = session;
    const address = checkAddress(args.required("address"));
    const name =
      args.text("name") ??
      address
        .replace(/:\d+$/, "")
        .replace(/[^A-Za-z0-9._-]/g, "-")
        .replace(/^[^A-Za-z0-9]+/, "");
    const problem = nameProblem(name);
    if (problem) throw usage(`the name ${JSON.stringify(name)} ${problem}`, "choose one with --name");
    const saved = await credentialsOf();
    const token = saved.tokenFile === undefined ? saved.token : await readTokenFile(saved.tokenFile);
    const server = await (await session.open(address, token)).getServer();
    const contexts = await loadContexts(config.contextsFile);
    contexts.data.contexts[name] = { address, ...saved };
    contexts.data.current = name;
    await contexts.write();
    await session.out.single({
      json: { context: name, address, version: server.version },
      lines: [`logged in to ${address} as context ${name}`],
      name,
    });
    session.out.next("exp nodes");
    return EXIT.ok;

    /** A token that has no file of its own is kept with the context, which only the user can read. */
    async function credentialsOf(): Promise<Omit<SavedContext, "address">> {
      if (config.tokenFile === "-") return { token: (await session.readStdin()).trim() };
      if (config.tokenFile !== undefined) return { tokenFile: resolve(config.cwd, config.tokenFile) };
      if (config.token !== undefined) return { token: config.token };
      throw usage(
        "exp login needs --token-file FILE",
        "the coordinator made one at its first start: DATA/token; - reads stdin",
      );
    }
  },
};
