"""EXP's ``core``, as far as a training script uses it."""

from expfleet._exp import Experiment, ExperimentStatus, load_experiment

__all__ = ["Experiment", "ExperimentStatus", "load_experiment"]
