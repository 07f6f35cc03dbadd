/**
 * The token as people carry it from host to host: one word. Where the coordinator speaks TLS, its certificate is a part of the
 * word, so that whoever may call it also knows whom to trust: "SECRET", or "SECRET.CERTIFICATE" with the certificate's DER as
 * base64url.
 */
import { AppError } from "./errors.ts";

export interface Token {
  /** What is sent, and compared. */
  readonly secret: string;
  /** PEM; undefined where the coordinator speaks without TLS. */
  readonly certificate: string | undefined;
}

/** Of a P-256 key, with many names, a certificate has less than a kilobyte. */
export const TOKEN_CHARACTERS_MAX = 8_192;

const PEM = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/;
/** DER begins with a sequence. */
const SEQUENCE = 0x30;

/** Throws AppError (invalid) for a certificate that is none. */
export function parseToken(text: string): Token {
  const dot = text.indexOf(".");
  if (dot < 0) return { secret: text, certificate: undefined };
  const der = Buffer.from(text.slice(dot + 1), "base64url");
  if (der[0] !== SEQUENCE || der.toString("base64url") !== text.slice(dot + 1)) {
    throw new AppError("invalid", "the token is damaged: what follows its dot is no certificate", {
      id: "token.content",
      hint: "copy the coordinator's token file whole; it is one line",
    });
  }
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return {
    secret: text.slice(0, dot),
    certificate: ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n"),
  };
}

/** Reverse of `parseToken`. */
export function formatToken({ secret, certificate }: Token): string {
  if (certificate === undefined) return secret;
  const base64 = PEM.exec(certificate)?.[1] ?? "";
  return `${secret}.${Buffer.from(base64, "base64").toString("base64url")}`;
}
