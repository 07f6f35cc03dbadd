"""EXP's calls, for scripts written for it: ``load_experiment().upd_row(...)`` and ``save_row()``."""

from __future__ import annotations

import os

from ._events import LINE_BYTES_MAX, events_path, rank, safe, writer
from ._values import TEXT_CHARS_MAX, name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any, Dict


class Experiment:
    """The running experiment. Rows go to the run's events; the coordinator makes EXP's CSV of them."""

    def __init__(self, work_dir: str) -> None:
        self._work_dir = work_dir
        self._row: Dict[str, Any] = {}
        self.name = os.environ.get("EXPERIMENT_NAME") or os.environ.get("EXP_RUN_NAME") or ""
        self.current_run_id = os.environ.get("EXPERIMENT_RUN_ID") or None

    @property
    def work_dir(self) -> Path:
        from pathlib import Path

        return Path(self._work_dir)

    def upd_row(self, **cells: Any) -> None:
        """Sets cells of the row being made; the last write of each wins."""
        self._row.update(cells)

    @safe
    def save_row(self, *, lark: bool = False, lark_config: Any = None) -> None:
        """Ends the row. Without any cell it warns and writes nothing. Tables elsewhere are not written from here."""
        row, self._row = self._row, {}
        if not row:
            writer.warn("save_row without a cell: nothing was saved")
            return
        if lark or lark_config is not None:
            writer.warn("save_row(lark=...) keeps the row with the run; it is not sent to a table")
        if rank() != 0:
            return
        cells = {name(key): cell(value) for key, value in row.items()}
        if sum(map(len, cells.values())) > LINE_BYTES_MAX // 8:
            cells = {key: text[:TEXT_CHARS_MAX] for key, text in cells.items()}
        writer.emit("r", {"v": cells}, tuple(cells))


def load_experiment() -> Experiment:
    """The experiment this program is. Raises RuntimeError outside a run, FileNotFoundError where its directory is gone."""
    work_dir = os.environ.get("EXPERIMENT_WORK_DIR")
    if not work_dir:
        raise RuntimeError("EXPERIMENT_WORK_DIR is not set: load_experiment() works only in a program started as a run")
    if not os.path.exists(work_dir):
        raise FileNotFoundError("the experiment's directory does not exist: %s" % work_dir)
    if events_path() is None:
        raise RuntimeError("EXP_EVENTS is not set: load_experiment() works only in a program started as a run")
    return Experiment(work_dir)


def cell(value: Any) -> str:
    """A cell as EXP's CSV shows it: Python's ``str``, nothing for None."""
    if value is None:
        return ""
    module = type(value).__module__ or ""
    # A number in a tensor is meant as a number; numpy's own text already is one.
    if hasattr(value, "item") and not module.startswith("numpy"):
        try:
            return str(value.item())
        except Exception:
            pass  # More than one number: as text.
    try:
        return str(value)
    except Exception:
        return "<%s>" % type(value).__name__
