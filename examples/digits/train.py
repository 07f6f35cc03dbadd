"""Trains a small neural network to read handwritten digits. Standard library only, one core, a few seconds.

One hidden layer (tanh), softmax, stochastic gradient descent in mini-batches with momentum. The same flags and seed give the
same result on every machine.
"""

import argparse
import csv
import gzip
import math
import os
import random
from operator import mul

import expfleet as exp

CLASSES = 10
PIXEL_MAX = 16
TRAINING_MAX = 1400


def read_images(path):
    """Pairs of pixels in 0..1 and the digit, in an order that mixes the writers and is always the same."""
    with gzip.open(path, "rt", newline="") as file:
        rows = [list(map(int, row)) for row in csv.reader(file)]
    random.Random(0).shuffle(rows)
    return [([pixel / PIXEL_MAX for pixel in row[:-1]], row[-1]) for row in rows]


class Network:
    """Weights are rows of floats, one row for each unit; the last number of a row is its bias."""

    def __init__(self, inputs, hidden, classes, rng):
        self.hidden = [[rng.gauss(0, 1 / math.sqrt(inputs)) for _ in range(inputs)] + [0.0] for _ in range(hidden)]
        self.output = [[rng.gauss(0, 1 / math.sqrt(hidden)) for _ in range(hidden)] + [0.0] for _ in range(classes)]
        self.velocity = [[0.0] * len(row) for row in self.hidden + self.output]

    def forward(self, pixels):
        """Activations of the hidden units, and a probability for each class."""
        activations = [math.tanh(sum(map(mul, row, pixels)) + row[-1]) for row in self.hidden]
        scores = [sum(map(mul, row, activations)) + row[-1] for row in self.output]
        top = max(scores)
        powers = [math.exp(score - top) for score in scores]
        total = sum(powers)
        return activations, [power / total for power in powers]

    def train_batch(self, batch, lr, momentum):
        """One step of gradient descent; returns the mean loss."""
        hidden_gradients = [[0.0] * len(row) for row in self.hidden]
        output_gradients = [[0.0] * len(row) for row in self.output]
        loss = 0.0
        for pixels, label in batch:
            activations, chances = self.forward(pixels)
            loss -= math.log(max(chances[label], 1e-12))
            errors = chances
            errors[label] -= 1.0
            for error, gradient in zip(errors, output_gradients):
                add_scaled(gradient, activations, error)
            for unit, activation in enumerate(activations):
                back = sum(error * row[unit] for error, row in zip(errors, self.output))
                add_scaled(hidden_gradients[unit], pixels, back * (1.0 - activation * activation))
        rate = lr / len(batch)
        rows = self.hidden + self.output
        for row, velocity, gradient in zip(rows, self.velocity, hidden_gradients + output_gradients):
            velocity[:] = [momentum * speed - rate * slope for speed, slope in zip(velocity, gradient)]
            row[:] = [weight + speed for weight, speed in zip(row, velocity)]
        return loss / len(batch)

    def accuracy(self, images):
        """Share of images whose most likely class is the right one."""
        right = 0
        for pixels, label in images:
            chances = self.forward(pixels)[1]
            right += chances.index(max(chances)) == label
        return right / len(images)


def add_scaled(row, values, factor):
    """Adds ``factor * values`` to a row, and ``factor`` to its bias."""
    bias = row[-1] + factor
    row[:] = [weight + factor * value for weight, value in zip(row, values)]
    row.append(bias)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lr", type=float, default=0.1, help="learning rate")
    parser.add_argument("--hidden", type=int, default=16, help="hidden units")
    parser.add_argument("--momentum", type=float, default=0.9)
    parser.add_argument("--batch-size", "--batch_size", type=int, default=16)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--images", type=int, default=1000, help=f"to train on; those after {TRAINING_MAX} validate")
    here = os.path.dirname(os.path.abspath(__file__))
    parser.add_argument("--data", default=os.path.join(here, "digits.csv.gz"))
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    rng = random.Random(arguments.seed)
    images = read_images(arguments.data)
    training, validation = images[: min(arguments.images, TRAINING_MAX)], images[TRAINING_MAX:]
    network = Network(len(images[0][0]), arguments.hidden, CLASSES, rng)
    print(f"{len(training)} images to train on, {len(validation)} for validation")
    best = 0.0
    for epoch in range(1, arguments.epochs + 1):
        rng.shuffle(training)
        losses = []
        for start in range(0, len(training), arguments.batch_size):
            batch = training[start : start + arguments.batch_size]
            losses.append(network.train_batch(batch, arguments.lr, arguments.momentum))
        loss = sum(losses) / len(losses)
        accuracy = network.accuracy(validation)
        best = max(best, accuracy)
        exp.log({"loss": loss, "val/accuracy": accuracy}, step=epoch)
        exp.progress(epoch, arguments.epochs)
        print(f"epoch {epoch}: loss {loss:.4f}, validation accuracy {accuracy:.4f}")
    exp.summary["val/accuracy"] = accuracy
    exp.summary["val/best_accuracy"] = best


if __name__ == "__main__":
    main()
