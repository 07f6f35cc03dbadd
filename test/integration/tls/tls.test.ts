/** TLS by a certificate that the token names: the coordinator's servers with real clients, and why it does not come about. */
import { X509Certificate } from "node:crypto";
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer as createTlsServer } from "node:tls";
import { generate } from "selfsigned";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createClient } from "../../../cli/client.ts";
import { ensureToken } from "../../../coordinator/token.ts";
import { formatToken, parseToken } from "../../../shared/kernel/token.ts";
import { ensureCertificate, type OwnCertificate } from "../../../shared/tls/own-certificate.ts";
import { fingerprintOf, tlsProblem } from "../../../shared/tls/pinned.ts";

let directory = "";
let own: OwnCertificate;
let other: OwnCertificate;
const servers: Server[] = [];

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "exp-tls-"));
  own = await ensureCertificate(join(directory, "own"), ["lab.example", "0.0.0.0"]);
  other = await ensureCertificate(join(directory, "other"), []);
});

afterAll(async () => {
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  rmSync(directory, { recursive: true, force: true });
});

async function listen(server: Server): Promise<string> {
  servers.push(server);
  // Whoever only looks goes without a word.
  for (const event of ["connection", "secureConnection"]) {
    server.on(event, (socket: Socket) => socket.on("error", () => undefined).resume());
  }
  await new Promise<void>((done) => server.listen({ host: "127.0.0.1", port: 0 }, done));
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("the server has no port");
  return `127.0.0.1:${address.port}`;
}

describe("a coordinator's own certificate", () => {
  test("is made once, its key for its owner alone", async () => {
    expect(statSync(own.keyFile).mode & 0o777).toBe(0o600);
    const again = await ensureCertificate(join(directory, "own"), ["another.example"]);
    expect(again).toEqual(own);
    const { subjectAltName = "", validToDate } = new X509Certificate(own.certificate);
    expect(subjectAltName).toContain("DNS:lab.example");
    expect(subjectAltName).toContain("IP Address:127.0.0.1");
    expect(validToDate.getTime()).toBeGreaterThan(Date.now() + 9 * 365 * 86_400_000);
  });

  test("whose key others may read is refused", async () => {
    const made = await ensureCertificate(join(directory, "open"), []);
    chmodSync(made.keyFile, 0o644);
    await expect(ensureCertificate(join(directory, "open"), [])).rejects.toMatchObject({
      id: "token.mode",
      hint: `chmod 600 ${made.keyFile}`,
    });
  });

  test("that is over, or none, is refused with what to do", async () => {
    const past = await ensureCertificate(join(directory, "past"), []);
    const { cert } = await generate([{ name: "commonName", value: "x" }], {
      keyType: "ec",
      notBeforeDate: new Date("2020-01-01T00:00:00Z"),
      notAfterDate: new Date("2021-01-01T00:00:00Z"),
    });
    writeFileSync(past.certificateFile, cert);
    const refused = ensureCertificate(join(directory, "past"), []);
    await expect(refused).rejects.toThrow("is valid until 2021-01-01T00:00:00.000Z only");
    writeFileSync(past.certificateFile, "no certificate\n");
    await expect(ensureCertificate(join(directory, "past"), [])).rejects.toMatchObject({ id: "tls.certificate" });
  });
});

test("the token file follows the certificate, and its secret stays", () => {
  const path = join(directory, "token");
  const secret = ensureToken(path);
  expect(readFileSync(path, "utf8")).toBe(`${secret}\n`);
  for (const { certificate } of [own, other]) {
    expect(ensureToken(path, certificate)).toBe(secret);
    const named = parseToken(readFileSync(path, "utf8").trim()).certificate ?? "";
    expect(fingerprintOf(named)).toBe(fingerprintOf(certificate));
    expect(statSync(path).mode & 0o777).toBe(0o600);
  }
  expect(ensureToken(path)).toBe(secret);
  expect(readFileSync(path, "utf8")).toBe(`${secret}\n`);
});

describe("why nobody can be spoken to", () => {
  const tls = () => listen(createTlsServer({ cert: own.certificate, key: own.key }));
  const plain = () =>
    listen(
      createServer((socket) => {
        socket.end("HTTP/1.1 400 Bad Request\r\n\r\n");
      }),
    );
  const token = (certificate?: string) => ({ secret: "secret", certificate });

  test("nothing is wrong", async () => {
    expect(await tlsProblem(await tls(), token(own.certificate))).toBeUndefined();
    expect(await tlsProblem(await plain(), token())).toBeUndefined();
  });

  test("another certificate: both are named", async () => {
    const problem = await tlsProblem(await tls(), token(other.certificate));
    expect(problem).toMatchObject({ code: "unauthorized", id: "tls.other" });
    for (const { certificate } of [own, other]) expect(problem?.message).toContain(fingerprintOf(certificate));
  });

  test("TLS, and a token without a certificate; no TLS, and a token with one; nobody", async () => {
    expect(await tlsProblem(await tls(), token())).toMatchObject({ id: "tls.unknown" });
    expect(await tlsProblem(await plain(), token(own.certificate))).toMatchObject({ id: "tls.plain" });
    const silent = await listen(createServer());
    servers.pop()?.close();
    expect(await tlsProblem(silent, token(own.certificate))).toBeUndefined();
  });

  test("is what a command says", async () => {
    const client = createClient({
      address: await tls(),
      token: formatToken({ secret: "secret", certificate: other.certificate }),
      timeoutMs: 10_000,
    });
    await expect(client.getServer()).rejects.toMatchObject({ id: "tls.other" });
    client.close();
  });
});
