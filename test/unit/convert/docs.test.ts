/** What docs/converting.md shows is what comes out, and what it says of series, distributions and cells holds. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { convertFile } from "../../../shared/convert/convert.ts";
import { DISTRIBUTION_KINDS } from "../../../shared/sampling/distribution.ts";
import { SAMPLING_METHODS } from "../../../shared/sampling/sampler.ts";
import { SERIES_KINDS } from "../../../shared/sampling/series.ts";
import { pointsOf, problemLinesOf } from "../../helpers/spec-source.ts";

const PAGE = readFileSync(new URL("../../../docs/converting.md", import.meta.url), "utf8");
const block = (language: string) => new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "ms").exec(PAGE)?.[1] ?? "";

test("the W&B file becomes the sweep file", () => {
  const file = { path: "wandb.yaml", text: block("yaml"), directory: "/d", workingDirectory: "/d", home: "/h" };
  expect(convertFile(file, undefined)).toEqual({ text: block("toml"), left: [] });
});

test("every series and distribution in the tables is one", () => {
  const rows = (heading: string) => {
    const table = PAGE.split(heading)[1]?.split("\n\n")[0] ?? "";
    return Array.from(table.matchAll(/^\| `(\{ (\w+) = .*?\})`/gm), ([, text = "", kind = ""]) => ({ text, kind }));
  };
  const series = rows("| series |");
  expect(series.map(({ kind }) => kind)).toEqual([...SERIES_KINDS, "file"]);
  for (const { text, kind } of series) {
    if (kind !== "file") expect(problemLinesOf(`name = "a"\nrun.command = "x"\ngrid.x = ${text}\n`)).toEqual([]);
  }
  const distributions = rows("| distribution |");
  expect(distributions.map(({ kind }) => kind).toSorted()).toEqual(DISTRIBUTION_KINDS.toSorted());
  for (const { text } of distributions) {
    const points = pointsOf(`name = "a"\nrun.command = "x"\nrandom.samples = 3\nrandom.space.x = ${text}\n`);
    expect(points.length).toBeGreaterThan(0);
  }
});

test("every method is explained", () => {
  for (const method of SAMPLING_METHODS) expect(PAGE).toContain(`**\`method = "${method}"\`**`);
});
