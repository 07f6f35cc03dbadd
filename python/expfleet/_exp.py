"""EXP's calls, for scripts written for it: ``load_experiment().upd_row(...)`` and ``save_row()``."""

from __future__ import annotations

import json
import os
import re
from datetime import datetime, timedelta, timezone
from enum import Enum
from pathlib import Path

from ._events import LINE_BYTES_MAX, events_path, rank, safe, writer
from ._values import TEXT_CHARS_MAX, name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional

#: EXP writes its times in this zone.
_ZONE = timezone(timedelta(hours=8), "Asia/Shanghai")


class ExperimentStatus(Enum):
    """EXP's words for the state of an experiment."""

    PENDING = "pending"
    RUNNING = "running"
    FINISHED = "finished"
    ERROR = "error"

    def __str__(self) -> str:
        return self.value

    @classmethod
    def from_string(cls, status_str: str) -> ExperimentStatus:
        return cls(status_str)


class Experiment:
    """The running experiment. Rows go to the run's events; the coordinator makes EXP's CSV of them.

    Only for the program of a run: what starts experiments (``Experiment(...).run()``) is EXP's own matter, or a sweep's.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise RuntimeError(
            "Experiment(...) makes and starts an experiment, which needs the package xpriment itself; "
            "in a program that was started as a run, use load_experiment()"
        )

    @classmethod
    def load_from_dir(cls, work_dir: Any) -> Experiment:
        """The experiment of a directory. Raises FileNotFoundError where it has no metadata.json."""
        file = Path(work_dir) / "metadata.json"
        if not file.exists():
            raise FileNotFoundError("Metadata file not found: %s" % file)
        return cls._of(Path(work_dir), json.loads(file.read_text(encoding="utf-8")))

    @classmethod
    def _of(cls, work_dir: Path, said: Dict[str, Any]) -> Experiment:
        made: Experiment = cls.__new__(cls)
        made.work_dir = work_dir
        made.base_dir = work_dir.parent
        made.name = said.get("name") or os.environ.get("EXPERIMENT_NAME") or os.environ.get("EXP_RUN_NAME") or ""
        made.command = said.get("command") or ""
        made.tags = said.get("tags") or []
        made.timestamp = _time(said.get("timestamp"))
        made.status = ExperimentStatus(said.get("status", "running"))
        made.pid = said.get("pid")
        made.gpu_ids = said.get("gpu_ids") or []
        made.current_run_id = said.get("current_run_id") or os.environ.get("EXPERIMENT_RUN_ID") or None
        made.cwd = Path(said["cwd"]) if said.get("cwd") else None
        made.description = said.get("description")
        made.lark_config = said.get("lark_config")
        made._row = {}
        made._table = {}
        return made

    work_dir: Path
    base_dir: Path
    name: str
    command: str
    tags: List[str]
    timestamp: datetime
    status: ExperimentStatus
    pid: Optional[int]
    gpu_ids: List[int]
    current_run_id: Optional[str]
    cwd: Optional[Path]
    description: Optional[str]
    lark_config: Optional[Dict[str, Any]]
    _row: Dict[str, Any]
    _table: Dict[str, str]

    def upd_row(self, **cells: Any) -> None:
        """Sets cells of the row being made; the last write of each wins."""
        self._row.update(cells)

    @safe
    def save_row(self, *, lark: bool = False, lark_config: Any = None) -> None:
        """
        Ends the row. Without any cell it warns and writes nothing.

        With ``lark`` the coordinator also sends the row to the table of the run, or to the one that ``lark_config`` (an
        address, or EXP's keys) names from then on. App and secret are the coordinator's own: those given here go nowhere.
        """
        row, self._row = self._row, {}
        if not row:
            writer.warn("save_row without a cell: nothing was saved")
            return
        if lark_config is not None:
            self._table = {**self._table, **_table_keys(lark_config)}
        if rank() != 0:
            return
        cells = {name(key): cell(value) for key, value in row.items()}
        if sum(map(len, cells.values())) > LINE_BYTES_MAX // 8:
            cells = {key: text[:TEXT_CHARS_MAX] for key, text in cells.items()}
        to_table: Dict[str, Any] = {"lark": self._table or True} if lark else {}
        writer.emit("r", {"v": cells, **to_table}, tuple(cells))

    def get_log_file_path(self, run_id: Optional[str] = None) -> Path:
        return self.work_dir / "terminal_logs" / ("%s.log" % (run_id or self.current_run_id or "default"))

    @safe
    def append_log(self, content: str, run_id: Optional[str] = None) -> None:
        """Adds a line to the output of the run."""
        path = self.get_log_file_path(run_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        line = "[%s] %s\n" % (datetime.now(_ZONE).strftime("%Y-%m-%d %H:%M:%S"), content)
        with open(path, "ab", buffering=0) as file:
            file.write(line.encode("utf-8", "replace"))

    def read_log(self, run_id: Optional[str] = None) -> str:
        """The output of the run so far."""
        path = self.get_log_file_path(run_id)
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def get_log_tail(self, lines: int = 50, run_id: Optional[str] = None) -> str:
        return "".join(self.read_log(run_id).splitlines(keepends=True)[-lines:])

    def get_all_runs(self) -> List[str]:
        return sorted(path.stem for path in (self.work_dir / "terminal_logs").glob("*.log"))

    def get_metrics_file_path(self) -> Path:
        """Where EXP would write; here the coordinator makes the file."""
        return self.work_dir / "metrics" / ("%s.csv" % (self.current_run_id or "default"))

    def load_metrics_df(self) -> Any:
        """The rows so far as a pandas DataFrame; an empty list where there are none. Needs pandas."""
        table = self.get_metrics_file_path()
        text = table.read_text(encoding="utf-8") if table.exists() else _table_of(self._own_rows())
        if not text:
            return []
        from io import StringIO

        import pandas  # type: ignore[import-not-found, import-untyped, unused-ignore]

        return pandas.read_csv(StringIO(text))

    def start_new_run(self) -> str:
        """The number of the next run in this directory. A program of the fleet is one run: it stays in its own."""
        if self._is_own():
            writer.warn("start_new_run: a run of the fleet is one run; rows and output go on in it")
            return self.current_run_id or "run_0001"
        taken = [re.match(r"run_(\d+)", name) for name in self.get_all_runs()]
        self.current_run_id = "run_%04d" % (1 + max((int(each.group(1)) for each in taken if each), default=0))
        return self.current_run_id

    def _is_own(self) -> bool:
        own = os.environ.get("EXPERIMENT_WORK_DIR")
        return bool(own) and os.path.realpath(str(own)) == os.path.realpath(str(self.work_dir))

    def _own_rows(self) -> List[Dict[str, str]]:
        """Of this program's run, as they went to its events."""
        path = events_path() if self._is_own() else None
        if path is None or not os.path.exists(path):
            return []
        rows = []
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                if '"r"' not in line:
                    continue
                try:
                    event = json.loads(line)
                except ValueError:
                    continue  # Another program's line, or the beginning of one.
                if isinstance(event, dict) and event.get("e") == "r" and isinstance(event.get("v"), dict):
                    rows.append(event["v"])
        return rows

    def get_summary(self) -> Dict[str, Any]:
        return {
            "name": self.name,
            "status": self.status.value,
            "timestamp": self.timestamp.isoformat(),
            "tags": self.tags,
            "work_dir": str(self.work_dir),
            "total_runs": len(self.get_all_runs()),
            "current_run": self.current_run_id,
            "pid": self.pid,
            "gpu_ids": self.gpu_ids,
        }

    def set_status(self, status: ExperimentStatus) -> None:
        """For this object alone: the state of a run is what its exit code says."""
        self.status = status

    def set_running(self, pid: int) -> None:
        self.status, self.pid = ExperimentStatus.RUNNING, pid

    def set_finished(self) -> None:
        self.status, self.pid = ExperimentStatus.FINISHED, None

    def set_error(self, error_msg: Optional[str] = None) -> None:
        self.status, self.pid = ExperimentStatus.ERROR, None
        if error_msg:
            self.append_log("ERROR: %s" % error_msg)


def load_experiment() -> Experiment:
    """The experiment this program is. Raises RuntimeError outside a run, FileNotFoundError where its directory is gone."""
    work_dir = os.environ.get("EXPERIMENT_WORK_DIR")
    if not work_dir:
        raise RuntimeError("EXPERIMENT_WORK_DIR is not set: load_experiment() works only in a program started as a run")
    if not os.path.exists(work_dir):
        raise FileNotFoundError("the experiment's directory does not exist: %s" % work_dir)
    if events_path() is None:
        raise RuntimeError("EXP_EVENTS is not set: load_experiment() works only in a program started as a run")
    try:
        return Experiment.load_from_dir(work_dir)
    except (OSError, ValueError, KeyError):
        # The rows are what counts; the rest is what the environment says.
        return Experiment._of(Path(work_dir), {})


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


def _table_keys(lark_config: Any) -> Dict[str, str]:
    """Those that name a table, and no secret."""
    if isinstance(lark_config, str):
        return {"url": lark_config}
    if not isinstance(lark_config, dict):
        return {}
    names = ("url", "table_url", "bitable_url", "app_token", "table_id")
    return {each: str(lark_config[each]) for each in names if lark_config.get(each)}


def _table_of(rows: List[Dict[str, str]]) -> str:
    """As EXP's CSV: all columns by name, nothing where a row has none."""
    if not rows:
        return ""
    import csv
    from io import StringIO

    out = StringIO()
    table = csv.DictWriter(out, sorted({column for row in rows for column in row}), restval="")
    table.writeheader()
    table.writerows(rows)
    return out.getvalue()


def _time(text: Any) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return datetime.now(_ZONE)
