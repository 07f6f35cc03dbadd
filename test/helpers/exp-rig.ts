/** The real `exp` in a directory of its own, against a real gRPC server that answers as the test says. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Answers, type ControlServer, startControlServer, TEST_TOKEN } from "./control-server.ts";
import { type ProgramResult, runExp } from "./program-process.ts";

export interface ExpRig extends Disposable {
  /** Holds sweep.toml with four runs. */
  readonly dir: string;
  /** The token that the servers take. */
  readonly tokenFile: string;
  /** Without a coordinator, unless the arguments name one. */
  exp(args: readonly string[]): Promise<ProgramResult>;
  /** `args` starts with the verb. */
  withServer(
    answers: Answers,
    args: readonly string[],
  ): Promise<ProgramResult & { readonly calls: ControlServer["calls"] }>;
}

export function createExpRig(): ExpRig {
  const dir = mkdtempSync(join(tmpdir(), "exp-cli-"));
  const tokenFile = join(dir, "token");
  writeFileSync(tokenFile, `${TEST_TOKEN}\n`);
  writeFileSync(
    join(dir, "sweep.toml"),
    'name = "digits"\nseeds = [0, 1]\n[grid]\nlr = [0.1, 1.0]\n[run]\ncommand = ["python", "train.py", "${args}"]\n',
  );
  const env = { HOME: dir, XDG_CONFIG_HOME: join(dir, "config"), NO_COLOR: "", EXP_OUTPUT: "" };
  const exp = (args: readonly string[]) => runExp(args, dir, env);
  return {
    dir,
    tokenFile,
    exp,
    async withServer(answers, [verb = "", ...rest]) {
      await using server = await startControlServer(answers);
      const result = await exp([verb, "--server", server.address, "--token-file", tokenFile, ...rest]);
      return { ...result, calls: server.calls };
    },
    [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }),
  };
}

export async function* streamOf<T>(...parts: T[]): AsyncGenerator<T> {
  yield* parts;
}
