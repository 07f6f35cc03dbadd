import { expect, test } from "vitest";
import { type ProductAxis, productText } from "../../../cli/render/plan-product.ts";
import { sweepOf } from "../../helpers/spec-source.ts";

test.each([
  ["", ""],
  ["[grid]\nlr = [1, 2]\nm = [3]\n", "2 lr x 1 m"],
  ["seeds = [1, 2]\n", "2 seed"],
  ["seeds = [1, 2]\n[grid]\nlr = [1]\n[zip]\na = [1, 2]\nb = [1, 2]\n", "1 lr x 2 a+b x 2 seed"],
  ["[random]\nsamples = 5\nspace.x = { uniform = [0.0, 1.0] }\n", "5 x"],
  ["[grid]\nlr = [1, 2]\n[[variants]]\nbase.v = 1\n[[variants]]\nbase.v = 2\n", "2 variants x 2 lr"],
  ["[[variants]]\nbase.v = 1\n[[variants]]\nbase.v = 2\n", "2 variants"],
  [
    "repeats = 3\n[grid]\nlr = [1, 2]\n[[variants]]\nbase.v = 1\n[[variants]]\ngrid.p = [1, 2, 3]\n",
    "(2 lr + 2 lr x 3 p) x 3 seed",
  ],
  ["[[variants]]\nbase.v = 1\n[[variants]]\ngrid.p = [1, 2, 3]\n", "1 + 3 p"],
  [`${"[[variants]]\nbase.v = 1\n".repeat(5)}[[variants]]\ngrid.p = [1, 2]\n`, "6 variants"],
  [
    "repeats = 2\n[grid]\nlr = [1, 2]\n[[runs]]\nparams.x = 1\n[[runs]]\nparams.y = 1\n",
    "(2 lr + 2 of [[runs]]) x 2 seed",
  ],
  ["[[runs]]\nparams.x = 1\n", "1 of [[runs]]"],
])("%j", (lines, expected) => {
  const { report } = sweepOf(`name = "a"\nrun.command = ["x"]\n${lines}`);
  const axes = report.axes.map((axis): ProductAxis => ({ ...axis, variant: axis.variant ?? null }));
  expect(productText(axes)).toBe(expected);
});
