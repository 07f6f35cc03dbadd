/** `exp-coordinator`: the program that holds the queue. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import yargs, { type Argv } from "yargs";
import { hideBin } from "yargs/helpers";
import { describeConfig, flagsOf } from "../shared/config.ts";
import { systemClock } from "../shared/kernel/clock.ts";
import { AppError, errorMessage } from "../shared/kernel/errors.ts";
import { handleSignals } from "../shared/lifecycle.ts";
import { createLogger } from "../shared/logger.ts";
import { makeDirectory } from "../shared/make-directory.ts";
import { exitCodeOfError, reportError } from "../shared/program.ts";
import { ensureCertificate } from "../shared/tls/own-certificate.ts";
import { fingerprintOf } from "../shared/tls/pinned.ts";
import { VERSION } from "../shared/version.ts";
import {
  COORDINATOR_SETTINGS,
  certificateNames,
  channelsOf,
  coordinatorConfigOf,
  loadCoordinatorConfig,
} from "./config.ts";
import type { Coordinator } from "./coordinator.ts";

await yargs(hideBin(process.argv))
  .scriptName("exp-coordinator")
  .usage("$0 COMMAND\n\nHolds the queue of the fleet. `exp up` starts one with everything it needs.")
  .command("start", "serve agents, exp and browsers", withSettings, (flags) => guarded(flags, start))
  .command("status", "show the addresses of the coordinator of --data", withSettings, (flags) => guarded(flags, status))
  .command(
    "certificate",
    "make the certificate of --data, for the bus to show too, unless it is there; print its files",
    withSettings,
    (flags) => guarded(flags, certificate),
  )
  .command("channels", "try each channel of the file: a message, or a look at what takes runs", withSettings, (flags) =>
    guarded(flags, tryChannels),
  )
  .example("$0 start --data /srv/exp --bus-credentials bus.json", "listen on this machine only")
  .demandCommand(1, "which command? see exp-coordinator --help")
  .strict()
  .recommendCommands()
  .version(VERSION)
  .alias("h", "help")
  .wrap(Math.min(110, process.stdout.columns ?? 110))
  .fail((message, error) => {
    reportError(error ?? new AppError("invalid", message, { id: "usage" }), "exp-coordinator", false);
    process.exit(error instanceof AppError ? exitCodeOfError(error) : 2);
  })
  .parseAsync();

type Flags = { readonly [key: string]: unknown };

function withSettings<T>(args: Argv<T>): Argv<T> {
  return args.options(flagsOf(COORDINATOR_SETTINGS)) as Argv<T>;
}

async function guarded(flags: Flags, run: (flags: Flags) => Promise<void>): Promise<void> {
  try {
    await run(flags);
  } catch (error) {
    reportError(error, "exp-coordinator", flags.debug === true);
    process.exitCode = exitCodeOfError(error);
  }
}

function load(flags: Flags) {
  const file = typeof flags.config === "string" ? flags.config : undefined;
  return loadCoordinatorConfig({ flags, env: process.env, envPrefix: "EXP_COORDINATOR", file });
}

async function start(flags: Flags): Promise<void> {
  const loaded = load(flags);
  if (flags["print-config"] === true) {
    process.stdout.write(`${describeConfig(loaded)}\n`);
    return;
  }
  const config = coordinatorConfigOf(loaded.values);
  const logger = createLogger("exp-coordinator", {
    level: loaded.values["log-level"],
    forPeople: process.stderr.isTTY === true,
    write: (line) => process.stderr.write(line),
  });
  const { startCoordinator } = await import("./coordinator.ts");
  let coordinator: Coordinator | undefined;
  handleSignals({
    onFirst: () => {
      logger.info("stopping; running work goes on (signal again to leave at once)");
      void (coordinator?.stop() ?? Promise.resolve()).then(() => process.exit(0));
    },
    onSecond: () => process.exit(130),
  });
  coordinator = await startCoordinator({
    config,
    clock: systemClock,
    random: Math.random,
    pid: process.pid,
    logger,
    onFatal: (error) => {
      logger.fatal({ error: errorMessage(error) }, "the coordinator cannot go on; running work does");
      process.exit(70);
    },
  });
}

async function status(flags: Flags): Promise<void> {
  const path = join(load(flags).values.data, "address.json");
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    throw new AppError("unavailable", `no coordinator runs on ${load(flags).values.data}`, {
      id: "coordinator.not-running",
      hint: "is --data the one it was started with?",
    });
  }
  process.stdout.write(text);
}

/** Before the first start: the bus, which starts first, is to show the same one. */
async function certificate(flags: Flags): Promise<void> {
  const { values } = load(flags);
  makeDirectory(values.data, 0o700);
  const made = await ensureCertificate(join(values.data, "tls"), certificateNames(values));
  const { certificateFile, keyFile } = made;
  const lines = [
    `certificate ${certificateFile}`,
    `key         ${keyFile}`,
    `sha256      ${fingerprintOf(made.certificate)}`,
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
}

/** What is done where the channels are: the file is readable there only. */
async function tryChannels(flags: Flags): Promise<void> {
  const { values } = load(flags);
  const { probeChannels } = await import("./outbox/probe.ts");
  const lines = await probeChannels(channelsOf(values), systemClock);
  process.stdout.write(lines.map(({ name, ok, text }) => `${ok ? "ok " : "bad"}  ${name}: ${text}\n`).join(""));
  if (lines.length === 0) process.stdout.write("there are no channels\n");
  if (lines.some(({ ok }) => !ok)) process.exitCode = 1;
}
