import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { parseChannels } from "../../../coordinator/outbox/channels-file.ts";
import { cutText, KEY_CHARS_MAX, mlflowKey } from "../../../coordinator/outbox/mlflow/names.ts";
import { probeChannels } from "../../../coordinator/outbox/probe.ts";
import { firstCursor, readPortion } from "../../../coordinator/outbox/run-points.ts";
import { CLIENT_LINE_BYTES_MAX } from "../../../shared/run/limits.ts";

describe("names in MLflow", () => {
  test.each(["loss", "val/acc", "a b", "größe", "x-1.5_y", "..."])("%s stays", (name) => {
    expect(mlflowKey(name)).toBe(name === "..." ? "..." : name);
  });

  test.each([
    ["acc@5", /^acc_5_[0-9a-f]{8}$/],
    ["a//b", /^a\/_\/b_[0-9a-f]{8}$/],
    ["../x", /^_\/x_[0-9a-f]{8}$/],
    ["/x", /^_\/x_[0-9a-f]{8}$/],
    ["", /^__[0-9a-f]{8}$/],
    ["a:b", /^a_b_[0-9a-f]{8}$/],
  ])("%s is changed, and stays different from others", (name, expected) => {
    expect(mlflowKey(name)).toMatch(expected);
  });

  test("length", () => {
    expect(mlflowKey("x".repeat(KEY_CHARS_MAX))).toHaveLength(KEY_CHARS_MAX);
    expect(mlflowKey("x".repeat(KEY_CHARS_MAX + 1))).toHaveLength(KEY_CHARS_MAX);
    expect(mlflowKey("x".repeat(300))).not.toBe(mlflowKey("x".repeat(301)));
    expect([cutText("abc", 3), cutText("abcd", 3)]).toEqual(["abc", "ab…"]);
  });
});

describe("the file of channels", () => {
  test("trackers", () => {
    const text = `[mlflow.a]\nurl = "https://m.example/"\nuser = "u"\npassword = "p"\nsweeps = ["x*"]\nevery = "30s"
[tensorboard.b]\ndirectory = "/srv/tb"\n[wandb.c]\napi_key = "k"\nmode = "offline"\n`;
    const file = parseChannels("/etc/exp/channels.toml", text);
    expect(file.runs).toMatchObject([
      {
        name: "mlflow:a",
        access: { url: "https://m.example", authorization: `Basic ${btoa("u:p")}` },
        sweeps: ["x*"],
        updateMs: 30_000,
      },
      { name: "tensorboard:b", directory: "/srv/tb", updateMs: 10_000 },
      { name: "wandb:c", access: { apiKey: "k", mode: "offline", python: "python3", directory: "/etc/exp/wandb/c" } },
    ]);
    expect(file.secrets).toEqual(["p", btoa("u:p"), "k"]);
  });

  test.each([
    ['[mlflow.a]\nurl = "x-hidden"', "f:2:1: mlflow.a.url: must be an address that begins with https:// or http://"],
    [
      '[mlflow.a]\nurl = "http://x"\n\n  token = 5',
      "f:4:3: mlflow.a.token: invalid input: expected string, received number",
    ],
    ['[mlflow.a]\ntoken = "hidden"', "f:1:9: mlflow.a.url: invalid input: expected string, received undefined"],
    [
      '[mlflow.a]\nurl = "http://x"\ntoken = "hidden"\nuser = "u"\npassword = "hidden"',
      "f:3:1: mlflow.a.token: say a token, or a user and a password",
    ],
    ['[mlflow.a]\nurl = "http://x"\nuser = "u"', "f:3:1: mlflow.a.user: a user and a password go together"],
    ['[mlflow]\na.url = "http://x"\na.tokn = "hidden"', 'f:3:3: mlflow.a: there is no key "tokn"'],
    ['[tensorboard.a]\ndirectory = "tb"', "f:2:1: tensorboard.a.directory: must begin with /"],
    [
      '[tensorboard.a]\ndirectory = "/tb"\nevery = "1ms"',
      "f:3:1: tensorboard.a.every: must be a duration from 1s to 1h",
    ],
    [
      '[tensorboard.a]\ndirectory = "/tb"\nsweeps = ["a", 1]',
      "f:3:16: tensorboard.a.sweeps.1: invalid input: expected string, received number",
    ],
    ['[wandb.a]\nmode = "of"', 'f:2:1: wandb.a.mode: invalid option: expected one of "online"|"offline"'],
  ])("%s", (text, message) => {
    expect(() => parseChannels("f", text)).toThrow(expect.objectContaining({ message, id: "notify.file" }));
    expect(message).not.toContain("hidden");
  });
});

describe("points from where they were read", () => {
  const start = firstCursor(1_000);

  function file(text: string): string {
    const dir = mkdtempSync(join(tmpdir(), "exp-points-"));
    onTestFinished(() => rmSync(dir, { recursive: true }));
    writeFileSync(join(dir, "client.jsonl"), text);
    return join(dir, "client.jsonl");
  }

  test("in portions of any size the same points, with the steps and times that were not said", async () => {
    const lines = Array.from({ length: 50 }, (_, i) => {
      if (i === 7) return "x".repeat(CLIENT_LINE_BYTES_MAX * 3);
      if (i === 9) return '{"e":"t","v":["tag"]}';
      return JSON.stringify({ e: "m", ...(i % 5 === 0 && { t: i, s: i * 10 }), v: { loss: i, acc: 1 } });
    });
    const text = `${lines.join("\n")}\n{"e":"m","v":{"cut":`;
    const path = file(text);
    const read = async (valuesMax: number) => {
      const points: unknown[] = [];
      for (let at = start; ; ) {
        const { points: some, to } = await readPortion(path, at, text.length, valuesMax);
        if (to.offset === at.offset) return { points, at };
        points.push(...some.map(({ step, at: time, values }) => [step, time, values.get("loss")]));
        // As the store keeps it.
        at = JSON.parse(JSON.stringify(to));
      }
    };
    const whole = await read(1_000_000);
    expect(whole.points).toHaveLength(48);
    expect(whole.points.slice(0, 7)).toEqual([0, 1, 2, 3, 4, 50, 51].map((step, i) => [step, i < 5 ? 0 : 5_000, i]));
    expect(whole.at.offset).toBe(text.lastIndexOf("\n") + 1);
    for (const valuesMax of [1, 2, 7, 40]) expect(await read(valuesMax)).toEqual(whole);
  });

  test("nothing beyond what is safely stored, and nothing of a file that is not there", async () => {
    const text = '{"e":"m","s":1,"v":{"a":1}}\n{"e":"m","s":2,"v":{"a":2}}\n';
    const path = file(text);
    expect((await readPortion(path, start, text.length - 1, 10)).points).toHaveLength(1);
    expect(await readPortion(`${path}x`, start, 10, 10)).toEqual({ points: [], to: start });
  });

  test("what sets curves apart is in their names; final values come at the last step", async () => {
    const lines = [
      { e: "m", s: 4, v: { a: 1 }, c: { split: "valid", phase: "fit" } },
      { e: "m", s: 4, v: { a: 2 }, c: { split: "train" } },
      { e: "m", s: 4, v: { a: 3, text: "no number" }, c: { rank: "1" } },
      { e: "m", s: 4, v: { text: "no number" } },
      { e: "u", v: { best: 9, name: "x" } },
    ];
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
    const { points } = await readPortion(file(text), start, text.length, 10);
    expect(points.map(({ step, values, texts, isFinal }) => [step, [...values], [...texts], isFinal])).toEqual([
      [4, [["valid/a", 1]], [], false],
      [4, [["a", 2]], [], false],
      [4, [["rank1/a", 3]], [], false],
      [4, [["best", 9]], [["name", "x"]], true],
    ]);
  });
});

test("channels are tried: what is wrong is said without secrets", async () => {
  const dir = mkdtempSync(join(tmpdir(), "exp-probe-"));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  writeFileSync(join(dir, "file"), "");
  const text = `[tensorboard.good]\ndirectory = "${dir}/tb"\n[tensorboard.bad]\ndirectory = "${dir}/file/tb"
[wandb.gone]\npython = "${dir}/no-python"\n[webhook.ci]\nurl = "http://127.0.0.1:1/secret-path"\n`;
  const lines = await probeChannels(parseChannels("f", text), { wallMs: () => 0, monotonicMs: () => 0 });
  expect(lines.map(({ name, ok }) => [name, ok])).toEqual([
    ["webhook:ci", false],
    ["wandb:gone", false],
    ["tensorboard:good", true],
    ["tensorboard:bad", false],
  ]);
  expect(lines[1]?.text).toMatch(/no-python does not start/);
  expect(JSON.stringify(lines)).not.toContain("secret-path");
});
