/** Replicates of a point are one row of the leaderboard and of tables, whatever follows from the seed. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readColumns } from "../../../coordinator/reader/columns.ts";
import { RunCache } from "../../../coordinator/reader/run-cache.ts";
import { createAnnotations } from "../../../coordinator/store/annotations.ts";
import { createQueries } from "../../../coordinator/store/queries/queries.ts";
import { type ControlRig, startControlRig } from "../../helpers/control-rig.ts";

let rig: ControlRig;

beforeEach(async () => {
  rig = await startControlRig();
});

afterEach(async () => {
  await rig[Symbol.asyncDispose]();
});

/** Submits, lets every run succeed, and has each log its number as `acc`. */
async function done(toml: string): Promise<string> {
  await rig.join(16);
  const { sweep, total } = await rig.submit(toml);
  const fenceOf = rig.db.prepare(`SELECT s.fence FROM runs r JOIN run_states s ON s.run_id = r.run_id
    JOIN sweeps w ON w.sweep_id = r.sweep_id WHERE w.name || '.' || w.number = ? AND r.idx = ?`);
  const log = rig.db.prepare(
    "INSERT INTO metric_lasts (fence, key, value, step, at, count) VALUES (?, 'acc', ?, 1, 1, 1)",
  );
  for (let i = 1; i <= total; i++) {
    await rig.finish({ kind: "succeeded" }, `${sweep}.${i}`);
    log.run((fenceOf.get(sweep, i) as { fence: number }).fence, i);
  }
  return sweep;
}

async function rows(ref: string, byRun = false): Promise<string[]> {
  const asked = { ref, metric: "acc", goal: "maximize", reduce: "", limit: 0, byRun };
  const answer = await rig.client.best(asked);
  return answer.rows.map(({ value, groupParamsJson, refs }) => `${value} ${groupParamsJson} ${refs.length}`);
}

/** Parameters by which tables do not tell points apart. */
function folded(ref: string): string[] {
  const cache = new RunCache(createQueries(rig.db), createAnnotations(rig.db));
  const { columns } = readColumns(cache, ref, Date.now());
  return columns.flatMap(({ key, replicate }) => (replicate ? [key] : []));
}

const sweep = (body: string) => `name = "digits"\nrun.command = ["true", "\${args}"]\n${body}`;

describe("runs of a point", () => {
  test("differ in what is derived from seed, run.index and what follows from those", async () => {
    const ref = await done(
      sweep(`seeds = [3, 4]
        [grid]
        lr = [0.1, 0.01]
        [derive]
        data_seed = "1000 + seed"
        shuffle = "data_seed * 2"
        out = "'runs/' + str(run.index)"
        log = "out + '.log'"
        "optim.rate" = "lr * 2"`),
    );
    expect(await rows(ref)).toEqual(['3.5 {"lr":0.01,"optim.rate":0.02} 2', '1.5 {"lr":0.1,"optim.rate":0.2} 2']);
    expect(await rows(ref, true)).toHaveLength(4);
    expect(folded(ref)).toEqual(["param:seed", "param:data_seed", "param:shuffle", "param:out", "param:log"]);
  });

  test("are the repeats of an EXP file, where a parameter is called so; elsewhere it tells points apart", async () => {
    const exp = await done('[[experiments]]\nname = "a"\ncommand = "true"\nrepeats = 3\n');
    expect(await rows(exp)).toEqual(['2 {"name":"a"} 3']);
    expect(folded(exp)).toEqual(["param:repeat"]);
    const own = await done(sweep("[grid]\nrepeat = [1, 2]"));
    expect(await rows(own)).toHaveLength(2);
    expect(folded(own)).toEqual([]);
  });

  test("a name that a variant derives from the seed and another sets tells points apart", async () => {
    const ref = await done(
      sweep(`seeds = [1, 2]
        [[variants]]
        derive = { tag = "str(seed)" }
        [[variants]]
        base = { tag = "x" }`),
    );
    expect(folded(ref)).toEqual(["param:seed"]);
    expect(await rows(ref)).toHaveLength(3);
  });
});
