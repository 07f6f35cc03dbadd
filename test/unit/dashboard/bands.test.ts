/** Curves of replicates as one, with a band. */
import { describe, expect, test } from "vitest";
import { bandOf, groupReplicates } from "../../../dashboard/app/stats/bands.ts";

describe("a band", () => {
  test("mean between smallest and largest", () => {
    const curves = [
      { xs: [0, 1, 2], ys: [1, 2, 3] },
      { xs: [0, 1, 2], ys: [3, 2, 7] },
    ];
    expect(bandOf(curves, "range")).toEqual({ xs: [0, 1, 2], mean: [2, 2, 5], low: [1, 2, 3], high: [3, 2, 7] });
  });

  test("one standard deviation of the sample on either side", () => {
    const curves = [1, 2, 3].map((y) => ({ xs: [5], ys: [y] }));
    expect(bandOf(curves, "deviation")).toEqual({ xs: [5], mean: [2], low: [1], high: [3] });
  });

  test("between two points a curve lies on the line through them; outside of its points it does not count", () => {
    const curves = [
      { xs: [0, 4], ys: [0, 8] },
      { xs: [1, 2, 3], ys: [10, 20, 30] },
    ];
    expect(bandOf(curves, "range")).toEqual({
      xs: [0, 1, 2, 3, 4],
      mean: [0, 6, 12, 18, 8],
      low: [0, 2, 4, 6, 8],
      high: [0, 10, 20, 30, 8],
    });
    expect(bandOf(curves, "deviation").low[4]).toBe(8);
  });

  test("gaps are passed over; of several points at one x the last counts", () => {
    const curves = [
      { xs: [0, 1, 2], ys: [0, null, 4] },
      { xs: [0, 0, 2], ys: [9, 2, 6] },
      { xs: [1], ys: [null] },
    ];
    expect(bandOf(curves, "range")).toEqual({ xs: [0, 2], mean: [1, 5], low: [0, 4], high: [2, 6] });
  });

  test("nothing of nothing", () => {
    expect(bandOf([{ xs: [], ys: [] }], "range")).toEqual({ xs: [], mean: [], low: [], high: [] });
  });
});

describe("groups", () => {
  const replicates = ["seed", "out"];

  test("of one sweep, by all parameters but those of replicates; named by what differs between them", () => {
    const runs = [
      { sweep: "a.1", params: { seed: 0, lr: 0.1, width: 8, optim: "sgd", out: "1" }, replicates },
      { sweep: "a.1", params: { seed: 0, lr: 1, width: 8, optim: "sgd", out: "2" }, replicates },
      { sweep: "a.1", params: { optim: "sgd", width: 8, lr: 0.1, seed: 1, out: "3" }, replicates },
    ];
    expect(groupReplicates(runs)).toEqual([
      { label: "lr=0.1 (2)", members: [0, 2] },
      { label: "lr=1 (1)", members: [1] },
    ]);
  });

  test("runs of different sweeps stay apart", () => {
    const runs = [
      { sweep: "a.1", params: { seed: 0 }, replicates },
      { sweep: "b.1", params: { seed: 0 }, replicates },
      { sweep: "b.1", params: { seed: 1 }, replicates },
    ];
    expect(groupReplicates(runs)).toEqual([
      { label: "a.1 (1)", members: [0] },
      { label: "b.1 (2)", members: [1, 2] },
    ]);
  });

  test("one group is named by its sweep; a text is not the number that it looks like", () => {
    const one = { sweep: "a.1", params: { seed: 0, n: "1" }, replicates };
    expect(groupReplicates([one, { ...one, params: { seed: 1, n: "1" } }])[0]?.label).toBe("a.1 (2)");
    expect(groupReplicates([one, { ...one, params: { seed: 1, n: 1 } }])).toHaveLength(2);
  });
});
