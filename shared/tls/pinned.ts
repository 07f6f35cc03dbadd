/**
 * TLS to a peer of which the very certificate is known: it is all that is trusted, and under whatever name the peer is
 * reached, it counts.
 */
import { X509Certificate } from "node:crypto";
import { connect as connectPlain } from "node:net";
import { connect } from "node:tls";
import { AppError, systemCode } from "../kernel/errors.ts";
import type { Token } from "../kernel/token.ts";

/** Options of `tls.connect`, and of whatever is built on it. */
export interface PinnedTls {
  readonly ca: string;
  readonly minVersion: "TLSv1.2";
  /** The names in the certificate do not matter. */
  readonly checkServerIdentity: () => undefined;
}

const PROBE_MS = 3_000;

export function pinnedTls(certificate: string): PinnedTls {
  return { ca: certificate, minVersion: "TLSv1.2", checkServerIdentity: () => undefined };
}

/** "AB:CD:…" of the certificate, as browsers show it too. */
export function fingerprintOf(certificate: string): string {
  return new X509Certificate(certificate).fingerprint256;
}

/**
 * Why nobody can be spoken to at `address` ("host:port") with this token, where TLS is the reason; undefined where it is
 * not. Connects once more, to say what a failed handshake does not.
 */
export async function tlsProblem(address: string, { certificate }: Token): Promise<AppError | undefined> {
  const shown = await shownBy(address);
  if (shown === "nobody") return undefined;
  const hint = "copy its token file again: it carries the certificate";
  if (shown === "plain") {
    if (certificate === undefined) return undefined;
    return new AppError("unauthorized", `${address} speaks without TLS, and the token names a certificate`, {
      id: "tls.plain",
      hint: "is it the coordinator, started with --tls? if it was started without, copy its token file again",
    });
  }
  if (certificate === undefined) {
    return new AppError("unauthorized", `${address} speaks TLS, and the token names no certificate`, {
      id: "tls.unknown",
      hint,
    });
  }
  const [known, found] = [fingerprintOf(certificate), shown.fingerprint];
  if (known === found) return undefined;
  return new AppError("unauthorized", `${address} shows the certificate ${found}, and the token names ${known}`, {
    id: "tls.other",
    hint: `another coordinator may be in its place; if not, ${hint}`,
  });
}

type Shown = "nobody" | "plain" | { readonly fingerprint: string };

async function shownBy(address: string): Promise<Shown> {
  const [, host = "", port = ""] = /^\[?(.*?)\]?:(\d+)$/.exec(address) ?? [];
  if (!(await listens(host, Number(port)))) return "nobody";
  return new Promise((resolve) => {
    // Nothing is sent over it: it is there to be looked at.
    const socket = connect({ host, port: Number(port), rejectUnauthorized: false, timeout: PROBE_MS });
    const done = (shown: Shown) => {
      socket.destroy();
      resolve(shown);
    };
    socket.once("secureConnect", () => done({ fingerprint: socket.getPeerCertificate().fingerprint256 }));
    socket.once("timeout", () => done("plain"));
    socket.once("error", (error) => done(systemCode(error) === "ECONNREFUSED" ? "nobody" : "plain"));
    socket.once("close", () => resolve("plain"));
  });
}

function listens(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectPlain({ host, port, timeout: PROBE_MS });
    const done = (yes: boolean) => {
      socket.destroy();
      resolve(yes);
    };
    socket.once("connect", () => done(true));
    socket.once("timeout", () => done(false));
    socket.once("error", () => done(false));
  });
}
