/**
 * Join: a join token becomes an agent's own token. The agent draws the secret itself and keeps it before it calls, so an answer
 * that is lost costs a repetition and nothing else: whoever has the secret is who joined.
 */
import type { JoinRequest, JoinResponse } from "../../../proto/gen/runner/v1/agent.ts";
import type { Clock } from "../../../shared/kernel/clock.ts";
import { AppError } from "../../../shared/kernel/errors.ts";
import { nameProblem } from "../../../shared/run/names.ts";
import { JOIN_ROLE } from "../../../shared/run/roles.ts";
import type { BoundNode, JoinTokenRow, TokenBook } from "../../store/tokens.ts";
import { type Caller, hashToken } from "../auth.ts";
import type { NoteNode } from "./node-notes.ts";

export interface JoinDeps {
  readonly tokens: TokenBook;
  readonly clock: Pick<Clock, "wallMs">;
  readonly note: NoteNode;
}

/** 256 bits as base64url. */
const SECRET = /^[\w-]{43}$/;
const AGENT_ID = /^[\x21-\x7e]{1,128}$/;

/** Answers a call; durable when it resolves. Throws AppError. */
export function createJoin({ tokens, clock, note }: JoinDeps) {
  return async ({ agentId, name, secret }: JoinRequest, caller: Caller): Promise<JoinResponse> => {
    const join = tokens.joins().find((row) => row.name === caller.name);
    if (caller.role !== JOIN_ROLE || !join) {
      throw new AppError("invalid", "this is no join token", {
        id: "join.token",
        hint: "exp token join makes one; another token of an agent is given with --token-file",
      });
    }
    checkForm(name, agentId, secret);
    const hash = hashToken(secret);
    const bound: BoundNode = { name, agentId };
    const known = tokens.find(hash);
    // Said again: the answer was lost on its way.
    if (known && isSame(known.bound, bound)) return { token: known.name };
    const refusal = known ? refused("invalid", "the secret is a token already") : whyNot(join, bound);
    if (refusal) {
      note("node-denied", name, `${join.name}: ${refusal.message}`);
      throw refusal;
    }
    const row = {
      name: freeName(name),
      role: "agent",
      createdAt: clock.wallMs(),
      expiresAt: undefined,
      bound,
    } as const;
    if (!tokens.redeem(join.name, row, hash)) throw usedBefore(join);
    note("node-enrolled", name, `with ${join.name}; its token is ${row.name}`);
    return { token: row.name };
  };

  function whyNot(join: JoinTokenRow, { name, agentId }: BoundNode): AppError | undefined {
    if (join.used) return usedBefore(join);
    if (join.expiresAt <= clock.wallMs()) {
      return refused("unauthorized", `the time of the join token was over at ${timeText(join.expiresAt)}`);
    }
    if (join.node !== undefined && join.node !== name) {
      return new AppError("forbidden", `the join token is for ${join.node}, and this node is ${name}`, {
        id: "join.node",
        hint: `start the agent with --name ${join.node}, or make another: exp token join ${name}`,
      });
    }
    const holder = tokens.list().find(({ bound }) => bound?.name === name)?.bound;
    // Only a token that names the node may take its name from another agent.
    if (!holder || holder.agentId === agentId || join.node === name) return undefined;
    return new AppError("conflict", `the name ${name} belongs to another agent`, {
      id: "join.name",
      hint: `choose another --name; or, where that agent is gone: exp token join ${name}`,
    });
  }

  /** NAME, else NAME.2 and so on: somebody may have called a token like a node. */
  function freeName(node: string): string {
    const others = tokens.list().filter(({ bound }) => bound?.name !== node);
    const taken = new Set([...others, ...tokens.joins()].map(({ name }) => name));
    let name = node;
    for (let i = 2; taken.has(name); i++) name = `${node}.${i}`;
    return name;
  }
}

function checkForm(name: string, agentId: string, secret: string): void {
  const problem = nameProblem(name);
  if (problem) throw refused("invalid", `the node name ${problem}`);
  if (!AGENT_ID.test(agentId)) throw refused("invalid", "the agent has no id");
  if (!SECRET.test(secret)) throw refused("invalid", "the agent's secret is not 256 bits");
}

function isSame(a: BoundNode | undefined, b: BoundNode): boolean {
  return a?.name === b.name && a.agentId === b.agentId;
}

function usedBefore({ used }: JoinTokenRow): AppError {
  const { at, by } = used ?? { at: 0, by: "another" };
  return refused("unauthorized", `the join token was already used at ${timeText(at)} by ${by}`);
}

function refused(code: "unauthorized" | "invalid", message: string): AppError {
  return new AppError(code, message, {
    id: code === "invalid" ? "join.form" : "join.over",
    ...(code === "unauthorized" && { hint: "make another: exp token join" }),
  });
}

/** "2026-01-31T12:00:05Z" */
function timeText(unixMs: number): string {
  return `${new Date(unixMs).toISOString().slice(0, 19)}Z`;
}
