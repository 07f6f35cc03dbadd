/**
 * The token as people carry it from host to host: one word. Where the coordinator speaks TLS, its certificate is a part of the
 * word, so that whoever may call it also knows whom to trust: "SECRET", or "SECRET.CERTIFICATE" with the certificate's DER as
 * base64url.
 */
import { X509Certificate } from "node:crypto";
import { AppError } from "./errors.ts";

export interface Token {
  /** What is sent, and compared. */
  readonly secret: string;
  /** PEM; undefined where the coordinator speaks without TLS. */
  readonly certificate: string | undefined;
}

/** Of a P-256 key, with many names, a certificate has less than a kilobyte. */
export const TOKEN_CHARACTERS_MAX = 8_192;

/** Throws AppError (invalid) for a certificate that is none. */
export function parseToken(text: string): Token {
  const dot = text.indexOf(".");
  if (dot < 0) return { secret: text, certificate: undefined };
  const word = text.slice(dot + 1);
  try {
    const found = new X509Certificate(Buffer.from(word, "base64url"));
    if (found.raw.toString("base64url") === word) return { secret: text.slice(0, dot), certificate: found.toString() };
  } catch {
    // Said below.
  }
  throw new AppError("invalid", "the token is damaged: what follows its dot is no certificate", {
    id: "token.content",
    hint: "copy the coordinator's token file whole; it is one line",
  });
}

/** Reverse of `parseToken`. */
export function formatToken({ secret, certificate }: Token): string {
  if (certificate === undefined) return secret;
  return `${secret}.${new X509Certificate(certificate).raw.toString("base64url")}`;
}
