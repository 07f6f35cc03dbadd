"""``ExperimentPipeline`` and ``ExpRunner`` of ztxexp, with the fleet in the place of a pool of processes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple, Union

from . import execute, fleet
from .manager import ExpManager
from .types import RunContext, RunMetadata, RunSummary, Tags

__all__ = ["ExpRunner", "ExperimentPipeline"]

Function = Callable[[RunContext], Optional[Dict[str, Any]]]
_MODES = ("sequential", "process_pool", "joblib", "dynamic")


class ExperimentPipeline:
    """Builds configurations and runs a function on each: ``ExperimentPipeline(root).grid({...}).run(exp_fn)``.

    ``run`` submits them to the fleet as one sweep, waits for their end, and leaves of each run its configuration, state and
    final metrics in ``results_root``. How many run at a time is the fleet's matter: ``mode`` and ``workers`` do not count.
    """

    def __init__(self, results_root: Union[str, Path], base_config: Optional[Mapping[str, Any]] = None) -> None:
        self.results_root = Path(results_root)
        self._manager = ExpManager(base_config)
        self._excludes = False
        self._meta = RunMetadata()
        self._max_attempts = 1
        self._retry_on: Tuple[str, ...] = ("Exception",)

    def grid(self, param_grid: Mapping[str, Sequence[Any]]) -> ExperimentPipeline:
        self._manager.grid(param_grid)
        return self

    def variants(self, variants: Any) -> ExperimentPipeline:
        self._manager.variants(variants)
        return self

    def random_search(self, space: Mapping[str, Sequence[Any]], n_trials: int, seed: int = 42) -> ExperimentPipeline:
        self._manager.random_search(space, n_trials, seed)
        return self

    def modify(self, fn: Callable[[Dict[str, Any]], Optional[Dict[str, Any]]]) -> ExperimentPipeline:
        self._manager.modify(fn)
        return self

    def where(self, fn: Callable[[Dict[str, Any]], bool]) -> ExperimentPipeline:
        self._manager.where(fn)
        return self

    def exclude_completed(self) -> ExperimentPipeline:
        """Not what succeeded before: in ``results_root``, or anywhere in the fleet with the same command."""
        self._excludes = True
        return self

    def name(self, experiment_name: str) -> ExperimentPipeline:
        self._meta.experiment_name = experiment_name
        return self

    def group(self, group_name: str) -> ExperimentPipeline:
        self._meta.group = group_name
        return self

    def tags(self, tags: Tags) -> ExperimentPipeline:
        self._meta.tags = tags
        return self

    def lineage(self, parent_run_id: Optional[str]) -> ExperimentPipeline:
        self._meta.parent_run_id = parent_run_id
        return self

    def retry(self, max_attempts: int = 1, retry_on: Tuple[str, ...] = ("Exception",)) -> ExperimentPipeline:
        self._max_attempts = max(1, int(max_attempts))
        self._retry_on = retry_on
        return self

    def track(self, tracker: Any, **kwargs: Any) -> ExperimentPipeline:
        """Nothing: trackers are fed by the coordinator, not by the training."""
        return self

    def build(self) -> List[Dict[str, Any]]:
        if self._excludes:
            self._manager.exclude_completed(self.results_root)
        return self._manager.build()

    def run(
        self, exp_fn: Function, mode: str = "sequential", workers: int = 1, cpu_threshold: int = 80
    ) -> RunSummary:
        """Runs the function on every configuration, on the fleet, and waits. Within such a run it does that one run."""
        retry = execute.Retry(self._max_attempts, tuple(self._retry_on))
        before = execute.take_turn(exp_fn, retry)
        if before is not None:
            return before
        _check_mode(mode)
        batch = fleet.Batch(self.build(), self.results_root, self._meta, retry, rerun=not self._excludes)
        return execute.remember(fleet.run(exp_fn, batch))


class ExpRunner:
    """Runs a function on a list of configurations."""

    def __init__(
        self, configs: Sequence[Mapping[str, Any]], results_root: Union[str, Path], exp_function: Optional[Function] = None
    ) -> None:
        self.configs = [dict(config) for config in configs]
        self.results_root = Path(results_root)
        self.exp_function = exp_function

    def run(
        self,
        exp_function: Optional[Function] = None,
        mode: str = "sequential",
        workers: int = 1,
        cpu_threshold: int = 80,
        execution_mode: Optional[str] = None,
        num_workers: Optional[int] = None,
        dynamic_cpu_threshold: Optional[int] = None,
        metadata: Optional[RunMetadata] = None,
        max_attempts: int = 1,
        retry_on: Tuple[str, ...] = ("Exception",),
        tracker_specs: Any = None,
        trackers: Any = None,
    ) -> RunSummary:
        """As ``ExperimentPipeline.run``."""
        function = exp_function or self.exp_function
        if function is None:
            raise ValueError("exp_function is required.")
        retry = execute.Retry(max(1, int(max_attempts)), tuple(retry_on))
        before = execute.take_turn(function, retry)
        if before is not None:
            return before
        _check_mode(execution_mode or mode)
        batch = fleet.Batch(self.configs, self.results_root, metadata or RunMetadata(), retry, rerun=True)
        return execute.remember(fleet.run(function, batch))


def _check_mode(mode: str) -> None:
    if mode not in _MODES:
        raise ValueError("Invalid mode '%s'. Choose from %s." % (mode, "/".join(_MODES)))
