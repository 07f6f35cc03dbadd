/** CreateToken, CreateJoinToken, ListTokens, RevokeToken: who else may call, and what. */
import { randomBytes } from "node:crypto";
import type {
  CreateJoinTokenRequest,
  CreateJoinTokenResponse,
  CreateTokenRequest,
  CreateTokenResponse,
  ListTokensResponse,
  RevokeTokenRequest,
  RevokeTokenResponse,
  Token as TokenMessage,
} from "../../../proto/gen/runner/v1/control.ts";
import type { Clock } from "../../../shared/kernel/clock.ts";
import { AppError } from "../../../shared/kernel/errors.ts";
import { nearest } from "../../../shared/kernel/nearest.ts";
import { nameProblem } from "../../../shared/run/names.ts";
import { isRole, JOIN_MS_MAX, JOIN_ROLE, ROLES } from "../../../shared/run/roles.ts";
import type { JoinTokenRow, TokenBook, TokenRow } from "../../store/tokens.ts";
import { hashToken } from "../auth.ts";

export interface TokenDeps {
  readonly tokens: TokenBook;
  readonly clock: Clock;
  readonly logger: { info(fields: object, message: string): void };
}

export type ControlTokens = ReturnType<typeof createControlTokens>;

const SECRET_BYTES = 32;
const LIFETIME_MS_MAX = 10 * 366 * 86_400_000;
/** Of join tokens, which nobody names: "join-3f9a01c2". */
const JOIN_NAME_BYTES = 4;
/** How long a join token is remembered that was used or whose time is over. */
const JOIN_REMEMBERED_MS = 7 * 86_400_000;

export function createControlTokens({ tokens, clock, logger }: TokenDeps) {
  return {
    async createToken({ name, role, lifetimeMs }: CreateTokenRequest): Promise<CreateTokenResponse> {
      const problem = nameProblem(name);
      if (problem) throw invalid(`the name ${JSON.stringify(name)} ${problem}`);
      if (!isRole(role)) throw invalid(`there is no role ${JSON.stringify(role)}`, `there are: ${ROLES.join(", ")}`);
      if (!(lifetimeMs >= 0 && lifetimeMs <= LIFETIME_MS_MAX)) throw invalid("a token lasts ten years at most");
      const secret = newSecret();
      const createdAt = clock.wallMs();
      const expiresAt = lifetimeMs === 0 ? undefined : createdAt + lifetimeMs;
      const row: TokenRow = { name, role, createdAt, expiresAt };
      if (!tokens.add(row, hashToken(secret))) {
        throw new AppError("conflict", `there is a token ${name} already`, {
          id: "token.exists",
          hint: `another name, or first: exp token revoke ${name}`,
        });
      }
      logger.info({ token: name, role }, "token handed out");
      return { token: messageOf(row), secret };
    },
    async createJoinToken({ node, lifetimeMs }: CreateJoinTokenRequest): Promise<CreateJoinTokenResponse> {
      const problem = node === "" ? undefined : nameProblem(node);
      if (problem) throw invalid(`the node name ${JSON.stringify(node)} ${problem}`);
      if (!(lifetimeMs > 0 && lifetimeMs <= JOIN_MS_MAX)) throw invalid("a join token waits seven days at most");
      const secret = newSecret();
      const createdAt = clock.wallMs();
      const row: JoinTokenRow = {
        name: `${JOIN_ROLE}-${randomBytes(JOIN_NAME_BYTES).toString("hex")}`,
        node: node === "" ? undefined : node,
        createdAt,
        expiresAt: createdAt + lifetimeMs,
        used: undefined,
      };
      if (!tokens.addJoin(row, hashToken(secret), createdAt - JOIN_REMEMBERED_MS)) {
        throw new AppError("unavailable", `there is a token ${row.name} already; try again`, { id: "token.exists" });
      }
      logger.info({ token: row.name, node: row.node }, "join token handed out");
      return { token: joinMessageOf(row), secret };
    },
    async listTokens(): Promise<ListTokensResponse> {
      return { tokens: [...tokens.list().map(messageOf), ...tokens.joins().map(joinMessageOf)] };
    },
    async revokeToken({ name }: RevokeTokenRequest): Promise<RevokeTokenResponse> {
      const all = [...tokens.list().map(messageOf), ...tokens.joins().map(joinMessageOf)];
      const token = all.find((one) => one.name === name);
      if (!token || !tokens.remove(name)) {
        const names = all.map((one) => one.name);
        const close = nearest(name, names, 3);
        throw new AppError("not_found", `there is no token ${JSON.stringify(name)}`, {
          id: "token.none",
          hint: close.length > 0 ? `did you mean ${close.join(", ")}?` : "`exp token ls` lists them",
        });
      }
      logger.info({ token: name, role: token.role }, "token revoked");
      return { token };
    },
  };
}

function newSecret(): string {
  return randomBytes(SECRET_BYTES).toString("base64url");
}

function messageOf({ name, role, createdAt, expiresAt, bound }: TokenRow): TokenMessage {
  return { name, role, createdAt, expiresAt: expiresAt ?? 0, node: bound?.name ?? "", usedAt: 0, usedBy: "" };
}

function joinMessageOf({ name, node, createdAt, expiresAt, used }: JoinTokenRow): TokenMessage {
  const { at: usedAt = 0, by: usedBy = "" } = used ?? {};
  return { name, role: JOIN_ROLE, createdAt, expiresAt, node: node ?? "", usedAt, usedBy };
}

function invalid(message: string, hint?: string): AppError {
  return new AppError("invalid", message, { id: "token.wrong", ...(hint !== undefined && { hint }) });
}
