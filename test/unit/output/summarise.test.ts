import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Summariser } from "../../../coordinator/stream/summarise.ts";
import { CLIENT_LINE_BYTES_MAX, METRIC_KEYS_MAX } from "../../../shared/run/limits.ts";

const fresh = () => new Summariser({ parsed: 0, midLine: false, keys: [] });
const feed = (summary: Summariser, text: string) => summary.feed(Buffer.from(text));
const point = (v: object, s?: number, t?: number) => `${JSON.stringify({ e: "m", v, s, t })}\n`;

describe("summary of client lines", () => {
  it("keeps the last value, its step and time, and counts", () => {
    const summary = fresh();
    feed(summary, point({ loss: 3 }, 1, 100) + point({ loss: 2, acc: 0.5 }, 2, 101));
    expect(summary.take()).toEqual([
      {
        ...{ key: "loss", value: 2, text: null, step: 2, at: 101, count: 2 },
        ...{ min: { value: 2, step: 2 }, max: { value: 3, step: 1 } },
      },
      {
        ...{ key: "acc", value: 0.5, text: null, step: 2, at: 101, count: 1 },
        ...{ min: { value: 0.5, step: 2 }, max: { value: 0.5, step: 2 } },
      },
    ]);
    expect(summary.take()).toEqual([]);
  });

  it("keeps the first of equal bounds, and no bound that is not finite", () => {
    const summary = fresh();
    feed(summary, point({ loss: 1 }, 1) + point({ loss: 1 }, 2));
    feed(summary, '{"e":"m","s":3,"v":{"loss":"NaN","acc":"inf"}}\n');
    expect(summary.take()).toMatchObject([
      { key: "loss", text: "NaN", min: { value: 1, step: 1 }, max: { value: 1, step: 1 } },
      { key: "acc", text: "Infinity", min: null, max: null },
    ]);
  });

  it("keeps steps that go backwards in the order in which they came", () => {
    const summary = fresh();
    feed(summary, point({ loss: 1 }, 9) + point({ loss: 2 }, 3) + point({ loss: 3 }, 3));
    expect(summary.take()).toMatchObject([{ value: 3, step: 3, count: 3 }]);
  });

  const values: readonly [name: string, json: string, value: number | null, text: string | null][] = [
    ["NaN as text", '"NaN"', null, "NaN"],
    ["NaN as Python writes it", "NaN", null, "NaN"],
    ["Infinity", "Infinity", null, "Infinity"],
    ["-Infinity", '"-inf"', null, "-Infinity"],
    ["too large for a double", "1e400", null, "Infinity"],
    ["subnormal", "5e-324", 5e-324, null],
    ["beyond 2^53", "9007199254740993", 9007199254740992, null],
    ["text", '"warm"', null, "warm"],
    ["true", "true", 1, null],
  ];
  it.each(values)("value: %s", (_name, json, value, text) => {
    const summary = fresh();
    feed(summary, `{"e":"m","v":{"x":${json}}}\n`);
    expect(summary.take()).toMatchObject([{ key: "x", value, text }]);
  });

  it("takes summary lines as last values and passes over everything else", () => {
    const summary = fresh();
    feed(summary, '{"e":"u","v":{"best":7}}\n{"e":"p","i":1}\nnot json\n{"e":"m","v":null}\n[1]\n\u0000\n');
    expect(summary.take()).toMatchObject([{ key: "best", value: 7, count: 1 }]);
  });

  it("takes the numbers of a row of EXP's save_row, and no texts", () => {
    const summary = fresh();
    feed(summary, '{"e":"r","t":5,"v":{"epoch":"3","acc":"0.9","note":"warm","ok":"True","none":""}}\n');
    expect(summary.take().map(({ key, value }) => [key, value])).toEqual([
      ["epoch", 3],
      ["acc", 0.9],
      ["ok", 1],
    ]);
  });

  it("hands on the rows that are for a table elsewhere, with what names it and no secret", () => {
    const summary = fresh();
    const url = "https://x.feishu.cn/base/appTest12345?table=tblTest1";
    feed(
      summary,
      '{"e":"r","v":{"a":"1"}}\n{"e":"r","v":{"a":"2"},"lark":true}\n{"e":"r","v":{"a":"3"},"lark":false}\n',
    );
    feed(
      summary,
      `${JSON.stringify({ e: "r", v: { a: "4" }, lark: { url, table_id: "tblOther", app_secret: "s" } })}\n`,
    );
    feed(summary, `${JSON.stringify({ e: "r", v: { a: "5" }, lark: { table_id: "tblOther" } })}\n`);
    expect(summary.takeWords()).toEqual([
      { kind: "row", cells: [["a", "2"]], table: {} },
      { kind: "row", cells: [["a", "4"]], table: { appToken: "appTest12345", tableId: "tblTest1" } },
      { kind: "row", cells: [["a", "5"]], table: { tableId: "tblOther" } },
    ]);
    expect(summary.take()).toMatchObject([{ key: "a", value: 5, count: 5 }]);
  });

  it("gives the same for any cut of the same bytes", () => {
    const text = `${point({ a: 1, ü: 2 }, 1)}junk\n${point({ a: 3 })}${"x".repeat(300)}\n${point({ b: "NaN" })}{"e":"m"`;
    const data = Buffer.from(text);
    const whole = fresh();
    whole.feed(data);
    const expected = whole.take();
    fc.assert(
      fc.property(fc.array(fc.nat(data.length), { maxLength: 12 }), (cuts) => {
        const summary = fresh();
        const bounds = [0, ...cuts.sort((a, b) => a - b), data.length];
        for (const [i, from] of bounds.slice(0, -1).entries()) summary.feed(data.subarray(from, bounds[i + 1]));
        expect(summary.take()).toEqual(expected);
        expect(summary.parsed).toBe(data.lastIndexOf(10) + 1);
      }),
    );
  });

  it("goes on in a new life from any stored state, counting each point once", () => {
    const data = Buffer.from(Array.from({ length: 20 }, (_, i) => point({ loss: i, [`k${i % 3}`]: i }, i)).join(""));
    fc.assert(
      fc.property(fc.nat(data.length), (kill) => {
        const first = fresh();
        first.feed(data.subarray(0, kill));
        const { parsed } = first;
        const midLine = parsed > 0 && data[parsed - 1] !== 10;
        const second = new Summariser({ parsed, midLine, keys: first.take().map(({ key }) => key) });
        second.feed(data.subarray(parsed, kill));
        expect(second.take()).toEqual([]);
        second.feed(data.subarray(kill));
        expect(second.parsed).toBe(data.length);
      }),
    );
  });

  it("passes over a line above the limit, also when its rest comes in another life", () => {
    const long = `{"e":"m","v":{"x":"${"y".repeat(CLIENT_LINE_BYTES_MAX)}"}}`;
    const summary = fresh();
    feed(summary, long.slice(0, -5));
    expect(summary.parsed).toBe(long.length - 5);
    const next = new Summariser({ parsed: summary.parsed, midLine: true, keys: [] });
    feed(next, `${long.slice(-5)}\n${point({ z: 1 })}`);
    expect(next.take()).toMatchObject([{ key: "z" }]);
    const atOnce = fresh();
    feed(atOnce, `${long}\n${point({ z: 1 })}`);
    expect(atOnce.take()).toMatchObject([{ key: "z" }]);
  });

  it("takes a line at the limit", () => {
    const frame = '{"e":"m","v":{"x":1},"pad":""}'.length;
    const line = `{"e":"m","v":{"x":1},"pad":"${"p".repeat(CLIENT_LINE_BYTES_MAX - frame)}"}\n`;
    const summary = fresh();
    feed(summary, line);
    expect(summary.take()).toHaveLength(1);
  });

  it("refuses names above the limit, and counts them", () => {
    const summary = new Summariser({
      parsed: 0,
      midLine: false,
      keys: Array.from({ length: METRIC_KEYS_MAX - 1 }, (_, i) => `k${i}`),
    });
    feed(summary, point({ last: 1 }) + point({ over: 1 }) + point({ k0: 5 }));
    expect(summary.take().map(({ key }) => key)).toEqual(["last", "k0"]);
    expect(summary.refused).toBe(1);
  });
});
