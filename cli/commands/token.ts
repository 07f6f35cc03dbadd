/** `exp token create|ls|revoke`: who else may call the coordinator, and what they may do. */
import { formatToken, parseToken } from "../../shared/kernel/token.ts";
import { isRole, ROLES, type TokenView } from "../../shared/run/roles.ts";
import { type Args, usage } from "../args.ts";
import { EXIT } from "../exit-codes.ts";
import { ageText } from "../render/time.ts";
import type { Command, Session } from "../session.ts";

export const token: Command = {
  options: {
    role: { describe: "what it may do: reader, user, agent or admin [user]", values: ROLES },
    expires: { describe: "worth nothing after this time, such as 30d [never]" },
  },
  examples: [
    ["exp token create gpu-07 --role agent > gpu-07.token", "for a host, which can do nothing else with it"],
    ["exp token create alice", "for somebody who submits"],
    ["exp token revoke alice", "what she does at the time ends too"],
  ],
  async run(session, args) {
    const action = args.text("action");
    if (action !== "create") {
      const given = ["role", "expires"].find((name) => args.text(name) !== undefined);
      if (given !== undefined) throw usage(`--${given} is for exp token create`);
    }
    if (action === "create") return create(session, args);
    if (action === "ls") return list(session);
    if (action === "revoke") return revoke(session, args.required("name"));
    throw usage(`token ${JSON.stringify(action)} is not known`, "create NAME, ls or revoke NAME");
  },
};

async function create(session: Session, args: Args): Promise<number> {
  const role = args.text("role") ?? "user";
  if (!isRole(role)) throw usage(`there is no role ${JSON.stringify(role)}`, `there are: ${ROLES.join(", ")}`);
  const name = args.required("name");
  const client = await session.connect();
  const made = await client.createToken(name, role, args.duration("expires") ?? 0);
  const { certificate } = parseToken((await session.locate()).token ?? "");
  const word = formatToken({ secret: made.secret, certificate });
  await session.out.single({ json: { name, role, token: word }, lines: [word], name: word });
  session.out.note(`token ${name} with the role ${role}; it is not shown again`);
  return EXIT.ok;
}

async function list(session: Session): Promise<number> {
  const tokens = await (await session.connect()).listTokens();
  const nowMs = session.clock.wallMs();
  const time = (ms: number) => new Date(ms).toISOString();
  const rows = tokens.map(
    ({ name, role, createdAt, expiresAt }): TokenView => ({
      name,
      role,
      createdAt: time(createdAt),
      expiresAt: expiresAt === 0 ? null : time(expiresAt),
    }),
  );
  await session.out.list({
    rows,
    columns: [
      { title: "NAME", cell: ({ name }) => name },
      { title: "ROLE", cell: ({ role }) => role },
      { title: "AGE", cell: ({ createdAt }) => ageText(createdAt, nowMs) },
      { title: "EXPIRES", cell: ({ expiresAt }) => expiresAt?.slice(0, 10) ?? "" },
    ],
    name: ({ name }) => name,
    json: (row) => row,
    empty: "no tokens but the coordinator's own; exp token create NAME makes one",
  });
  return EXIT.ok;
}

async function revoke(session: Session, name: string): Promise<number> {
  await (await session.connect()).revokeToken(name);
  await session.out.single({ json: { name }, lines: [`token ${name} is worth nothing any more`], name });
  return EXIT.ok;
}
