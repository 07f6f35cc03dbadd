/** `exp token create|join|ls|revoke`: who else may call the coordinator, and what they may do. */
import type { Token as TokenMessage } from "../../proto/gen/runner/v1/control.ts";
import { formatDuration } from "../../shared/kernel/duration.ts";
import { formatToken, parseToken } from "../../shared/kernel/token.ts";
import { isRole, JOIN_MS, JOIN_ROLE, ROLES, type TokenView } from "../../shared/run/roles.ts";
import { type Args, usage } from "../args.ts";
import { EXIT } from "../exit-codes.ts";
import { ageText, clockText } from "../render/time.ts";
import type { Command, Session } from "../session.ts";

/** Which options are for which action. */
const ACTION_OPTIONS: { readonly [action: string]: readonly string[] } = {
  create: ["role", "expires"],
  join: ["for"],
};

export const token: Command = {
  options: {
    role: { describe: "what it may do: reader, user, agent or admin [user]", values: ROLES },
    expires: { describe: "worth nothing after this time, such as 30d [never]" },
    for: {
      describe: `how long a join token waits for its host, seven days at most [${formatDuration(JOIN_MS)}]`,
      values: [],
    },
  },
  examples: [
    ["exp token join gpu-07 > gpu-07.join", "for the first start of that host, which gets a token of its own"],
    ["exp token create alice", "for somebody who submits"],
    ["exp token revoke gpu-07", "what it does at the time ends too"],
  ],
  async run(session, args) {
    const action = args.text("action") ?? "";
    for (const [of, names] of Object.entries(ACTION_OPTIONS)) {
      const given = of === action ? undefined : names.find((name) => args.text(name) !== undefined);
      if (given !== undefined) throw usage(`--${given} is for exp token ${of}`);
    }
    if (action === "create") return create(session, args);
    if (action === "join") return join(session, args);
    if (action === "ls") return list(session);
    if (action === "revoke") return revoke(session, args.required("name"));
    throw usage(`token ${JSON.stringify(action)} is not known`, "create NAME, join, ls or revoke NAME");
  },
};

async function create(session: Session, args: Args): Promise<number> {
  const role = args.text("role") ?? "user";
  if (!isRole(role)) throw usage(`there is no role ${JSON.stringify(role)}`, `there are: ${ROLES.join(", ")}`);
  const name = args.required("name");
  const client = await session.connect();
  const { secret } = await client.createToken(name, role, args.duration("expires") ?? 0);
  return show(session, { name, role, secret }, `token ${name} with the role ${role}`);
}

async function join(session: Session, args: Args): Promise<number> {
  const node = args.text("name") ?? "";
  const lifetimeMs = args.duration("for") ?? JOIN_MS;
  const client = await session.connect();
  const { token: made, secret } = await client.createJoinToken(node, lifetimeMs);
  const { name = "" } = made ?? {};
  const whose = node === "" ? "one host" : `the host ${node}`;
  return show(
    session,
    { name, role: JOIN_ROLE, secret },
    `join token ${name} for ${whose}, for ${formatDuration(lifetimeMs)}`,
  );
}

/** The one time that it is told. */
async function show(
  session: Session,
  { name, role, secret }: { readonly name: string; readonly role: string; readonly secret: string },
  what: string,
): Promise<number> {
  const { certificate } = parseToken((await session.locate()).token ?? "");
  const word = formatToken({ secret, certificate });
  await session.out.single({ json: { name, role, token: word }, lines: [word], name: word });
  session.out.note(`${what}; it is not shown again`);
  return EXIT.ok;
}

async function list(session: Session): Promise<number> {
  const tokens = await (await session.connect()).listTokens();
  const nowMs = session.clock.wallMs();
  await session.out.list({
    rows: tokens.map((one) => viewOf(one, nowMs)),
    columns: [
      { title: "NAME", cell: ({ name }) => name },
      { title: "ROLE", cell: ({ role }) => role },
      { title: "NODE", cell: ({ node }) => node ?? "" },
      { title: "AGE", cell: ({ createdAt }) => ageText(createdAt, nowMs) },
      { title: "EXPIRES", cell: expiryText },
      { title: "STATE", cell: stateText },
    ],
    name: ({ name }) => name,
    json: (row) => row,
    empty: "no tokens but the coordinator's own; exp token create NAME makes one, exp token join one for a host",
  });
  return EXIT.ok;
}

function viewOf({ name, role, node, createdAt, expiresAt, usedAt, usedBy }: TokenMessage, nowMs: number): TokenView {
  const time = (ms: number) => (ms === 0 ? null : new Date(ms).toISOString());
  const isOver = expiresAt !== 0 && expiresAt <= nowMs;
  const open = role === JOIN_ROLE ? "waiting" : "valid";
  return {
    name,
    role,
    node: node === "" ? null : node,
    createdAt: new Date(createdAt).toISOString(),
    expiresAt: time(expiresAt),
    state: usedAt !== 0 ? "used" : isOver ? "expired" : open,
    usedAt: time(usedAt),
    usedBy: usedBy === "" ? null : usedBy,
  };
}

/** A day is enough but for what lasts minutes. */
function expiryText({ expiresAt, role }: TokenView): string {
  return role === JOIN_ROLE ? clockText(expiresAt) : (expiresAt?.slice(0, 10) ?? "");
}

function stateText({ state, usedAt, usedBy }: TokenView): string {
  return state === "used" ? `used by ${usedBy} at ${clockText(usedAt)}` : state;
}

async function revoke(session: Session, name: string): Promise<number> {
  await (await session.connect()).revokeToken(name);
  await session.out.single({ json: { name }, lines: [`token ${name} is worth nothing any more`], name });
  return EXIT.ok;
}
