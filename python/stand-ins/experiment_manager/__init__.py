"""Stands in for EXP (the package ``xpriment``) in runs where it is not installed: ``load_experiment`` and what it returns.

Where EXP is installed it is EXP, in a directory made ready for it.
"""

from expfleet._prepare import prepare_exp
from expfleet._step_aside import step_aside

prepare_exp()
if not step_aside(__name__, __file__):
    from expfleet._exp import Experiment, ExperimentStatus

    __all__ = ["Experiment", "ExperimentStatus"]
