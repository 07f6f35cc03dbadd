"""A toy training that uses the whole client: it logs, can be stopped and continued, and leaves a result.

Runs by itself, too: python examples/client/train.py
"""

import json
import math
import os
import random

import expfleet as exp

EPOCHS = 30


def load_state():
    """What an earlier attempt left, or a fresh start."""
    if exp.run.resume_from:
        with open(exp.run.resume_from) as file:
            return json.load(file)
    return {"epoch": 0, "weight": 4.0}


def save_state(state):
    path = os.path.join(exp.run.checkpoint_dir or ".", "state.json")
    with open(path + ".new", "w") as file:
        json.dump(state, file)
    # Never half a checkpoint.
    os.replace(path + ".new", path)
    exp.checkpoint(path, step=state["epoch"])


@exp.main
def train(config):
    lr = config.get("lr", 0.1)
    if lr >= 1:
        raise exp.SkipRun("with lr = %s it cannot converge" % lr)
    noise = random.Random(exp.run.seed or 0)
    state = load_state()
    exp.on_stop(lambda: save_state(state))
    best = math.inf
    while state["epoch"] < EPOCHS:
        gradient = 2 * state["weight"] + noise.gauss(0, 0.1)
        state["weight"] -= lr * gradient
        state["epoch"] += 1
        loss = state["weight"] ** 2
        best = min(best, loss)
        exp.log({"loss": loss, "gradient": gradient}, step=state["epoch"], split="train")
        exp.progress(state["epoch"], EPOCHS)
    save_state(state)
    if best > 1:
        exp.alert("the loss never came below 1", level="warning")
    return {"best_loss": best}


if __name__ == "__main__":
    train()
