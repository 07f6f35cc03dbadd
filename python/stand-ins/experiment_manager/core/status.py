"""EXP's ``core.status``."""

from expfleet._exp import ExperimentStatus

__all__ = ["ExperimentStatus"]
