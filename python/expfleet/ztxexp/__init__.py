"""ztxexp's calls on the fleet: ``from expfleet.ztxexp import ExperimentPipeline``, and the rest of the script stays.

``ExperimentPipeline(...).run(exp_fn)`` submits one run for each configuration, waits, and returns the summary; each run calls
``exp_fn(ctx)`` on its host. Where ztxexp itself is not installed, ``import ztxexp`` gives this module in a run of the fleet.
"""

from __future__ import annotations

from .analyzer import ResultAnalyzer
from .environment import init_torch_env, set_process_priority
from .manager import ExpManager
from .pipeline import ExperimentPipeline, ExpRunner
from .tracking import JsonlTracker, MlflowTracker, Tracker, WandbTracker
from .types import MetricEvent, RunContext, RunMetadata, RunSummary, SkipRun

__all__ = [
    "ExpManager",
    "ExpRunner",
    "ExperimentPipeline",
    "JsonlTracker",
    "MetricEvent",
    "MlflowTracker",
    "ResultAnalyzer",
    "RunContext",
    "RunMetadata",
    "RunSummary",
    "SkipRun",
    "Tracker",
    "WandbTracker",
    "init_torch_env",
    "log_metric",
    "set_process_priority",
]


def log_metric(step: int, metrics: dict[str, float], split: str = "train", phase: str = "fit") -> None:
    """As ``ctx.log_metric``, where there is no ``ctx`` at hand."""
    import expfleet

    expfleet.log_metric(step, metrics, split=split, phase=phase)
