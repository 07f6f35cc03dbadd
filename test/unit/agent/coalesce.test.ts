import { describe, expect, it } from "vitest";
import { coalesce } from "../../../agent/process/coalesce.ts";

describe("coalesce", () => {
  it("gives all who ask together one run", async () => {
    let runs = 0;
    const shared = coalesce(() => ++runs);
    expect(await Promise.all([shared(), shared(), shared()])).toEqual([1, 1, 1]);
    expect(await shared()).toBe(2);
  });

  it("never gives a caller a run that began before its call, and never overlaps runs", async () => {
    let runs = 0;
    let active = 0;
    const releases: (() => void)[] = [];
    let began = () => {};
    const shared = coalesce(async () => {
      expect(++active).toBe(1);
      const own = ++runs;
      began();
      await new Promise<void>((release) => releases.push(release));
      active -= 1;
      return own;
    });
    const beginning = () => new Promise<void>((resolve) => (began = resolve));
    const firstBegan = beginning();
    const first = shared();
    await firstBegan;
    const later = [shared(), shared()];
    const secondBegan = beginning();
    releases[0]?.();
    expect(await first).toBe(1);
    await secondBegan;
    releases[1]?.();
    expect(await Promise.all(later)).toEqual([2, 2]);
  });

  it("gives a failure to those who waited for it, and goes on", async () => {
    let runs = 0;
    const shared = coalesce(() => {
      if (++runs === 1) throw new Error("first");
      return runs;
    });
    await expect(Promise.all([shared(), shared()])).rejects.toThrow("first");
    expect(await shared()).toBe(2);
  });
});
