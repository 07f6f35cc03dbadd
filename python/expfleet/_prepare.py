"""For the packages EXP and ztxexp themselves, where they are installed in a run: what EXP looks for before it loads, and what
ztxexp leaves behind."""

from __future__ import annotations

import atexit
import json
import os
import sys
from datetime import datetime, timedelta, timezone

from ._events import safe, writer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterator, Optional

_LOGGERS = "ztxexp.run."


@safe
def prepare_exp() -> None:
    """Makes the run's directory one that EXP loads. What is there already is left alone.

    Its log is the output of the run itself, so that ``append_log`` and ``read_log`` work on that.
    """
    work_dir = os.environ.get("EXPERIMENT_WORK_DIR")
    run_id = os.environ.get("EXPERIMENT_RUN_ID")
    if not work_dir or not run_id or not os.environ.get("EXP_RUN_ID") or not os.path.isdir(work_dir):
        return
    logs = os.path.join(work_dir, "terminal_logs")
    os.makedirs(logs, exist_ok=True)
    try:
        os.symlink(os.path.join(os.pardir, "output.log"), os.path.join(logs, run_id + ".log"))
    except FileExistsError:
        pass  # Another rank was first.
    path = os.path.join(work_dir, "metadata.json")
    if os.path.exists(path):
        return
    own = "%s.%d" % (path, os.getpid())
    with open(own, "w", encoding="utf-8") as file:
        json.dump(_metadata(run_id), file, indent=2, ensure_ascii=False)
    os.replace(own, path)


def _metadata(run_id: str) -> Dict[str, Any]:
    cwd: Optional[str] = None
    try:
        cwd = os.getcwd()
    except OSError:
        pass  # It was removed; EXP does not need it.
    devices = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    return {
        "name": os.environ.get("EXPERIMENT_NAME", ""),
        "command": " ".join(getattr(sys, "orig_argv", None) or getattr(sys, "argv", None) or [sys.executable or "python"]),
        "tags": [],
        "timestamp": datetime.now(timezone(timedelta(hours=8))).isoformat(timespec="microseconds"),
        "status": "running",
        "pid": os.getpid(),
        "gpu_ids": [int(device) for device in devices if device.strip().isdigit()],
        "current_run_id": run_id,
        "cwd": cwd,
        "description": None,
        "lark_config": None,
    }


@safe
def follow_ztxexp() -> None:
    """At the end of this process, and of its workers, what ztxexp wrote becomes events of the run."""
    if not os.environ.get("EXP_EVENTS"):
        return
    atexit.register(pick_up_ztxexp)
    if not hasattr(os, "register_at_fork"):
        return
    # Workers of multiprocessing end without atexit, and forget at their start what was to be done at their end.
    import multiprocessing.util as util

    util.register_after_fork(_Worker, _follow_worker)
    if sys.modules["multiprocessing"].parent_process() is not None:
        _follow_worker(None)


class _Worker:
    """Something to hang the call at the start of a worker on."""


def _follow_worker(_: Any) -> None:
    import multiprocessing.util as util

    _seen.clear()
    _seen.update(_directories())
    util.Finalize(None, pick_up_ztxexp, exitpriority=1)


#: Directories that are done, or that are a parent's.
_seen: Dict[str, str] = {}


@safe
def pick_up_ztxexp() -> None:
    """Reads the directories of the runs that this process made: curves, final metrics, and how they ended."""
    found = {directory: run for directory, run in _directories().items() if directory not in _seen}
    _seen.update(found)
    for directory, run in found.items():
        _pick_up(directory, run)


def _directories() -> Dict[str, str]:
    """ztxexp gives each of its runs a logger of that name, with a file in its directory."""
    logging = sys.modules.get("logging")
    if logging is None:
        return {}
    found: Dict[str, str] = {}
    for name, logger in list(logging.root.manager.loggerDict.items()):
        if name.startswith(_LOGGERS):
            for handler in getattr(logger, "handlers", ()):
                file = getattr(handler, "baseFilename", None)
                if file:
                    found[os.path.dirname(file)] = name[len(_LOGGERS) :]
    return found


def _pick_up(directory: str, run: str) -> None:
    for line in _lines(os.path.join(directory, "metrics.jsonl")):
        values = line.get("metrics")
        if isinstance(values, dict):
            context: Dict[str, Any] = {key: str(line[key]) for key in ("split", "phase") if key in line}
            body: Dict[str, Any] = {"s": line.get("step"), "v": values, "c": {**context, "run": run}}
            _emit("m", body, line.get("timestamp"))
    end = _object(os.path.join(directory, "run.json"))
    finals = _object(os.path.join(directory, "metrics.json"))
    ends: Dict[str, Any] = {"%s/%s" % (run, key): value for key, value in finals.items()}
    ends["%s/status" % run] = end.get("status", "unknown")
    _emit("u", {"v": ends}, end.get("finished_at"))
    if end.get("status") == "failed":
        text = "%s failed: %s: %s" % (run, end.get("error_type"), end.get("error_message"))
        _emit("w", {"level": "error", "text": text[:4096]}, end.get("finished_at"))


def _emit(letter: str, body: Dict[str, Any], timestamp: Any) -> None:
    """An event with the time at which it happened, not that of now."""
    from ._values import scalars

    if "v" in body:
        body["v"] = scalars(body["v"])
    try:
        body["t"] = round(datetime.fromisoformat(timestamp).timestamp(), 3)
    except (TypeError, ValueError):
        pass  # The time of now then.
    writer.emit(letter, body, always=True)


def _lines(path: str) -> Iterator[Dict[str, Any]]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                try:
                    value = json.loads(line)
                except ValueError:
                    continue  # The last line of a run that was killed.
                if isinstance(value, dict):
                    yield value
    except OSError:
        return  # No metric was logged.


def _object(path: str) -> Dict[str, Any]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            value = json.load(file)
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
