"""Logs metrics of a training program, and tells it about its run.

    import expfleet as exp

    lr = exp.config.get("lr", 0.1)
    for epoch in range(10):
        exp.log({"loss": loss, "val/accuracy": accuracy}, step=epoch)
    exp.summary["best"] = best

Every call returns at once and none of them can break the program: what cannot be written is counted and said once on
stderr. Outside a run they do nothing (with ``EXP_CLIENT_DIR`` set they write there). Standard library only.
"""

from __future__ import annotations

from time import time

from ._context import Config, Run, Summary, config, run, summary
from ._events import rank, safe, writer
from ._lines import metric_line
from ._notes import alert, artifact, checkpoint, note, tag
from ._skip import EXIT_SKIPPED, SkipRun, skip
from ._stop import on_stop, should_stop
from ._values import halves, number, scalar, scalars

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Mapping, Optional

    from ._exp import Experiment

__version__ = "0.1.0"
__all__ = [
    "EXIT_SKIPPED",
    "Config",
    "Run",
    "SkipRun",
    "Summary",
    "alert",
    "artifact",
    "checkpoint",
    "config",
    "load_experiment",
    "log",
    "log_metric",
    "main",
    "note",
    "on_stop",
    "progress",
    "run",
    "should_stop",
    "skip",
    "summary",
    "tag",
]

_next_step = 0


@safe
def log(values: Any, step: Any = None, *, all_ranks: bool = False, **context: Any) -> None:
    """Logs metrics: ``log({"loss": 0.3, "acc": 0.9}, step=7, split="train")``.

    Without ``step`` a counter of this process is used. Numbers in tensors and arrays are taken out with ``.item()``, which
    waits for the device. Only rank 0 of a distributed run logs; with ``all_ranks`` each one does, marked with its rank.
    """
    global _next_step
    now = time()
    if not writer.since <= now < writer.until:
        writer.is_on(now)
    if writer.path is None:
        return
    if all_ranks:
        context["rank"] = str(writer.rank)
    elif writer.rank:
        return
    if step is None:
        step = _next_step
    elif step.__class__ is not int:
        step = number(step, _next_step)
    line = metric_line(now, step, values, context)
    _next_step = int(step) + 1
    if line is None:
        _write_metrics(step, scalars(values), {key: str(scalar(value)) for key, value in context.items()})
    elif writer.budget > 0:
        writer.put(line, None)
    else:
        writer.put(line, (tuple(values), tuple(context.values())))


_log = log.__wrapped__  # type: ignore[attr-defined]


@safe
def log_metric(
    key: Any = None,
    value: Any = None,
    step: Any = None,
    phase: Any = None,
    *,
    metrics: Any = None,
    all_ranks: bool = False,
    **context: Any,
) -> None:
    """Logs one metric, ``log_metric("acc", 0.9, step=7)``, or many at a step, ``log_metric(7, {"acc": 0.9}, split="valid")``."""
    if phase is not None:
        context["phase"] = phase
    if metrics is None and value is None:
        raise TypeError("log_metric without a value")
    if metrics is None and not hasattr(value, "keys"):
        _log({key: value}, step, all_ranks=all_ranks, **context)
    elif metrics is not None:
        _log(metrics, key if step is None else step, all_ranks=all_ranks, **context)
    else:
        if step is not None:
            context["split"] = step  # The third of (step, metrics, split, phase).
        _log(value, key, all_ranks=all_ranks, **context)


@safe
def progress(done: Any, total: Any = None) -> None:
    """Says how far the program is, so that its remaining time can be shown."""
    if rank() == 0:
        writer.emit("p", {"i": scalar(done), "n": scalar(total)})


def main(function: Callable[[Any], Any]) -> Callable[..., Optional[Mapping[str, Any]]]:
    """Makes a function of the configuration a program: ``@exp.main`` above, ``if __name__ == "__main__": train()`` below.

    The function is called with ``exp.config``, or with the mapping that the program is called with. What it returns are
    final values (a mapping) or nothing; anything else is a TypeError. ``raise SkipRun(...)`` ends the run as skipped.
    """
    from functools import wraps

    @wraps(function)
    def program(parameters: Optional[Mapping[str, Any]] = None) -> Optional[Mapping[str, Any]]:
        result = function(config if parameters is None else parameters)
        if result is None:
            return None
        if not hasattr(result, "keys"):
            name = getattr(function, "__name__", "the function")
            raise TypeError("%s returned %s; a mapping of final values or None is expected" % (name, type(result).__name__))
        summary.update(result)
        return result  # type: ignore[no-any-return]

    return program


def load_experiment() -> Experiment:
    """EXP's handle, with ``upd_row`` and ``save_row``. Raises RuntimeError outside a run, as EXP does."""
    from ._exp import load_experiment as load

    return load()


def _write_metrics(step: Any, values: Dict[str, Any], context: Dict[str, str]) -> None:
    body = {"s": step, "v": values, "c": context} if context else {"s": step, "v": values}
    try:
        writer.emit("m", body, (tuple(values), tuple(context.values())))
    except ValueError:
        if len(values) < 2:
            raise
        for half in halves(values):
            _write_metrics(step, half, context)
