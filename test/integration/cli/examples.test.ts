/** The example files, as `exp plan` reads them. */
import { cpSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createExpRig, type ExpRig } from "../../helpers/exp-rig.ts";

let rig: ExpRig;
beforeAll(() => {
  rig = createExpRig();
  // A tree of its own: the code of the repository would be read for the file whose code counts.
  cpSync(join(import.meta.dirname, "../../../examples"), join(rig.dir, "examples"), { recursive: true });
});
afterAll(() => rig[Symbol.dispose]());

test.each<[file: string, head: string, order: string, first: RegExp]>([
  [
    "sweeps/mnist-lr.toml",
    "mnist-lr  6 runs = 3 lr x 2 batch_size",
    "grid; as listed",
    /^\/bin\/sh -c 'python train\.py --lr 0\.1 --batch_size 32'$/,
  ],
  [
    "sweeps/vit-ablation.toml",
    "vit-ablation  162 points = (3 optim.lr x 3 aug x 2 batch_size+warmup + 3 optim.lr x 3 aug x 2 patch x 2 batch_size+warmup) x 3 seed;  18 dropped by where[0] \"not (model == 'resnet' and aug == 'heavy')\"  ->  144 runs",
    "base, variants, grid, zip, seeds, derive, where; as listed",
    /^python -m train --epochs 90 .* --model resnet --depth 50 --optim\.lr 0\.0001 --aug none .* --out '<run\.dir>'$/,
  ],
  [
    "sweeps/llm-sft.toml",
    "llm-sft  40 runs = 40 lr+weight_decay+lora_rank+warmup",
    "base, random, derive; as listed",
    /^torchrun --standalone --nproc-per-node 4 sft\.py \+\+model=qwen-1b .* \+\+lora_alpha=64 'hydra\.run\.dir=<run\.dir>' resume=$/,
  ],
  [
    "exp/config.toml",
    "config  3 runs = 3 of [[runs]]",
    "runs; by priority, name and command, as EXP does",
    /^\/bin\/sh -c 'python simple_cnn_train\.py --epochs 1 --batch-size 256'$/,
  ],
])("%s", async (file, head, order, first) => {
  const { code, stdout } = await rig.exp(["plan", `examples/${file}`, "--show", "1"]);
  expect(code).toBe(0);
  const lines = stdout.split("\n");
  expect(lines.slice(0, 2)).toEqual([head, `  order    ${order}`]);
  const run = lines.find((line) => line.startsWith("  run 1    "));
  expect(run?.slice("  run 1    ".length)).toMatch(first);
});
