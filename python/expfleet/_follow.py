"""Follows the files that ztxexp itself writes, where it is installed in a run: they become events of the run.

Nothing of ztxexp is changed. Python tells an audit hook which files are opened, and so where runs are made. A curve is read
up to the point before the one that is being written, and the rest when the next run begins or the process ends.
"""

from __future__ import annotations

import atexit
import json
import os
import re
import sys
from datetime import datetime

from ._events import safe, writer
from ._values import scalars

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterator, Tuple

_RUN_NAME = re.compile(r"\d{8}_\d{6}_[0-9a-f]{8}\Z")
_FILES = ("run.json", "metrics.jsonl")

#: Runs of this process that have not ended, by directory: bytes of the curve that were read.
_open: Dict[str, int] = {}
_is_reading = False


@safe
def follow_ztxexp() -> None:
    """From now on, in this process and its workers."""
    if not os.environ.get("EXP_EVENTS"):
        return
    sys.addaudithook(_hear)
    atexit.register(pick_up)
    # Workers of multiprocessing end without atexit, and forget at their start what was to be done at their end.
    import multiprocessing.util as util

    util.register_after_fork(_Worker, _start_worker)
    if sys.modules["multiprocessing"].parent_process() is not None:
        util.Finalize(None, pick_up, exitpriority=1)


class _Worker:
    """Something to hang the call at the start of a worker on."""


def _start_worker(_: Any) -> None:
    import multiprocessing.util as util

    _open.clear()  # Those are the parent's.
    util.Finalize(None, pick_up, exitpriority=1)


def _hear(event: str, details: Tuple[Any, ...]) -> None:
    if event == "open" and not _is_reading and details[0].__class__ is str and details[0].endswith(_FILES):
        _look(details[0], details[1])


@safe
def _look(path: str, mode: Any) -> None:
    directory = os.path.dirname(os.path.abspath(path))
    if directory in _open:
        if path.endswith("metrics.jsonl"):
            _read(directory, is_over=False)
    elif mode == "w" and path.endswith("run.json") and _RUN_NAME.search(directory):
        pick_up()
        _open[directory] = 0


@safe
def pick_up() -> None:
    """Reads what is left of runs that have ended."""
    for directory in list(_open):
        _read(directory, is_over=True)


def _read(directory: str, is_over: bool) -> None:
    global _is_reading
    if _is_reading:
        return
    _is_reading = True
    try:
        for line, end in _lines(os.path.join(directory, "metrics.jsonl"), _open[directory]):
            _open[directory] = end
            _point(os.path.basename(directory), line)
        if is_over:
            record = _object(os.path.join(directory, "run.json"))
            if record.get("status") != "running":
                del _open[directory]
                _end(directory, record)
    finally:
        _is_reading = False


def _point(run: str, line: Dict[str, Any]) -> None:
    values = line.get("metrics")
    if isinstance(values, dict):
        context: Dict[str, Any] = {key: str(line[key]) for key in ("split", "phase") if key in line}
        body: Dict[str, Any] = {"s": line.get("step"), "v": scalars(values), "c": {**context, "run": run}}
        _emit("m", body, line.get("timestamp"))


def _end(directory: str, record: Dict[str, Any]) -> None:
    run = os.path.basename(directory)
    finals = _object(os.path.join(directory, "metrics.json"))
    ends: Dict[str, Any] = {"%s/%s" % (run, key): value for key, value in finals.items()}
    ends["%s/status" % run] = record.get("status", "unknown")
    _emit("u", {"v": scalars(ends)}, record.get("finished_at"))
    if record.get("status") == "failed":
        text = "%s failed: %s: %s" % (run, record.get("error_type"), record.get("error_message"))
        _emit("w", {"level": "error", "text": text[:4096]}, record.get("finished_at"))


@safe
def _emit(letter: str, body: Dict[str, Any], timestamp: Any) -> None:
    """An event with the time at which it happened, not that of now."""
    try:
        body["t"] = round(datetime.fromisoformat(timestamp).timestamp(), 3)
    except (TypeError, ValueError):
        pass  # The time of now then.
    writer.emit(letter, body, always=True)


def _lines(path: str, start: int) -> Iterator[Tuple[Dict[str, Any], int]]:
    """Complete lines from an offset on, each with the offset of its end."""
    try:
        file = open(path, "rb")
    except OSError:
        return  # No metric was logged.
    with file:
        file.seek(start)
        for line in file:
            start += len(line)
            if not line.endswith(b"\n"):
                return
            try:
                value = json.loads(line)
            except ValueError:
                continue  # Not of ztxexp's making.
            if isinstance(value, dict):
                yield value, start


def _object(path: str) -> Dict[str, Any]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            value = json.load(file)
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
