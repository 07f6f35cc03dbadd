"""EXP's ``core.experiment``, as far as a training script uses it."""

from expfleet._exp import Experiment, load_experiment

__all__ = ["Experiment", "load_experiment"]
