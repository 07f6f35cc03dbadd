"""One configuration within a run of the fleet: calls the experiment function as ztxexp does.

A run of a pipeline starts the user's script again, or only imports the function from it. Pipelines of a script are told
apart by their number: those before the one in question return what they returned when it was submitted.
"""

from __future__ import annotations

import json
import logging
import os
import platform
import socket
import sys
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

import expfleet

from .types import RunContext, RunMetadata, RunSummary, SkipRun

#: Says to a run which pipeline of the script it is for; JSON as made by ``turn_text``.
TURN_VARIABLE = "EXPFLEET_PIPELINE"


class Retry(NamedTuple):
    """When the function is called again in the same run."""

    max_attempts: int
    #: Names of exception classes.
    on: Tuple[str, ...]


#: Summaries of the pipelines of this process that have ended, in their order.
_ended: List[RunSummary] = []


def take_turn(function: Callable[[RunContext], Any], retry: Retry) -> Optional[RunSummary]:
    """None where this process is to submit. In a run of the pipeline it does the run and ends the program; in a run of a
    later pipeline of the same script it returns the summary of then."""
    multiprocessing = sys.modules.get("multiprocessing")
    if multiprocessing is not None and multiprocessing.parent_process() is not None:
        raise RuntimeError(
            "a pipeline was reached in a worker process while it imported the script: "
            'put the call of run() below `if __name__ == "__main__":`'
        )
    turn = read_turn()
    if turn is None:
        return None
    number = len(_ended)
    if number < int(turn["number"]):
        _ended.append(RunSummary(**turn["before"][number]))
        return _ended[-1]
    run_function(function, turn, retry)
    raise SystemExit(0)


def remember(summary: RunSummary) -> RunSummary:
    _ended.append(summary)
    return summary


def turn_text(meta: RunMetadata, retry: Retry, nones: List[str]) -> str:
    """For ``TURN_VARIABLE`` of the runs of the next pipeline. ``nones``: parameters that are None, which no sweep says."""
    return json.dumps(
        {
            "number": len(_ended),
            "before": [vars(summary) for summary in _ended],
            "meta": {key: value for key, value in meta.to_dict().items() if value is not None},
            "retry": [retry.max_attempts, list(retry.on)],
            "none": nones,
        }
    )


def read_turn() -> Optional[Dict[str, Any]]:
    """None outside a run of a pipeline."""
    text = os.environ.get(TURN_VARIABLE)
    return json.loads(text) if text and expfleet.run else None


def run_function(function: Callable[[RunContext], Any], turn: Dict[str, Any], retry: Optional[Retry] = None) -> None:
    """Calls the function with this run's configuration. What it returns are the final metrics; what it raises is raised."""
    if retry is None:
        retry = Retry(int(turn["retry"][0]), tuple(turn["retry"][1]))
    context = _context(turn)
    for attempt in range(1, retry.max_attempts + 1):
        context.meta.attempt = attempt
        try:
            result = function(context)
            if result is not None and not isinstance(result, dict):
                raise TypeError("exp_fn must return dict or None, got %s" % type(result).__name__)
            break
        except SkipRun:
            raise
        except Exception as error:
            names = {kind.__name__ for kind in type(error).__mro__}
            if attempt == retry.max_attempts or not ("Exception" in retry.on or names.intersection(retry.on)):
                raise
            context.logger.warning("attempt %d failed and is made again: %s: %s", attempt, type(error).__name__, error)
    if result is not None:
        expfleet.summary.update(result)


def _context(turn: Dict[str, Any]) -> RunContext:
    config = dict(expfleet.config.as_dict())
    for name in turn["none"]:
        _set_none(config, name)
    meta = RunMetadata(**turn["meta"])
    meta.python_version = meta.python_version or platform.python_version()
    meta.platform = meta.platform or platform.platform()
    meta.hostname = meta.hostname or socket.gethostname()
    meta.started_cmd = meta.started_cmd or " ".join(sys.argv)
    seed = config.get("seed")
    if meta.seed is None and isinstance(seed, (int, float)):
        meta.seed = int(seed)
    run_id = expfleet.run.name or "run"
    return RunContext(run_id, Path(expfleet.run.dir or "."), config, _logger(run_id), meta)


def _set_none(config: Dict[str, Any], path: str) -> None:
    *tables, last = json.loads(path)
    for table in tables:
        config = config.setdefault(table, {})
    config[last] = None


def _logger(run_id: str) -> logging.Logger:
    logger = logging.getLogger("ztxexp.run.%s" % run_id)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    if not logger.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s - %(name)s - %(levelname)s - %(message)s"))
        logger.addHandler(handler)
    return logger
