/** `exp context ls|use|rm`: the remembered coordinators. */
import { type Args, usage } from "../args.ts";
import { loadContexts } from "../contexts.ts";
import { EXIT } from "../exit-codes.ts";
import { contextNamed } from "../locate.ts";
import type { Command, Session } from "../session.ts";

export const context: Command = {
  examples: [["exp context use lab", "speak to that one from now on"]],
  async run(session, args) {
    const action = args.text("action");
    if (action === "ls") return list(session);
    if (action === "use") return use(session, nameOf(args));
    if (action === "rm") return remove(session, nameOf(args));
    throw usage(`context ${JSON.stringify(action)} is not known`, "ls, use NAME or rm NAME");
  },
};

async function list(session: Session): Promise<number> {
  const { data } = await loadContexts(session.config.contextsFile);
  const rows = Object.entries(data.contexts).map(([name, { address }]) => ({
    name,
    address,
    current: name === data.current,
  }));
  await session.out.list({
    rows,
    columns: [
      { title: "NAME", cell: ({ name }) => name },
      { title: "ADDRESS", cell: ({ address }) => address },
      { title: "CURRENT", cell: ({ current }) => (current ? "yes" : "") },
    ],
    name: ({ name }) => name,
    json: (row) => row,
    empty: "no contexts; exp login HOST:PORT makes one",
  });
  return EXIT.ok;
}

async function use(session: Session, name: string): Promise<number> {
  const contexts = await loadContexts(session.config.contextsFile);
  const { address } = contextNamed(contexts.data, name);
  contexts.data.current = name;
  await contexts.write();
  await session.out.single({ json: { name, address }, lines: [`context ${name}: ${address}`], name });
  return EXIT.ok;
}

async function remove(session: Session, name: string): Promise<number> {
  const contexts = await loadContexts(session.config.contextsFile);
  contextNamed(contexts.data, name);
  delete contexts.data.contexts[name];
  if (contexts.data.current === name) delete contexts.data.current;
  await contexts.write();
  await session.out.single({ json: { name }, lines: [`context ${name} is forgotten`], name });
  return EXIT.ok;
}

function nameOf(args: Args): string {
  return args.required("name");
}
