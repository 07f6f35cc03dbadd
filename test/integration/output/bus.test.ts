/** Servers that are slow, small, strict, or silent. */
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { jetstreamManager, RetentionPolicy } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { afterEach, describe, expect, it } from "vitest";
import { fence } from "../../../shared/kernel/ids.ts";
import { OUTPUT_STREAM, OUTPUT_SUBJECTS } from "../../../shared/subjects.ts";
import { type NatsServer, startNats } from "../../helpers/nats.ts";
import { type OutputRig, sha256Of, startOutputRig } from "../../helpers/output-rig.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

let nats: NatsServer | undefined;
let rig: OutputRig | undefined;

afterEach(async () => {
  await rig?.stop();
  await nats?.stop();
  rig = undefined;
  nats = undefined;
});

describe("the bus", () => {
  it("may take only small messages", async () => {
    nats = await startNats({ config: "max_payload: 16KB" });
    const { plane, hostFile, resultFile, watch } = startRig(nats);
    writeFileSync(hostFile(1, "output"), randomBytes(300_000));
    watch(1);
    await plane.end(fence(1));
    await waitUntil("stored", () => plane.isStored(fence(1)), { seen: () => plane.stats() });
    expect(await sha256Of(resultFile(1, "output"))).toBe(await sha256Of(hostFile(1, "output")));
  });

  it("may have less room than asked for", async () => {
    nats = await startNats({ jetstream: "max_file_store: 100MB" });
    const { ingest } = startRig(nats);
    await waitUntil("served", () => ingest.health().connected, { seen: () => ingest.health() });
    expect(ingest.health().serverVersion).toMatch(/^\d+\.\d+\.\d+/);
  });

  it("may refuse who we are: said on both sides", async () => {
    nats = await startNats();
    const { access } = nats;
    rig = startOutputRig({ access: { ...access, password: "wrong" } });
    const { plane, ingest } = rig;
    await waitUntil(
      "both say why",
      () => /auth/i.test(plane.stats().busProblem) && /auth/i.test(ingest.health().reason),
      {
        seen: () => [plane.stats().busProblem, ingest.health().reason],
      },
    );
  });

  it("may be told to the agent later, and again with another password", async () => {
    nats = await startNats();
    const { access } = nats;
    rig = startOutputRig({ access });
    const { plane, hostFile, watch } = rig;
    plane.setBus({ ...access, password: "wrong" });
    writeFileSync(hostFile(1, "output"), "waits for the right password\n");
    watch(1);
    await waitUntil("the refusal", () => /auth/i.test(plane.stats().busProblem));
    plane.setBus(access);
    await plane.end(fence(1));
    await waitUntil("stored", () => plane.isStored(fence(1)), { seen: () => plane.stats() });
  });

  it("is refused where a stream of somebody else has our name", async () => {
    nats = await startNats();
    const { servers, user, password } = nats.access;
    const connection = await connect({ servers: [...servers], user, pass: password });
    const manager = await jetstreamManager(connection);
    await manager.streams.add({ name: OUTPUT_STREAM, subjects: [OUTPUT_SUBJECTS], retention: RetentionPolicy.Limits });
    await connection.close();
    const { ingest } = startRig(nats);
    await waitUntil("the refusal", () => /is not ours/.test(ingest.health().reason), { seen: () => ingest.health() });
  });

  it("is unhealthy within 15 s when it answers nothing, and comes back", { timeout: 60_000 }, async () => {
    nats = await startNats();
    const { ingest } = startRig(nats);
    await waitUntil("served", () => ingest.health().connected);
    process.kill(nats.pid, "SIGSTOP");
    await waitUntil("unhealthy", () => !ingest.health().connected, { boundMs: 15_500 });
    process.kill(nats.pid, "SIGCONT");
    await waitUntil("healthy", () => ingest.health().connected, { boundMs: 15_000, seen: () => ingest.health() });
  });
});

function startRig({ access }: NatsServer): OutputRig {
  rig = startOutputRig({ access });
  return rig;
}
