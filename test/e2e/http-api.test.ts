/** The HTTP API on a real fleet: submitted, followed, looked at and cancelled by it alone. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { ActionAnswer, PlanAnswer, SubmitAnswer } from "../../shared/run/action-answers.ts";
import type {
  NodeDetail,
  RunDetail,
  RunTable,
  SeriesAnswer,
  SweepDetail,
  UsageAnswer,
} from "../../shared/run/dashboard.ts";
import { type Fleet, startFleet } from "../helpers/fleet.ts";

const FILE = `
name = "curves"
run.command = 'i=0; while [ $i -lt 20 ]; do echo "{\\"e\\":\\"m\\",\\"s\\":$i,\\"v\\":{\\"loss\\":$((100 - i * \${lr}))}}" >> $EXP_EVENTS; i=$((i+1)); done; sleep 0'
run.args = "none"
objective = { metric = "loss", goal = "minimize" }
[grid]
lr = [1, 2, 3]
`;

async function post<T>(fleet: Fleet, name: string, body: object, key?: string): Promise<T> {
  const response = await fetch(`http://${fleet.http}/api/v1/actions/${name}`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${readFileSync(fleet.tokenFile, "utf8").trim()}`,
      "content-type": "application/json",
      ...(key !== undefined && { "idempotency-key": key }),
    },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(await response.text());
  return (await response.json()) as T;
}

test("a sweep from its plan to its curves", async () => {
  await using fleet = await startFleet({ agents: 1, gpus: "fake:2x80GB" });
  const source = { text: FILE, directory: fleet.dir };
  const plan = await post<PlanAnswer>(fleet, "plan", { source });
  expect(plan).toMatchObject({ name: "curves", total: 3, new: 3 });
  const key = "7be0f3f2-6f3f-4a0e-a7b3-d0f2f0a3f9b1";
  const made = await post<SubmitAnswer>(fleet, "submit", { source }, key);
  expect(made.sweep).toBe("curves.1");
  await fleet.done("curves.1", 60_000);

  const query = new URLSearchParams({
    sweep: "curves.1",
    sort: "metric:loss",
    columns: "ref,state,metric:loss,param:lr",
  });
  const table = await fleet.api<RunTable>(`/tables/runs?${query}`);
  expect(table.cells).toEqual([
    ["curves.1.3", "curves.1.2", "curves.1.1"],
    ["succeeded", "succeeded", "succeeded"],
    [43, 62, 81],
    [3, 2, 1],
  ]);
  const series = await fleet.api<SeriesAnswer>("/runs/curves.1.3/series?keys=loss");
  expect(series.series[0]).toMatchObject({ points: 20, exact: true });
  expect(series.series[0]?.ys.slice(0, 3)).toEqual([100, 97, 94]);
  const sweep = await fleet.api<SweepDetail>("/sweeps/curves.1/detail");
  expect(sweep).toMatchObject({ strip: "sss", etaMs: 0, axes: [{ key: "lr" }] });
  expect(sweep.bestOverTime.value.at(-1)).toBe(43);
  const run = await fleet.api<RunDetail>("/runs/curves.1.1/detail");
  expect(run).toMatchObject({ metricKeys: ["loss"], attempts: [{ state: "succeeded" }], differing: ["lr"] });
  const [node] = run.attempts;
  const page = await fleet.api<NodeDetail>(`/nodes/${node?.node}`);
  expect(page.recent.map(({ ref }) => ref).sort()).toEqual(["curves.1.1", "curves.1.2", "curves.1.3"]);
  expect((await fleet.api<UsageAnswer>("/usage?days=2")).rows.map(({ sweep }) => sweep)).toEqual(["curves.1"]);

  // The key stands for the submission also after a restart of the coordinator.
  await fleet.coordinator.kill9();
  await fleet.coordinator.start();
  expect((await post<SubmitAnswer>(fleet, "submit", { source }, key)).sweep).toBe("curves.1");
  expect((await fleet.api<RunTable>(`/tables/runs?${query}`)).cells[2]).toEqual([43, 62, 81]);

  const long = { text: FILE.replace("sleep 0", "sleep 600"), directory: fleet.dir };
  const second = await post<SubmitAnswer>(fleet, "submit", { source: long, force: true });
  expect(second.sweep).toBe("curves.2");
  const said = await post<ActionAnswer>(fleet, "cancel", { refs: ["curves.2"] });
  expect(said.message).toMatch(/cancelled|told to stop/);
  await fleet.done("curves.2", 60_000);
  expect((await fleet.api<SweepDetail>("/sweeps/curves.2/detail")).strip).toBe("ccc");
}, 180_000);
