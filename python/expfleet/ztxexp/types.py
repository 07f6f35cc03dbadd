"""What ztxexp hands to an experiment function, and what it gives back."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Optional, Union

import expfleet

__all__ = ["MetricEvent", "RunContext", "RunMetadata", "RunSummary", "SkipRun"]

Tags = Union[Dict[str, str], List[str]]


class SkipRun(expfleet.SkipRun, Exception):
    """Raise it in an experiment function to skip this configuration. Unlike ``expfleet.SkipRun`` it is an Exception."""


@dataclass
class RunMetadata:
    """Where a run belongs."""

    experiment_name: Optional[str] = None
    group: Optional[str] = None
    tags: Optional[Tags] = None
    parent_run_id: Optional[str] = None
    attempt: Optional[int] = None
    git_commit: Optional[str] = None
    python_version: Optional[str] = None
    platform: Optional[str] = None
    hostname: Optional[str] = None
    started_cmd: Optional[str] = None
    dataset_version: Optional[str] = None
    seed: Optional[int] = None
    extras: Optional[Dict[str, Any]] = None

    def to_dict(self) -> Dict[str, Any]:
        return asdict(self)


@dataclass
class MetricEvent:
    """One point of a curve."""

    step: int
    timestamp: str
    metrics: Dict[str, float]
    split: str = "train"
    phase: str = "fit"

    def to_dict(self) -> Dict[str, Any]:
        return asdict(self)


@dataclass
class RunContext:
    """What ``exp_fn(ctx)`` works with."""

    run_id: str
    #: Holds ``artifacts`` and ``checkpoints``.
    run_dir: Path
    config: Dict[str, Any]
    logger: logging.Logger
    meta: RunMetadata = field(default_factory=RunMetadata)

    def log_metric(self, step: int, metrics: Dict[str, float], split: str = "train", phase: str = "fit") -> None:
        """Logs metrics of a step."""
        expfleet.log_metric(step, metrics, split=split, phase=phase)


@dataclass
class RunSummary:
    """How a batch of runs ended."""

    total: int
    succeeded: int
    failed: int
    skipped: int
    duration_sec: float
    failed_run_ids: List[str]
