"""Prints the scalars of a run's event files as TensorBoard reads them: what the loader sees of each file, and the curves."""

import glob
import json
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from tensorboard.util import tensor_util

directory = sys.argv[1]
files = []
for path in sorted(glob.glob(directory + "/*")):
    points = []
    for event in EventFileLoader(path).Load():
        for value in event.summary.value:
            points.append([value.tag, event.step, event.wall_time, float(tensor_util.make_ndarray(value.tensor))])
    files.append(points)
curves = {}
accumulator = EventAccumulator(directory, size_guidance={"tensors": 0, "scalars": 0})
accumulator.Reload()
for tag in accumulator.Tags()["tensors"] + accumulator.Tags()["scalars"]:
    points = accumulator.Tensors(tag) if tag in accumulator.Tags()["tensors"] else accumulator.Scalars(tag)
    curves[tag] = [point.step for point in points]
print(json.dumps({"files": files, "curves": curves}).replace("NaN", "null"))
