/** The example of docs/resources.md is a sweep file that asks for what the page says. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { causeProblem } from "../../../shared/run/causes.ts";
import { describeRequest } from "../../../shared/run/devices.ts";
import { problemLinesOf, sweepOf } from "../../helpers/spec-source.ts";

const PAGE = readFileSync(new URL("../../../docs/resources.md", import.meta.url), "utf8");
const EXAMPLE = /^```toml\n(.*?)^```$/ms.exec(PAGE)?.[1] ?? "";

test("the example", () => {
  expect(problemLinesOf(EXAMPLE)).toEqual([]);
  const { shapes, sweep } = sweepOf(EXAMPLE);
  expect(describeRequest(shapes[0]?.resources ?? { gpus: undefined, cpus: undefined })).toBe(
    "2 GPUs (A100 or H100, 40GB), 8 CPU slots, 64GB memory, where node.labels.zone == 'a'",
  );
  expect(sweep.failures).toBe(5);
  expect(shapes[0]).toMatchObject({
    limits: { timeMs: 12 * 3_600_000, idleMs: 30 * 60_000 },
    retry: { max: 2, backoff: { minMs: 30_000, maxMs: 600_000 }, avoidNode: true },
  });
});

test("every cause that the page names is one", () => {
  const rows = [...PAGE.matchAll(/^\| ((?:`[^`]+`(?:, )?)+) \| .* \|$/gm)].map(([, names = ""]) => names);
  const causes = rows.slice(rows.findIndex((row) => row.startsWith("`exit:N`")));
  const named = causes.flatMap((row) => [...row.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name));
  expect(named.length).toBeGreaterThan(8);
  for (const name of named) expect([name, causeProblem(name.replace(/:N$/, ":9"))]).toEqual([name, undefined]);
});
