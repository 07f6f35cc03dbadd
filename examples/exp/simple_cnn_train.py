"""A convolution of one dimension that learns to tell rising from falling steps; standard library only. The rows it saves go to
EXP when EXP runs it, and to ExpFleet when ExpFleet does."""

import argparse
import math
import random

try:
    from expfleet import load_experiment
except ImportError:
    from experiment_manager.core.experiment import load_experiment

LENGTH = 12
WIDTH = 3


def make_data(count, rng):
    """Noisy steps, and whether they rise."""
    data = []
    for _ in range(count):
        at, rises = rng.randrange(2, LENGTH - 2), rng.random() < 0.5
        low, high = (0.0, 1.0) if rises else (1.0, 0.0)
        data.append(([(low if i < at else high) + rng.gauss(0, 0.15) for i in range(LENGTH)], float(rises)))
    return data


def forward(model, signal):
    """The largest answer of the kernel, where it was, and the probability of a rise."""
    kernel, weight, bias = model
    answers = [sum(k * signal[i + j] for j, k in enumerate(kernel)) for i in range(LENGTH - WIDTH + 1)]
    peak = max(range(len(answers)), key=answers.__getitem__)
    return peak, answers[peak], 1 / (1 + math.exp(-(weight * answers[peak] + bias)))


def train_batch(model, batch, lr):
    """One step of gradient descent; the mean loss before it."""
    kernel, weight, bias = model
    slope_kernel, slope_weight, slope_bias, loss = [0.0] * WIDTH, 0.0, 0.0, 0.0
    for signal, rises in batch:
        peak, answer, chance = forward(model, signal)
        loss -= math.log(max(1e-9, chance if rises else 1 - chance))
        slope = (chance - rises) / len(batch)
        slope_weight += slope * answer
        slope_bias += slope
        for j in range(WIDTH):
            slope_kernel[j] += slope * weight * signal[peak + j]
    new_kernel = [k - lr * s for k, s in zip(kernel, slope_kernel)]
    return (new_kernel, weight - lr * slope_weight, bias - lr * slope_bias), loss / len(batch)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--lr", type=float, default=0.5)
    args = parser.parse_args()

    rng = random.Random(0)
    train, test = make_data(1024, rng), make_data(256, rng)
    model = ([rng.gauss(0, 0.5) for _ in range(WIDTH)], 1.0, 0.0)
    experiment = load_experiment()
    for epoch in range(1, args.epochs + 1):
        rng.shuffle(train)
        for start in range(0, len(train), args.batch_size):
            model, loss = train_batch(model, train[start : start + args.batch_size], args.lr)
        accuracy = sum((forward(model, signal)[2] > 0.5) == bool(rises) for signal, rises in test) / len(test)
        print(f"epoch {epoch}: loss {loss:.4f}, accuracy {accuracy:.3f}")
        experiment.upd_row(epoch=epoch, loss=round(loss, 4), accuracy=accuracy)
        experiment.save_row()


main()
