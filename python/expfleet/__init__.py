"""Logs metrics of a training program, and tells it about its run.

    import expfleet as exp

    lr = exp.config.get("lr", 0.1)
    for epoch in range(10):
        exp.log({"loss": loss, "val/accuracy": accuracy}, step=epoch)
    exp.summary["best"] = best

Every call returns at once and none of them can break the program: what cannot be written is counted and said once on
stderr. Outside a run they do nothing (with ``EXP_DIR`` set they write there). Standard library only.
"""

from __future__ import annotations

import sys

from ._context import Config, Run, Summary, config, run, summary
from ._events import rank, safe, writer
from ._values import halves, scalar, scalars

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, NoReturn

    from ._exp import Experiment

__version__ = "0.1.0"
__all__ = [
    "Config",
    "Run",
    "SkipRun",
    "Summary",
    "config",
    "load_experiment",
    "log",
    "log_metric",
    "progress",
    "run",
    "skip",
    "summary",
]

#: Exit code that says "this configuration is not worth running".
EXIT_SKIPPED = 77

_next_step = 0


@safe
def log(values: Any, step: Any = None, *, all_ranks: bool = False, **context: Any) -> None:
    """Logs metrics: ``log({"loss": 0.3, "acc": 0.9}, step=7, split="train")``.

    Without ``step`` a counter of this process is used. Numbers in tensors and arrays are taken out with ``.item()``, which
    waits for the device. Only rank 0 of a distributed run logs; with ``all_ranks`` each one does, marked with its rank.
    """
    _log(scalars(values), step, all_ranks, context)


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
        _log(scalars({key: value}), step, all_ranks, context)
    elif metrics is not None:
        _log(scalars(metrics), key if step is None else step, all_ranks, context)
    else:
        if step is not None:
            context["split"] = step  # The third of (step, metrics, split, phase).
        _log(scalars(value), key, all_ranks, context)


@safe
def progress(done: Any, total: Any = None) -> None:
    """Says how far the program is, so that its remaining time can be shown."""
    if rank() == 0:
        writer.emit("p", {"i": scalar(done), "n": scalar(total)})


class SkipRun(SystemExit):
    """Raise it where the configuration is not worth running: the run ends as skipped, with the reason.

    It is a SystemExit with code 77, so it needs no hook to become the exit code, prints no traceback, and passes through
    ``except Exception``.
    """

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.code = EXIT_SKIPPED
        self.reason = str(reason)
        _write_skip(self.reason)

    def __str__(self) -> str:
        return self.reason


def skip(reason: str = "") -> NoReturn:
    """Ends this program as skipped: raises SkipRun."""
    raise SkipRun(reason)


def load_experiment() -> Experiment:
    """EXP's handle, with ``upd_row`` and ``save_row``. Raises RuntimeError outside a run, as EXP does."""
    from ._exp import load_experiment as load

    return load()


def _log(values: Dict[str, Any], step: Any, all_ranks: bool, context: Dict[str, Any]) -> None:
    global _next_step
    number = rank()
    if number != 0 and not all_ranks:
        return
    if all_ranks:
        context["rank"] = number
    at = scalar(step)
    if isinstance(at, bool) or not isinstance(at, (int, float)):
        at = _next_step
    _next_step = int(at) + 1
    texts = {key: str(scalar(value)) for key, value in context.items()}
    _write_metrics(at, values, texts)


def _write_metrics(step: Any, values: Dict[str, Any], context: Dict[str, str]) -> None:
    body = {"s": step, "v": values, "c": context} if context else {"s": step, "v": values}
    try:
        writer.emit("m", body, (tuple(values), tuple(context.values())))
    except ValueError:
        if len(values) < 2:
            raise
        for half in halves(values):
            _write_metrics(step, half, context)


@safe
def _write_skip(reason: str) -> None:
    writer.emit("x", {"reason": reason[:4096]}, always=True)
    if reason:
        sys.stderr.write("expfleet: skipped: %s\n" % reason[:4096])
