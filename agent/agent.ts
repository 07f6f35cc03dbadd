/**
 * The agent, wired: journal, devices, output, engine, session, and the local socket. The only place that knows all of
 * them. Start order is the order of this file; a stop walks back. Stopping the agent never stops a run, unless asked to.
 */
import { join } from "node:path";
import { unreachable } from "../shared/kernel/assert.ts";
import type { Clock } from "../shared/kernel/clock.ts";
import { AppError, errorMessage } from "../shared/kernel/errors.ts";
import { ReleaseStack } from "../shared/lifecycle.ts";
import type { Logger } from "../shared/logger.ts";
import { makeDirectory } from "../shared/make-directory.ts";
import { type Hello, PROTOCOL_VERSION } from "../shared/run/session.ts";
import { VERSION } from "../shared/version.ts";
import { activityOf } from "./activity.ts";
import { createAttemptArtifacts } from "./artifacts/attempt-artifacts.ts";
import { createArtifactPlane } from "./artifacts/plane.ts";
import { contentsUrl, createContentSender } from "./artifacts/send.ts";
import { assignedTemplate } from "./assigned-template.ts";
import { type Attempts, createAttempts } from "./attempts.ts";
import { withCapture } from "./capture/capture.ts";
import { artifactSubject, captureSubject } from "./capture-subject.ts";
import { createCodeCache } from "./code/code-cache.ts";
import { createEnvironmentNotes } from "./code/environment-notes.ts";
import { createPythonFacts } from "./code/python-facts.ts";
import type { AgentConfig } from "./config.ts";
import type { AgentCommand } from "./core/events.ts";
import { reportAttempts } from "./core/react.ts";
import { isHolding } from "./core/state.ts";
import { createDevices } from "./device/devices.ts";
import { hostFacts } from "./device/host-facts.ts";
import { ownAddress } from "./device/own-address.ts";
import { AgentEngine } from "./engine.ts";
import { openJournal } from "./journal.ts";
import { type AgentStatus, serveLocalSocket } from "./local-socket.ts";
import { withExpTables } from "./output/exp-tables.ts";
import { createOutputPlane } from "./output/output-plane.ts";
import { tokenOf } from "./own-token.ts";
import { findCgroupRoot, removeGroup } from "./process/cgroup.ts";
import { imageDigest } from "./process/container/attempt-container.ts";
import { describeEngine, findEngine } from "./process/container/engine.ts";
import { bootId, machineId } from "./process/proc.ts";
import { createSpawner } from "./process/spawner.ts";
import { createTrees } from "./process/tree.ts";
import { ensureWarden, stopWarden, wardenPid } from "./process/warden.ts";
import { type Connection, connect } from "./session/connect.ts";
import { createContents } from "./session/contents.ts";

/** How often stop ladders, time limits and leases are looked at. */
const TICK_MS = 100;
/** How often the output of attempts with an idle limit is looked at. */
const IDLE_LOOK_MS = 1_000;
const WARDEN_CHECK_MS = 5_000;
/** A leaving agent waits so long for its last finishes to be acknowledged. */
const GOODBYE_MS = 3_000;
/** Before the first Welcome says how often. */
const HEARTBEAT_MS = 2_000;

export interface AgentParts {
  readonly config: AgentConfig;
  readonly clock: Clock;
  readonly random: () => number;
  readonly hostEnv: { readonly [name: string]: string | undefined };
  readonly pid: number;
  readonly logger: Logger;
  /** Somebody asked through the local socket. */
  readonly onStopAsked: (runs: "keep" | "kill") => void;
  /** The agent cannot go on; the process must end with this. */
  readonly onFatal: (error: Error) => void;
}

export interface Agent {
  status(): AgentStatus;
  /** Leaves running attempts to their shims and the warden. */
  stop(): Promise<void>;
  /** Stops every running attempt by the ladder, waits until none is left, then stops; ends the warden too. */
  stopWithRuns(): Promise<void>;
}

export async function startAgent(parts: AgentParts): Promise<Agent> {
  const { config, clock, logger } = parts;
  const stack = new ReleaseStack(logger);
  try {
    return await start(parts, stack);
  } catch (error) {
    await stack.release();
    throw error;
  }

  async function start(parts: AgentParts, stack: ReleaseStack): Promise<Agent> {
    makeWorkdir(config.workdir);
    const journal = openJournal(join(config.workdir, "journal.db"));
    stack.push("journal", () => journal.close());
    const { state, incarnation } = journal.open(bootId(), clock.wallMs());
    const { access, coordinator: address, workdir, name } = config;
    const token = await tokenOf({
      access,
      address,
      workdir,
      name,
      agentId: state.agentId,
      random: parts.random,
      logger,
    });

    const devices = await createDevices({
      gpus: config.gpus,
      cpuSlots: config.cpuSlots,
      nodeName: config.name,
      workdir: config.workdir,
    });
    stack.push("devices", () => devices.close());
    state.devices = await devices.list();
    const reachedAt = config.address ?? (await ownAddress(config.coordinator));
    const containers = await findEngine(config.containerEngine, parts.hostEnv);
    const facts = await hostFacts(devices.driverVersion, config.workdir, describeEngine(containers));
    const host = { ...facts, address: reachedAt };
    const cgroupRoot = await findCgroupRoot(config.workdir);
    // Goes only when it is empty: with live attempts in it, it stays for the next start.
    if (cgroupRoot !== undefined) stack.push("cgroup", () => void removeGroup(cgroupRoot));
    await ensureWarden(config.workdir);

    const spawner = await createSpawner();
    stack.push("spawner", () => spawner.close());
    const trees = createTrees({
      cgroupRoot,
      workdir: config.workdir,
      monotonicMs: () => clock.monotonicMs(),
      shims: spawner,
    });
    stack.push("trees", () => trees.close());

    let connection: Connection | undefined;
    const plane = createOutputPlane({
      agentId: state.agentId,
      clock,
      logger,
      random: parts.random,
      sendOverSession: (chunk) => connection?.send({ kind: "output", chunk }) ?? false,
    });
    const output = withCapture(withExpTables(plane, { clock, logger }), {
      clock,
      logger,
      subjectOf: (fence, dir) => {
        const { name: nodeName, labels } = config;
        return captureSubject({ state, nodeName, labels, hostEnv: parts.hostEnv, clock }, fence, dir);
      },
      processesOf: (fence) => {
        const process = state.attempts.get(fence)?.process;
        if (!process) return undefined;
        const isGrouped = trees.cgroupOf(fence) !== undefined;
        return { ...process, members: isGrouped ? trees.members({ fence, ...process }) : undefined };
      },
      gauges: (uuids) => devices.gauges(uuids),
    });
    stack.push("output", () => output.close());

    const engine = new AgentEngine({
      state,
      journal,
      now: () => ({ uptimeMs: clock.uptimeMs(), wallMs: clock.wallMs() }),
      act: (command) => act(command),
      onFatal: parts.onFatal,
    });
    stack.push("engine", () => engine.stop());
    const contents = createContents({ address: config.coordinator, token });
    stack.push("contents", () => contents.close());
    const cache = createCodeCache({ dir: join(config.workdir, "code"), get: (hashes) => contents.get(hashes) });
    let httpPort = 0;
    const httpUrl = () => contentsUrl(config.coordinator, httpPort, token);
    const artifactPlane = createArtifactPlane({
      workdir: config.workdir,
      journal: journal.artifacts,
      sender: createContentSender({
        url: httpUrl,
        token,
        bytesPerSecond: config.uploadBytesPerSecond,
      }),
      note: (request) => contents.noteArtifacts(request),
      wallMs: () => clock.wallMs(),
      random: parts.random,
      logger,
    });
    stack.push("artifacts", () => artifactPlane.close());
    const environments = createEnvironmentNotes({
      host,
      gpus: () => state.devices.filter(({ kind }) => kind === "gpu").map(({ model }) => model),
      cuda: () => devices.cudaVersion(),
      askPython: createPythonFacts(),
      allowedOf: (fence) => {
        const template = state.attempts.get(fence)?.assignment.templateJson;
        return template === undefined ? [] : assignedTemplate(template).capture.envAllow;
      },
      send: (noted) => contents.noteEnvironments(noted),
      imageDigest: async (image, dir) => containers && (await imageDigest(containers, image, dir, parts.hostEnv)),
      monotonicMs: () => clock.monotonicMs(),
      logger,
    });
    stack.push("environments", () => environments.close());
    const attempts: Attempts = createAttempts({
      workdir: config.workdir,
      nodeName: config.name,
      labels: config.labels,
      state,
      apply: (event) => engine.apply(event),
      trees,
      spawner,
      devices,
      containers,
      output,
      clock,
      hostEnv: parts.hostEnv,
      pythonPath: config.pythonPath,
      pageUrl: httpUrl,
      checkout: (snapshot, directory) => cache.checkout(snapshot, directory),
      artifacts: createAttemptArtifacts({
        plane: artifactPlane,
        subjectOf: (fence, dir) => {
          const { name: nodeName, labels } = config;
          return artifactSubject({ state, nodeName, labels, hostEnv: parts.hostEnv, clock }, fence, dir);
        },
        get: (hash, offset) => contents.get([hash], offset),
        local: (hash) => artifactPlane.local(hash),
        logger,
      }),
      onStarted: (attempt) => environments.add(attempt),
      logger,
    });
    stack.push("attempts", () => attempts.close());
    await attempts.recover();
    output.onStored((fence) => engine.apply({ kind: "stored", fence }));
    devices.onChange?.((list) => engine.apply({ kind: "devices", devices: list }));

    function act(command: AgentCommand): void {
      switch (command.kind) {
        case "send":
          // Without a session nothing is lost: the next Hello says how every attempt stands.
          connection?.send(command.message);
          return;
        case "watermarks":
          return output.applyWatermarks(command.offsets, command.resend);
        case "bus":
          return output.setBus(command);
        case "refused":
          logger.error({ reason: command.message }, "the coordinator refused this agent");
          return;
        case "start":
        case "adopt":
        case "signal":
        case "clean":
        case "write-lease":
        case "await-stored":
        case "remove":
          return attempts.act(command);
        default:
          unreachable(command);
      }
    }

    let hellos = 0;
    const hello = (): Hello => ({
      agentId: state.agentId,
      name: config.name,
      machineId: machineId(),
      bootId: state.bootId,
      incarnation,
      seq: ++hellos,
      version: VERSION,
      protocol: PROTOCOL_VERSION,
      labels: config.labels,
      host,
      maxFenceSeen: state.maxFenceSeen,
      storeId: state.storeId,
      term: state.term,
      devices: state.devices,
      attempts: reportAttempts(state),
      draining: state.draining,
    });
    let heartbeat = setInterval(() => engine.apply({ kind: "heartbeat" }), HEARTBEAT_MS);
    stack.push("heartbeat", () => clearInterval(heartbeat));
    connection = connect({
      address: config.coordinator,
      token,
      clock,
      random: parts.random,
      hello,
      onMessage: (message, helloSentMs) => {
        if (message.kind === "welcome") {
          clearInterval(heartbeat);
          heartbeat = setInterval(() => engine.apply({ kind: "heartbeat" }), message.welcome.heartbeatMs);
          httpPort = message.welcome.httpPort;
          artifactPlane.wake();
          logger.info({ session: message.welcome.session, coordinator: config.coordinator }, "joined");
        }
        engine.apply({ kind: "message", message, helloSentMs });
      },
      onDisconnected: (reason) => {
        logger.warn({ reason }, "no session with the coordinator; runs go on");
        engine.apply({ kind: "disconnected" });
      },
      logger,
    });
    const opened = connection;
    stack.push("session", () => opened.close());

    const tick = setInterval(() => engine.apply({ kind: "tick" }), TICK_MS);
    stack.push("tick", () => clearInterval(tick));
    const idle = setInterval(() => {
      for (const event of activityOf(state, config.workdir, output.systemBytes)) engine.apply(event);
    }, IDLE_LOOK_MS);
    stack.push("idle watch", () => clearInterval(idle));
    const wardenCheck = setInterval(() => {
      ensureWarden(config.workdir).catch((error: unknown) => logger.error({ error: errorMessage(error) }, "no warden"));
    }, WARDEN_CHECK_MS);
    stack.push("warden check", () => clearInterval(wardenCheck));

    const status = (): AgentStatus => ({
      name: config.name,
      pid: parts.pid,
      version: VERSION,
      agentId: state.agentId,
      coordinator: config.coordinator,
      session: opened.connected ? (state.session ?? null) : null,
      problem: opened.problem,
      draining: state.draining,
      warden: wardenPid(config.workdir) ?? null,
      cgroup: cgroupRoot ?? null,
      devices: state.devices.map((device) => ({
        uuid: device.uuid,
        model: device.model,
        health: device.health,
        reason: device.reason,
      })),
      attempts: [...state.attempts.values()].map(({ assignment, phase, process }) => ({
        fence: assignment.fence,
        run: assignment.runRef,
        phase,
        pid: process?.pid ?? null,
      })),
      output: output.stats(),
      artifacts: artifactPlane.stats(),
    });

    const untold = (): number => [...state.attempts.values()].filter(({ phase }) => phase === "finished").length;
    const holding = (): number => [...state.attempts.values()].filter(({ phase }) => isHolding(phase)).length;

    async function stopWithRuns(): Promise<void> {
      engine.apply({ kind: "stop-all" });
      logger.info({ runs: holding() }, "stopping the runs of this host");
      // The first look comes after the turn in which stop-all was decided.
      do await new Promise((resolve) => setTimeout(resolve, TICK_MS));
      while (holding() > 0);
      // Their ends are in the journal; telling them now saves the coordinator from waiting for the next start.
      const patience = clock.monotonicMs() + GOODBYE_MS;
      while (opened.connected && untold() > 0 && clock.monotonicMs() < patience) {
        await new Promise((resolve) => setTimeout(resolve, TICK_MS));
      }
      await stack.release();
      await stopWarden(config.workdir);
    }

    const socket = await serveLocalSocket(join(config.workdir, "agent.sock"), { status, stop: parts.onStopAsked });
    stack.push("local socket", () => socket.close());
    return { status, stop: () => stack.release(), stopWithRuns };
  }
}

function makeWorkdir(path: string): void {
  try {
    makeDirectory(join(path, "runs"), 0o700);
  } catch (error) {
    throw new AppError("unavailable", `cannot use --workdir ${path}: ${errorMessage(error)}`, {
      id: "agent.workdir",
      hint: "choose a directory you may write to",
      cause: error,
    });
  }
}
