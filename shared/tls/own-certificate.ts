/** A certificate that a coordinator makes for itself, once, and keeps beside its token. */
import { X509Certificate } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { isIP } from "node:net";
import { hostname, networkInterfaces } from "node:os";
import { join } from "node:path";
import { generate } from "selfsigned";
import { AppError, errorMessage } from "../kernel/errors.ts";
import { writeWholeFile } from "../write-whole.ts";

export interface OwnCertificate {
  readonly certificateFile: string;
  readonly keyFile: string;
  /** PEM. */
  readonly certificate: string;
  /** PEM. */
  readonly key: string;
}

const YEARS = 10;
const YEAR_MS = 365.25 * 86_400_000;
/** A clock that is a little behind must not find it too new. */
const CLOCK_MARGIN_MS = 86_400_000;

/**
 * Reads the certificate in the directory, made there (key with mode 0600) when there is none. Whoever has its token trusts it
 * by itself; the names in it (`names`, this host's, its addresses) are for browsers, which show them. Throws AppError.
 */
export async function ensureCertificate(directory: string, names: readonly string[]): Promise<OwnCertificate> {
  const files = { certificateFile: join(directory, "cert.pem"), keyFile: join(directory, "key.pem") };
  try {
    if (!existsSync(files.certificateFile)) await make(directory, files, names);
    const certificate = readFileSync(files.certificateFile, "utf8");
    check(files, certificate);
    return { ...files, certificate, key: readFileSync(files.keyFile, "utf8") };
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError("invalid", `the certificate in ${directory} cannot be used: ${errorMessage(error)}`, {
      id: "tls.certificate",
      hint: "remove the directory: a new one is made at the next start, and every token file must be copied again",
      cause: error,
    });
  }
}

function check({ keyFile, certificateFile }: Pick<OwnCertificate, "keyFile" | "certificateFile">, pem: string): void {
  if ((statSync(keyFile).mode & 0o077) !== 0) {
    throw new AppError("unauthorized", `the key ${keyFile} can be read by others`, {
      id: "token.mode",
      hint: `chmod 600 ${keyFile}`,
    });
  }
  const { validToDate } = new X509Certificate(pem);
  if (validToDate.getTime() <= Date.now()) {
    throw new AppError(
      "invalid",
      `the certificate ${certificateFile} is valid until ${validToDate.toISOString()} only`,
      {
        id: "tls.certificate",
        hint: "remove its directory: a new one is made at the next start, and every token file must be copied again",
      },
    );
  }
}

async function make(
  directory: string,
  { certificateFile, keyFile }: Pick<OwnCertificate, "keyFile" | "certificateFile">,
  names: readonly string[],
): Promise<void> {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  const all = ["localhost", hostname(), "127.0.0.1", "::1", ...addresses.map(({ address }) => address), ...names];
  const now = Date.now();
  const made = await generate([{ name: "commonName", value: "ExpFleet coordinator" }], {
    keyType: "ec",
    curve: "P-256",
    algorithm: "sha256",
    notBeforeDate: new Date(now - CLOCK_MARGIN_MS),
    notAfterDate: new Date(now + YEARS * YEAR_MS),
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", digitalSignature: true, keyCertSign: true, critical: true },
      { name: "extKeyUsage", serverAuth: true },
      {
        name: "subjectAltName",
        altNames: [...new Set(all)].map((name) => (isIP(name) ? { type: 7, ip: name } : { type: 2, value: name })),
      },
    ],
  });
  // The certificate comes last: where it is, so is its key.
  writeWholeFile(keyFile, made.private, 0o600);
  writeWholeFile(certificateFile, made.cert, 0o600);
}
