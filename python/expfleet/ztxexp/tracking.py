"""ztxexp's trackers by name. They do nothing: trackers are fed by the coordinator, not by the training."""

from __future__ import annotations

from typing import Any, Dict

from .types import MetricEvent, RunContext, RunMetadata

__all__ = ["JsonlTracker", "MlflowTracker", "Tracker", "WandbTracker"]


class Tracker:
    """What a tracker of one's own may define."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def on_run_start(self, ctx: RunContext, meta: RunMetadata) -> None:
        """Not called."""

    def on_metric(self, ctx: RunContext, event: MetricEvent) -> None:
        """Not called."""

    def on_run_end(self, ctx: RunContext, summary: Dict[str, Any]) -> None:
        """Not called."""


class JsonlTracker(Tracker):
    """Events are recorded in any case."""


class MlflowTracker(Tracker):
    """Not from within a run."""


class WandbTracker(Tracker):
    """Not from within a run."""
