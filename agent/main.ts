/** `exp-agent`: the program on each host. */
import { hostname } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import yargs, { type Argv } from "yargs";
import { hideBin } from "yargs/helpers";
import { describeConfig, flagsOf } from "../shared/config.ts";
import { systemClock } from "../shared/kernel/clock.ts";
import { AppError, errorMessage } from "../shared/kernel/errors.ts";
import { handleSignals } from "../shared/lifecycle.ts";
import { createLogger, type Logger } from "../shared/logger.ts";
import { exitCodeOfError, reportError } from "../shared/program.ts";
import { VERSION } from "../shared/version.ts";
import type { Agent } from "./agent.ts";
import { AGENT_SETTINGS, agentConfigOf, loadAgentConfig } from "./config.ts";

const CLIENT_DIR = fileURLToPath(new URL("../python", import.meta.url));

await yargs(hideBin(process.argv))
  .scriptName("exp-agent")
  .usage("$0 COMMAND\n\nOffers this host's devices to a coordinator and runs what it assigns.")
  .command("start", "join the fleet and run what is assigned", withSettings, (flags) => guarded(flags, start))
  .command("detect", "show devices, drivers, cgroups and host facts", withSettings, (flags) => guarded(flags, detect))
  .command("status", "ask the agent of --workdir how it is", withSettings, (flags) => guarded(flags, status))
  .command(
    "stop",
    "stop the agent of --workdir; its runs go on unless --kill-runs",
    (args) =>
      withSettings(args).option("kill-runs", { type: "boolean", default: false, describe: "stop the runs first" }),
    (flags) => guarded(flags, stop),
  )
  .command("doctor", "check what a host needs; each line is ok or says how to mend it", withSettings, (flags) =>
    guarded(flags, doctor),
  )
  .example("$0 start --coordinator lab:7718 --join-token-file join", "the first start, with every GPU of this host")
  .example("$0 start --coordinator lab:7718", "every later one")
  .example("$0 start --coordinator lab:7718 --gpus fake:8x80GB", "try it without GPUs")
  .demandCommand(1, "which command? see exp-agent --help")
  .strict()
  .recommendCommands()
  .version(VERSION)
  .alias("h", "help")
  .wrap(Math.min(110, process.stdout.columns ?? 110))
  .fail((message, error) => {
    reportError(
      error instanceof Error ? error : new AppError("invalid", message ?? "bad usage", { id: "usage" }),
      "exp-agent",
      false,
    );
    process.exit(error instanceof AppError ? exitCodeOfError(error) : 2);
  })
  .parseAsync();

type Flags = { readonly [key: string]: unknown };

function withSettings<T>(args: Argv<T>): Argv<T> {
  const json = { type: "boolean", describe: "print JSON" } as const;
  return args.options({ ...flagsOf(AGENT_SETTINGS), json }) as Argv<T>;
}

async function guarded(flags: Flags, run: (flags: Flags) => Promise<void>): Promise<void> {
  try {
    await run(flags);
  } catch (error) {
    reportError(error, "exp-agent", flags.debug === true);
    process.exitCode = exitCodeOfError(error);
  }
}

function load(flags: Flags) {
  const file = typeof flags.config === "string" ? flags.config : undefined;
  return loadAgentConfig({ flags, env: process.env, envPrefix: "EXP_AGENT", file });
}

function makeLogger(level: string): Logger {
  const forPeople = process.stderr.isTTY === true;
  return createLogger("exp-agent", { level, forPeople, write: (line) => process.stderr.write(line) });
}

async function start(flags: Flags): Promise<void> {
  const loaded = load(flags);
  if (flags["print-config"] === true) {
    process.stdout.write(`${describeConfig(loaded)}\n`);
    return;
  }
  const config = agentConfigOf(loaded.values, hostname(), CLIENT_DIR);
  const logger = makeLogger(loaded.values["log-level"]);
  const { startAgent } = await import("./agent.ts");
  let agent: Agent | undefined;
  let ending: Promise<void> | undefined;

  const end = (runs: "keep" | "kill"): void => {
    ending ??= (runs === "kill" ? agent?.stopWithRuns() : agent?.stop()) ?? Promise.resolve();
    void ending.then(() => process.exit(0));
  };
  handleSignals({
    onFirst: () => {
      logger.info(
        "leaving; running attempts go on and are found again by the next start (signal again to leave at once)",
      );
      end("keep");
    },
    onSecond: () => process.exit(130),
  });
  agent = await startAgent({
    config,
    clock: systemClock,
    random: Math.random,
    // A copy: each read of process.env itself asks the C library.
    hostEnv: { ...process.env },
    pid: process.pid,
    logger,
    onStopAsked: end,
    onFatal: (error) => {
      logger.fatal({ error: errorMessage(error) }, "the agent cannot go on; running attempts do");
      process.exit(70);
    },
  });
}

async function detect(flags: Flags): Promise<void> {
  const { detectHost, describeHost } = await import("./detect.ts");
  const { values } = load(flags);
  const found = await detectHost({
    gpus: values.gpus,
    cpuSlots: values["cpu-slots"] === undefined ? undefined : Number(values["cpu-slots"]),
    nodeName: values.name ?? hostname(),
    workdir: values.workdir,
    containerEngine: values["container-engine"],
    hostEnv: process.env,
  });
  process.stdout.write(flags.json === true ? `${JSON.stringify(found)}\n` : describeHost(found));
}

async function status(flags: Flags): Promise<void> {
  const { askAgent } = await import("./local-socket.ts");
  const body = await askAgent(join(load(flags).values.workdir, "agent.sock"), "GET", "/status");
  process.stdout.write(`${JSON.stringify(body, null, flags.json === true ? 0 : 2)}\n`);
}

async function stop(flags: Flags): Promise<void> {
  const { askAgent } = await import("./local-socket.ts");
  const runs = flags["kill-runs"] === true ? "kill" : "keep";
  await askAgent(join(load(flags).values.workdir, "agent.sock"), "POST", `/stop?runs=${runs}`);
  process.stderr.write(
    runs === "kill" ? "the agent stops its runs, then itself\n" : "the agent stops; its runs go on\n",
  );
}

async function doctor(flags: Flags): Promise<void> {
  const { checkHost } = await import("./doctor.ts");
  const checks = await checkHost(load(flags).values, process.env);
  if (flags.json === true) process.stdout.write(`${JSON.stringify(checks)}\n`);
  else
    for (const { ok, name, text, fix } of checks)
      process.stdout.write(ok ? `ok    ${name}: ${text}\n` : `fix   ${name}: ${text}\n      ${fix}\n`);
  if (checks.some(({ ok }) => !ok)) process.exitCode = 1;
}
