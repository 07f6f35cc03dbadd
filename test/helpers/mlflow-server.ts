/** A real MLflow server with a database of its own; it is gone when the test is over. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { waitUntil } from "./wait-until.ts";

/** Its address. */
export async function startMlflow(python: string): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), "exp-mlflow-"));
  const port = String(await freePort());
  const options = ["--host", "127.0.0.1", "--port", port, "--workers", "1"];
  const store = ["--backend-store-uri", `sqlite:///${dir}/mlflow.db`, "--default-artifact-root", dir];
  const server: ChildProcess = spawn(python, ["-m", "mlflow", "server", ...options, ...store], {
    cwd: dir,
    stdio: "ignore",
    // Its workers go with it.
    detached: true,
  });
  onTestFinished(async () => {
    const ended = new Promise((resolve) => server.once("exit", resolve));
    if (server.pid !== undefined && server.exitCode === null) process.kill(-server.pid, "SIGKILL");
    await ended;
    rmSync(dir, { recursive: true, force: true });
  });
  const url = `http://127.0.0.1:${port}`;
  const answers = async () => (await fetch(`${url}/health`).catch(() => undefined))?.ok;
  await waitUntil("the server answers", answers, { boundMs: 120_000 });
  return url;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address ? address.port : 0;
}
