/** Callbacks for frameworks, driven as the frameworks do: what each calls is taken from its documentation. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ClientEvent } from "../../../shared/run/client-event.ts";
import { metricsOf, runPython, runWell } from "../../helpers/python-client.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "exp-client-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Modules in the place of frameworks that are not installed here. */
function framework(files: { readonly [path: string]: string }): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(folder, path, ".."), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

const checkpointsOf = (events: readonly ClientEvent[]) =>
  events.flatMap((event) => (event.kind === "other" && event.letter === "k" ? [[event.body.path, event.body.s]] : []));
const progressOf = (events: readonly ClientEvent[]) =>
  events.flatMap((event) => (event.kind === "progress" ? [[event.done, event.total]] : []));

test("Hugging Face: logs, progress, checkpoints, and the end when the run is to stop", () => {
  framework({ "transformers.py": "class TrainerCallback: pass" });
  const code = `
from types import SimpleNamespace as N
from expfleet.integrations.hf import ExpFleetCallback
callback = ExpFleetCallback()
args, control = N(output_dir="/out"), N(should_save=False, should_training_stop=False)
for step in (1, 2):
    state = N(is_world_process_zero=True, global_step=step, max_steps=2)
    callback.on_step_end(args, state, control, model=None)
    callback.on_log(args, state, control, logs={"loss": 0.5, "epoch": 0.1 * step}, model=None)
callback.on_save(args, state, control)
callback.on_log(args, N(is_world_process_zero=False, global_step=3, max_steps=2), control, logs={"loss": 9})
print(control.should_training_stop)
open("stop", "w").write("preempt")
exp._stop._looked_at -= 2
callback.on_step_end(args, state, control)
print(control.should_training_stop, control.should_save)`;
  const { events, stdout } = runWell(folder, code, { env: { EXP_RUN_DIR: folder } });
  expect(metricsOf(events)).toEqual([
    { step: 1, loss: 0.5, epoch: 0.1 },
    { step: 2, loss: 0.5, epoch: 0.2 },
  ]);
  expect(progressOf(events).at(-1)).toEqual([2, 2]);
  expect(checkpointsOf(events)).toEqual([["/out/checkpoint-2", 2]]);
  expect(stdout).toBe("False\nTrue True\n");
});

describe("Keras", () => {
  const code = `
from types import SimpleNamespace as N
from expfleet.integrations.keras import ExpFleetCallback
callback = ExpFleetCallback()
callback.params, callback.model = {"epochs": 2}, N(stop_training=False)
callback.on_epoch_end(0, {"loss": 0.5, "val_loss": 0.25})
callback.on_epoch_end(1, {"loss": 0.25})
print(callback.model.stop_training)
open("stop", "w").write("early-stop")
exp._stop._looked_at -= 2
callback.on_epoch_end(2)
print(callback.model.stop_training)`;

  test.each([
    ["of its own", "keras"],
    ["of TensorFlow", "tensorflow/keras"],
  ])("%s", (_, path) => {
    framework({ [`${path}/callbacks.py`]: "class Callback: pass" });
    const { events, stdout } = runWell(folder, code, { flags: ["-S"], env: { EXP_RUN_DIR: folder } });
    expect(metricsOf(events)).toEqual([
      { step: 0, loss: 0.5, val_loss: 0.25 },
      { step: 1, loss: 0.25 },
    ]);
    expect(progressOf(events)).toEqual([
      [1, 2],
      [2, 2],
      [3, 2],
    ]);
    expect(stdout).toBe("False\nTrue\n");
  });
});

test.each(["lightning/pytorch", "pytorch_lightning"])("Lightning, as %s: metrics and checkpoints", (path) => {
  framework({ [`${path}/loggers/logger.py`]: "class Logger: pass" });
  const code = `
from types import SimpleNamespace as N
from expfleet.integrations.lightning import ExpFleetLogger
logger = ExpFleetLogger()
logger.log_hyperparams({"lr": 1})
logger.log_metrics({"loss": 0.5}, step=7)
logger.after_save_checkpoint(N(last_model_path="", best_model_path="/out/best.ckpt"))
print(logger.name, logger.version, logger.save_dir)`;
  const env = { EXP_SWEEP: "digits.1", EXP_RUN_NAME: "digits.1.4", EXP_ARTIFACT_DIR: "/a" };
  const { events, stdout } = runWell(folder, code, { flags: ["-S"], env });
  expect(metricsOf(events)).toEqual([{ step: 7, loss: 0.5 }]);
  expect(checkpointsOf(events)).toEqual([["/out/best.ckpt", undefined]]);
  expect(stdout).toBe("digits.1 digits.1.4 /a\n");
});

test("a framework that is not there is an ImportError where it is asked for, and no earlier", () => {
  const { stdout } = runWell(folder, "import expfleet.integrations as i; print(i.__all__)", { flags: ["-S"] });
  expect(stdout).toBe("['hf', 'keras', 'lightning']\n");
  const ended = runPython(folder, "from expfleet.integrations import hf", { flags: ["-S"] });
  expect([ended.status, ended.stderr]).toEqual([1, expect.stringContaining("No module named 'transformers'")]);
});
