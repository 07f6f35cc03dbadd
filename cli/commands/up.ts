/** `exp up`: the whole fleet on this machine, by the same programs and protocols as on many. */
import { AppError, errorMessage } from "../../shared/kernel/errors.ts";
import type { SubmitView } from "../../shared/run/views.ts";
import { specError } from "../../shared/spec/problems.ts";
import { readSweep } from "../../shared/spec/read-sweep.ts";
import { type Args, usage } from "../args.ts";
import { EXIT } from "../exit-codes.ts";
import { readTokenFile } from "../locate.ts";
import { shellWord } from "../render/text.ts";
import type { Command, Session } from "../session.ts";
import { readSpecFile } from "../spec-file.ts";
import { reportStart, startDetached, type UpReport } from "../stack/detach.ts";
import type { PartPids } from "../stack/files.ts";
import type { RunningStack, UpOptions } from "../stack/start.ts";
import { startInterruptibly, supervise } from "../stack/supervise.ts";
import { collectSource, type SweepSource } from "../sweep-source.ts";
import { submitSource, submittedLine } from "./submit.ts";

const PORT_DEFAULT = 7717;

export const up: Command = {
  options: {
    detach: { describe: "stay in the background; return when it is ready", type: "flag", alias: "d" },
    port: { describe: `of the web page; the next one is for exp and agents; 0: any free ones [${PORT_DEFAULT}]` },
    gpus: { describe: "auto, none, 0,1, UUIDs, or fake:8x80GB [auto]", values: ["auto", "none"] },
    "cpu-slots": { describe: "runs at the same time on a machine without GPUs [one a CPU]" },
    "container-engine": {
      describe: "what runs [run] image: auto, none, docker, podman, apptainer or charliecloud [auto]",
      values: ["auto", "none", "docker", "podman", "apptainer", "charliecloud"],
    },
    host: { describe: "address to listen on [127.0.0.1]" },
    tls: { describe: "speak TLS, with a certificate that the token names", type: "flag" },
    "insecure-lan": { describe: "listen beyond this machine without TLS, on a network you trust", type: "flag" },
    supervised: { describe: "be the supervisor in the background", type: "flag", hidden: true },
  },
  examples: [
    ["exp up --detach", "in the background; exp down stops it"],
    ["exp up sweep.toml", "start, submit, and show what happens to the parts"],
  ],
  async run(session, args) {
    const options = optionsOf(args);
    if (args.flag("supervised")) return superviseDetached(session, options);
    const source = await sourceOf(session, args);
    if (args.flag("detach")) {
      const report = await startDetached(session, options);
      const submitted = source && (await submitTo(session, report.file.grpc, report.file.tokenFile, source));
      await announce(session, report, submitted);
      return EXIT.ok;
    }
    const stack = await startInterruptibly(session, options);
    await announce(session, reportOf(stack), source && (await submitOrSay(session, stack, source)));
    await supervise(session, stack);
    return EXIT.ok;
  },
};

async function superviseDetached(session: Session, options: UpOptions): Promise<number> {
  let stack: RunningStack;
  try {
    stack = await startInterruptibly(session, options);
  } catch (error) {
    reportStart(error instanceof AppError ? error : new AppError("internal", errorMessage(error), { cause: error }));
    throw error;
  }
  reportStart(reportOf(stack));
  await supervise(session, stack);
  return EXIT.ok;
}

function optionsOf(args: Args): UpOptions {
  const port = args.integer("port", 0) ?? PORT_DEFAULT;
  if (port > 65_534) throw usage(`--port ${port}: the highest is 65534, as the next one is used too`);
  return {
    port,
    host: args.text("host") ?? "127.0.0.1",
    tls: args.flag("tls"),
    insecureLan: args.flag("insecure-lan"),
    gpus: args.text("gpus"),
    cpuSlots: args.integer("cpu-slots", 0),
    containerEngine: args.text("container-engine"),
  };
}

/** A file that cannot be submitted is refused before anything is started. */
async function sourceOf(session: Session, args: Args): Promise<SweepSource | undefined> {
  const file = args.text("file");
  if (file === undefined) return undefined;
  const source = await collectSource(await readSpecFile(session, file));
  const read = readSweep(source.source);
  if ("problems" in read) throw specError(read.problems);
  return source;
}

/** The stack stays, whatever becomes of the submission. */
async function submitOrSay(
  session: Session,
  stack: RunningStack,
  source: SweepSource,
): Promise<SubmitView | undefined> {
  try {
    return await submitSource(stack.client, source, false, undefined, session.out);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    session.out.note(`not submitted: ${error.message}`);
    return undefined;
  }
}

async function submitTo(session: Session, grpc: string, tokenFile: string, source: SweepSource): Promise<SubmitView> {
  const client = await session.open(grpc, await readTokenFile(tokenFile));
  return submitSource(client, source, false, undefined, session.out);
}

function reportOf(stack: RunningStack): UpReport {
  const pids: PartPids = { nats: 0, coordinator: 0, agent: 0 };
  for (const part of stack.parts) pids[part.name] = part.pid;
  return { file: stack.file, pids };
}

async function announce(session: Session, { file, pids }: UpReport, submitted: SubmitView | undefined): Promise<void> {
  const { dir, http, grpc, tokenFile, results, node, supervisor } = file;
  // The token in the address is for the browser alone: it is not sent, and a file or a pipe does not get it.
  const web = session.config.terminal.stdoutIsTty
    ? `${http}#t=${encodeURIComponent(await readTokenFile(tokenFile))}`
    : http;
  await session.out.single({
    json: {
      dir,
      http,
      grpc,
      tokenFile,
      results,
      node,
      pids,
      supervisor: supervisor.pid,
      ...(submitted ? { submitted } : {}),
    },
    lines: [
      `http     ${web}`,
      `grpc     ${grpc}`,
      `token    ${tokenFile}`,
      `results  ${results}`,
      ...(submitted ? [submittedLine(submitted)] : []),
    ],
    name: dir,
  });
  session.out.next(submitted ? `exp wait ${shellWord(submitted.sweep)}` : "exp submit FILE");
}
