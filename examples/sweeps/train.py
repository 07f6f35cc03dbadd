"""Logistic regression on points of two classes, in plain Python: what mnist-lr.toml runs. The loss of each step is printed as a
line of JSON, which is all that it takes to have a metric."""

import argparse
import json
import math
import random

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--batch_size", type=int, default=32)
parser.add_argument("--steps", type=int, default=50)
args = parser.parse_args()

rng = random.Random(0)


def sample():
    """A point, and on which side of the line it lies, with some noise."""
    x, y = rng.gauss(0, 1), rng.gauss(0, 1)
    return x, y, float(2 * x - y + rng.gauss(0, 0.5) > 0)


weights = [0.0, 0.0, 0.0]
for step in range(1, args.steps + 1):
    slopes, loss = [0.0, 0.0, 0.0], 0.0
    for _ in range(args.batch_size):
        x, y, label = sample()
        chance = 1 / (1 + math.exp(-(weights[0] * x + weights[1] * y + weights[2])))
        loss -= math.log(max(chance if label else 1 - chance, 1e-12)) / args.batch_size
        for i, value in enumerate((x, y, 1.0)):
            slopes[i] += (chance - label) * value / args.batch_size
    weights = [weight - args.lr * slope for weight, slope in zip(weights, slopes)]
    print(json.dumps({"step": step, "loss": round(loss, 6)}), flush=True)
