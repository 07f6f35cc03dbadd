import { expect, test } from "vitest";
import { collapse, plainText, spansOf } from "../../../dashboard/app/logs/ansi.ts";
import { blocksOf, LogWindow, WINDOW_BYTES_MAX, WINDOW_LINES_MAX } from "../../../dashboard/app/logs/log-window.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const linesOf = (window: LogWindow) => Array.from({ length: window.lines }, (_, i) => window.text(i));

test("lines are the same, wherever the portions were cut", () => {
  const text = "one\ntwo zwei 二\n\nfour\nfi";
  for (let cut = 0; cut <= bytes(text).length; cut++) {
    const window = new LogWindow(0);
    window.append(bytes(text).slice(0, cut));
    window.append(bytes(text).slice(cut));
    expect(linesOf(window)).toEqual(text.split("\n"));
    expect(window.end).toBe(bytes(text).length);
  }
});

test("what comes before is put in front, its broken first line left out, and says how far the rest moved", () => {
  const all = "aaaa\nbbbb\ncccc\ndddd\n";
  const window = new LogWindow(15);
  window.append(bytes(all.slice(15)));
  expect(window.prepend(bytes(all.slice(7, 15)), 7)).toBe(1);
  expect([window.start, linesOf(window)]).toEqual([10, ["cccc", "dddd"]]);
  expect(window.prepend(bytes(all.slice(0, 10)), 0)).toBe(2);
  expect([window.start, linesOf(window)]).toEqual([0, ["aaaa", "bbbb", "cccc", "dddd"]]);
});

test("a byte has its line, and a line its byte", () => {
  const window = new LogWindow(100);
  window.append(bytes("ab\ncd\nef"));
  expect([99, 100, 102, 103, 106, 107, 108].map((at) => window.lineAt(at))).toEqual([
    undefined,
    0,
    0,
    1,
    2,
    2,
    undefined,
  ]);
  expect([0, 1, 2].map((line) => window.offsetOf(line))).toEqual([100, 103, 106]);
});

test("fifty megabytes leave a window of bounded size, at the end or at the start", () => {
  const portion = bytes(`${"x".repeat(79)}\n`.repeat(6_000));
  const forward = new LogWindow(0);
  let cut = 0;
  for (let i = 0; i < 105; i++) {
    forward.append(portion);
    cut += forward.cutStart();
  }
  const size = 105 * portion.length;
  expect(forward.end).toBe(size);
  expect(forward.end - forward.start).toBeLessThanOrEqual(WINDOW_BYTES_MAX);
  expect(forward.lines + cut).toBe(105 * 6_000);
  expect(forward.start % 80).toBe(0);

  const back = new LogWindow(size);
  for (let at = size; at > 0; at = back.start) {
    const from = Math.max(0, at - portion.length);
    back.prepend(portion.subarray(0, at - from), from);
    back.cutEnd();
  }
  expect(back.start).toBe(0);
  expect(back.end - back.start).toBeLessThanOrEqual(WINDOW_BYTES_MAX);
  expect(back.text(0)).toBe("x".repeat(79));
});

test("empty lines count too, and a line without end is cut", () => {
  const window = new LogWindow(0);
  window.append(bytes("\n".repeat(WINDOW_LINES_MAX + 100_000)));
  window.cutStart();
  expect(window.lines).toBeLessThanOrEqual(WINDOW_LINES_MAX);
  const endless = new LogWindow(0);
  for (let i = 0; i < 20; i++) endless.append(bytes("y".repeat(100_000)));
  expect(endless.lines).toBeGreaterThan(3);
  expect(endless.lines).toBeLessThan(10);
});

test("blocks hold whole lines", () => {
  const blocks = blocksOf(bytes("line of text\n".repeat(20_000)), 7);
  expect(blocks.length).toBeGreaterThan(1);
  expect(blocks[0]?.from).toBe(7);
  for (const [i, block] of blocks.entries()) {
    expect(block.bytes.at(-1)).toBe(10);
    expect(blocks[i + 1]?.from ?? 7 + 260_000).toBe(block.from + block.bytes.length);
  }
});

test.each([
  ["a bar that redraws itself", "10%\r50%\r100%", "100%"],
  ["a line end of Windows", "done\r", "done"],
  ["colours", "\u001b[1;31mred\u001b[0m plain", "red plain"],
  ["a title that is set", "\u001b]0;pwned\u0007text", "text"],
  ["a link", "\u001b]8;;javascript:alert(1)\u001b\\click\u001b]8;;\u001b\\", "click"],
  ["a cursor that moves and a screen that is cleared", "a\u001b[2J\u001b[10;3Hb", "ab"],
  ["bells and nulls", "a\u0007\u0000b\u0008c", "abc"],
  ["markup", "<script>alert(1)</script>", "<script>alert(1)</script>"],
  ["text that would be shown in another order", "x\u202egnp.exe\u2066y", "xgnp.exey"],
])("a terminal's line: %s", (_, line, shown) => {
  expect(
    spansOf(collapse(line))
      .map(({ text }) => text)
      .join(""),
  ).toBe(shown);
  expect(plainText(collapse(line))).toBe(shown);
});
