/**
 * A token that is bound to a node is held to it: every method and address that an agent may call, tried with what is another
 * node's. What was asked is written down, and nothing changes.
 */
import { hash } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { hashToken } from "../../../coordinator/rpc/auth.ts";
import { rolesOfMethod } from "../../../coordinator/rpc/roles.ts";
import { AgentServiceService } from "../../../proto/gen/runner/v1/agent.ts";
import { ArtifactState } from "../../../proto/gen/runner/v1/common.ts";
import { ControlServiceService } from "../../../proto/gen/runner/v1/control.ts";
import {
  type NotedArtifact,
  StoreServiceService,
  ArtifactVerdict as Verdict,
} from "../../../proto/gen/runner/v1/store.ts";
import type { Fence, RunId } from "../../../shared/kernel/ids.ts";
import type { Token } from "../../../shared/kernel/token.ts";
import type { AttemptReport, Hello } from "../../../shared/run/session.ts";
import { snapshotText } from "../../../shared/run/snapshot.ts";
import { fromServiceError } from "../../../shared/wire/status.ts";
import { makeDevice, makeFinish, makeHello } from "../../helpers/core-rig.ts";
import { type JoinRig, type Session, startJoinRig } from "../../helpers/join-rig.ts";
import { createSeeder } from "../../helpers/seed-store.ts";
import { createReadStore, startHttp } from "../coordinator-read/fixture.ts";
import { ask } from "../dashboard/http-client.ts";

const HERE = "gpu-07";
const THERE = "gpu-08";
const sha256 = (text: string) => hash("sha256", text, "hex");

let rig: JoinRig;
let token: Token;
let own: Fence;
let foreign: Fence;
let runs: readonly RunId[];

beforeEach(async () => {
  rig = await startJoinRig();
  const seed = createSeeder(rig.db);
  for (const name of [HERE, THERE]) seed.node(name, [makeDevice(`${name}/cpu-0`)]);
  const sweep = seed.sweep({
    name: "digits",
    runs: [HERE, THERE].map((node) => ({ state: "running", node, devices: [`${node}/cpu-0`] })),
  });
  [own, foreign] = sweep.fences as [Fence, Fence];
  runs = sweep.runIds;
  await rig.reopen();
  token = await rig.startAgent(HERE, await rig.joinToken());
});
afterEach(() => rig[Symbol.asyncDispose]());

const denials = () =>
  rig.history().flatMap(({ kind, node, text }) => (kind === "node-denied" ? [`${node}: ${text}`] : []));
/** What decisions rest on. */
const standing = () =>
  JSON.stringify(
    ["run_states", "attempts", "artifacts"].map((table) => rig.db.prepare(`SELECT * FROM ${table}`).all()),
  );

function hello(patch: Partial<Hello> = {}, name = HERE): Hello {
  const device = makeDevice(`${name}/cpu-0`);
  return makeHello(name, {
    incarnation: 2,
    devices: [device],
    attempts: [report(name === HERE ? own : foreign)],
    ...patch,
  });
}

function report(fence: Fence): AttemptReport {
  const [run, device] = fence === own ? [runs[0], `${HERE}/cpu-0`] : [runs[1], `${THERE}/cpu-0`];
  return { fence, runId: run as RunId, devices: [device as never], phase: "running", startedAt: 1 };
}

async function joined(session: Session, said = hello()): Promise<Session> {
  session.send({ kind: "hello", hello: said });
  await expect.poll(() => session.received.some(({ $case }) => $case === "welcome") || session.ended).toBe(true);
  return session;
}

test("these are all the methods that an agent may call: each is below", () => {
  const services = [AgentServiceService, ControlServiceService, StoreServiceService];
  const paths = services.flatMap((service) => Object.values(service).map(({ path }) => path));
  expect(paths.filter((path) => rolesOfMethod(path)?.includes("agent"))).toEqual([
    "/runner.v1.AgentService/Connect",
    "/runner.v1.StoreService/Get",
    "/runner.v1.StoreService/NoteEnvironments",
    "/runner.v1.StoreService/NoteArtifacts",
  ]);
});

describe("Connect", () => {
  test("a Hello in its own name is welcome", async () => {
    await joined(rig.session(token));
    expect(denials()).toEqual([]);
  });

  test.each([
    ["another name", () => hello({}, THERE), "a Hello came from gpu-08"],
    ["another work directory", () => hello({ agentId: "copied" }), "a Hello came from another work directory"],
  ])("a Hello with %s is denied, once in the history however often it comes", async (_, said, what) => {
    const before = standing();
    for (let i = 0; i < 3; i++) {
      const session = rig.session(token);
      session.send({ kind: "hello", hello: said() });
      await expect
        .poll(() => session.ended)
        .toEqual({
          code: "forbidden",
          message: `the token gpu-07 speaks for the node gpu-07 alone: ${what}`,
        });
    }
    expect(denials()).toEqual([`gpu-07: gpu-07: ${what}`]);
    expect(standing()).toBe(before);
  });

  test("attempts of others in a Hello are stopped there, and stay with whom they are", async () => {
    const session = await joined(rig.session(token), hello({ attempts: [report(own), report(foreign)] }));
    const [welcome] = session.received;
    expect(welcome).toMatchObject({
      value: {
        decisions: [
          { fence: own, action: 1 },
          { fence: foreign, action: 2, reason: "superseded" },
        ],
      },
    });
    expect(denials()).toEqual([`gpu-07: gpu-07: hello of attempt ${foreign}, which is on gpu-08`]);
  });

  test("not even an attempt that was given up can be taken from another: the work is not theirs", async () => {
    // Its host was silent for longer than its lease, and nothing was started in its place.
    const outcome = '{"kind":"lost","reason":"lease"}';
    rig.db.prepare("UPDATE attempts SET phase = 'ended', outcome_json = ? WHERE fence = ?").run(outcome, foreign);
    rig.db.prepare("UPDATE run_states SET state = 'held', given_up = 1 WHERE run_id = ?").run(runs[1] as RunId);
    await rig.reopen();
    const session = await joined(rig.session(token), hello({ attempts: [report(own), report(foreign)] }));
    const before = standing();
    session.send({ kind: "finished", finish: makeFinish(foreign, { kind: "succeeded" }) });
    await expect.poll(() => session.received.some(({ $case }) => $case === "finishAck")).toBe(true);
    expect(standing()).toBe(before);
    expect(standing()).toContain('"given_up":1');
  });

  test("words about another's attempt change nothing; its end is acknowledged, so that it is not repeated", async () => {
    const session = await joined(rig.session(token));
    const before = standing();
    session.send({ kind: "started", fence: foreign, pid: 1, startedAt: 1 });
    session.send({ kind: "rejected", fence: foreign, reason: "device_busy", detail: "" });
    session.send({ kind: "accepted", fence: foreign });
    session.send({ kind: "finished", finish: makeFinish(foreign, { kind: "succeeded" }) });
    await expect
      .poll(() => session.received.find(({ $case }) => $case === "finishAck"))
      .toMatchObject({
        value: { fence: foreign },
      });
    expect(standing()).toBe(before);
    const on = `of attempt ${foreign}, which is on gpu-08`;
    expect(denials()).toEqual(
      ["started", "rejected", "accepted", "finished"].map((what) => `gpu-07: gpu-07: ${what} ${on}`),
    );
    // About its own they count.
    session.send({ kind: "finished", finish: makeFinish(own, { kind: "succeeded" }) });
    await expect.poll(() => standing() !== before).toBe(true);
  });

  test("revoked: its session ends at once", async () => {
    const session = await joined(rig.session(token));
    rig.tokens.remove("gpu-07");
    await expect.poll(() => session.ended).toEqual({ code: "unauthorized", message: "the token gpu-07 was revoked" });
  });

  test("a token that is bound to nobody speaks for any node", async () => {
    const unbound = { secret: "of-no-node-in-particular", certificate: token.certificate };
    const row = { name: "hosts", role: "agent", createdAt: 0, expiresAt: undefined } as const;
    rig.tokens.add(row, hashToken(unbound.secret));
    await joined(rig.session(unbound));
    await joined(rig.session(unbound), hello({}, THERE));
    expect(denials()).toEqual([]);
  });
});

describe("the store", () => {
  const noted = (fence: Fence): NotedArtifact => ({
    ...{ fence, seq: 1, name: "a.txt", kind: "file", step: undefined, folder: false, sizeBytes: 1, files: 1 },
    ...{ hash: sha256("a"), state: ArtifactState.ARTIFACT_STATE_PENDING, reason: "", at: 1 },
  });

  test("NoteArtifacts: nobody wants what it says of another's attempt", async () => {
    const { client, metadata } = rig.store(token);
    const verdicts = await new Promise((resolve, reject) => {
      client.noteArtifacts({ artifacts: [noted(own), noted(foreign)] }, metadata, (error, response) =>
        error ? reject(error) : resolve(response.verdicts),
      );
    });
    expect(verdicts).toEqual([Verdict.ARTIFACT_VERDICT_KEPT, Verdict.ARTIFACT_VERDICT_UNWANTED]);
    expect(rig.db.prepare("SELECT fence FROM artifacts").all()).toEqual([{ fence: own }]);
    expect(denials()).toEqual([`gpu-07: gpu-07: an artifact of attempt ${foreign}, which is on gpu-08`]);
  });

  test("NoteEnvironments: of another's attempt it is passed over", async () => {
    const { client, metadata } = rig.store(token);
    const environmentJson = "{}";
    const environments = [own, foreign].map((fence) => ({ fence, hash: sha256(environmentJson), environmentJson }));
    await new Promise<void>((resolve, reject) => {
      client.noteEnvironments({ environments }, metadata, (error) => (error ? reject(error) : resolve()));
    });
    expect(rig.db.prepare("SELECT fence FROM attempt_environments").all()).toEqual([{ fence: own }]);
    expect(denials()).toEqual([`gpu-07: gpu-07: an environment of attempt ${foreign}, which is on gpu-08`]);
  });

  test("Get: the code and the checkpoints of its live attempts, and nothing else", async () => {
    const put = async (text: string) => {
      const [data, name] = [Buffer.from(text), sha256(text)];
      await rig.blobs.append({ hash: name, size: data.length, offset: 0, data });
      return name;
    };
    const listed = async (text: string) => {
      const file = await put(text);
      const entry = { kind: "file", path: "a", sha256: file, bytes: text.length, executable: false } as const;
      return { file, list: await put(snapshotText([entry])) };
    };
    const [code, folder] = [await listed("print(1)"), await listed("weights")];
    const [checkpoint, others] = [await put("last weights"), await put("somebody's")];
    const { sweep_id: sweepId } = rig.db
      .prepare("SELECT sweep_id FROM runs WHERE run_id = ?")
      .get(runs[0] as RunId) as {
      sweep_id: string;
    };
    rig.db
      .prepare("INSERT INTO sweep_origins (sweep_id, origin, snapshot, root, resumes) VALUES (?, x'', ?, '/w', 0)")
      .run(sweepId, code.list);
    const keep =
      rig.db.prepare(`INSERT INTO artifacts (run_id, fence, seq, name, kind, folder, bytes, files, hash, state,
      reason, at) VALUES (?, ?, ?, 'c', 'checkpoint', ?, 1, 1, ?, 'stored', '', 1)`);
    keep.run(runs[0] as RunId, own, 1, 0, checkpoint);
    keep.run(runs[0] as RunId, own, 2, 1, folder.list);
    keep.run(runs[1] as RunId, foreign, 1, 0, others);

    const get = async (hashes: string[], as = token): Promise<string> => {
      const { client, metadata } = rig.store(as);
      const parts: string[] = [];
      try {
        for await (const { data } of client.get({ hashes, offset: 0 }, metadata)) parts.push(String(data));
      } catch (error) {
        return fromServiceError(error).code;
      }
      return parts.join("|");
    };
    expect(await get([code.file])).toBe("print(1)");
    expect(await get([checkpoint, folder.file])).toBe("last weights|weights");
    for (const { list, file } of [code, folder]) expect(await get([list])).toContain(file);
    expect(await get([others])).toBe("forbidden");
    expect(await get([code.file, others])).toBe("forbidden");
    expect(denials()).toEqual([`gpu-07: gpu-07: no attempt that it has needs the content ${others.slice(0, 12)}`]);
    const admin = { secret: "correct-horse-battery-staple", certificate: token.certificate };
    expect(await get([others], admin)).toBe("somebody's");
    // With the attempt ends what it needs.
    const session = await joined(rig.session(token));
    session.send({ kind: "finished", finish: makeFinish(own, { kind: "succeeded" }) });
    await expect.poll(() => get([code.file])).toBe("forbidden");
  });
});

test("HTTP: contents are taken for attempts of its node alone", async () => {
  const store = createReadStore();
  const http = await startHttp(store, undefined, store.deps(), 0, rig.tokens, rig.bounds);
  try {
    const path = `/contents/${sha256("a")}`;
    const status = async (query: string, method: "GET" | "PUT", secret = token.secret) => {
      const headers = { authorization: `Bearer ${secret}`, "content-length": method === "PUT" ? "1" : "0" };
      return (await ask(http.port, `${path}?${query}`, { method, headers, ...(method === "PUT" && { body: "a" }) }))
        .status;
    };
    const part = "size=1&offset=0";
    for (const [query, expected] of [
      ["", 403],
      [`fence=${foreign}`, 403],
      ["fence=4711", 403],
      ["fence=x", 400],
      [`fence=${own}`, 200],
    ] as const) {
      expect(await status(query, "GET")).toBe(expected);
      expect(await status(`${part}&${query}`, "PUT")).toBe(expected);
    }
    expect(await status(`${part}`, "PUT", "correct-horse-battery-staple")).toBe(200);
    expect(denials()).toContain(`gpu-07: gpu-07: a content was sent for attempt ${foreign}`);
  } finally {
    await http.stop(0);
    store.close();
  }
});
