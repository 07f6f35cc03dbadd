/** CreateToken, ListTokens, RevokeToken: who else may call, and what. */
import { randomBytes } from "node:crypto";
import type {
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
import { isRole, ROLES } from "../../../shared/run/roles.ts";
import type { TokenBook, TokenRow } from "../../store/tokens.ts";
import { hashToken } from "../auth.ts";

export interface TokenDeps {
  readonly tokens: TokenBook;
  readonly clock: Clock;
  readonly logger: { info(fields: object, message: string): void };
}

export type ControlTokens = ReturnType<typeof createControlTokens>;

const SECRET_BYTES = 32;
const LIFETIME_MS_MAX = 10 * 366 * 86_400_000;

export function createControlTokens({ tokens, clock, logger }: TokenDeps) {
  return {
    async createToken({ name, role, lifetimeMs }: CreateTokenRequest): Promise<CreateTokenResponse> {
      const problem = nameProblem(name);
      if (problem) throw invalid(`the name ${JSON.stringify(name)} ${problem}`);
      if (!isRole(role)) throw invalid(`there is no role ${JSON.stringify(role)}`, `there are: ${ROLES.join(", ")}`);
      if (!(lifetimeMs >= 0 && lifetimeMs <= LIFETIME_MS_MAX)) throw invalid("a token lasts ten years at most");
      const secret = randomBytes(SECRET_BYTES).toString("base64url");
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
    async listTokens(): Promise<ListTokensResponse> {
      return { tokens: tokens.list().map(messageOf) };
    },
    async revokeToken({ name }: RevokeTokenRequest): Promise<RevokeTokenResponse> {
      const row = tokens.list().find((token) => token.name === name);
      if (!row || !tokens.remove(name)) {
        const close = nearest(
          name,
          tokens.list().map((token) => token.name),
          3,
        );
        throw new AppError("not_found", `there is no token ${JSON.stringify(name)}`, {
          id: "token.none",
          hint: close.length > 0 ? `did you mean ${close.join(", ")}?` : "`exp token ls` lists them",
        });
      }
      logger.info({ token: name, role: row.role }, "token revoked");
      return { token: messageOf(row) };
    },
  };
}

function messageOf({ name, role, createdAt, expiresAt }: TokenRow): TokenMessage {
  return { name, role, createdAt, expiresAt: expiresAt ?? 0 };
}

function invalid(message: string, hint?: string): AppError {
  return new AppError("invalid", message, { id: "token.wrong", ...(hint !== undefined && { hint }) });
}
