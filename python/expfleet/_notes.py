"""What a program says about its run besides numbers: files worth keeping, tags, notes, alerts."""

from __future__ import annotations

import os

from ._events import rank, safe, writer
from ._values import TEXT_CHARS_MAX, scalar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict

_TEXT_CHARS_MAX = 16 * 1024
_LEVELS = ("debug", "info", "warning", "error")


@safe
def artifact(path: Any, name: Any = None, kind: Any = "file") -> None:
    """Registers a file or directory as a result of the run: ``artifact("best.pt", name="model", kind="checkpoint")``.

    Nothing is copied here. The path is what it means now: a later chdir changes nothing.
    """
    full = _full(path)
    _say("a", {"path": full, "name": _text(name) or os.path.basename(full), "kind": _text(kind) or "file"})


@safe
def checkpoint(path: Any, step: Any = None) -> None:
    """Registers what a later attempt of this run may go on from. Call it when the file is complete."""
    body: Dict[str, Any] = {"path": _full(path)}
    if step is not None:
        body["s"] = scalar(step)
    _say("k", body)


@safe
def alert(text: Any, level: str = "info", title: Any = None) -> None:
    """Tells people something: ``alert("loss is nan", level="error")``. Levels: debug, info, warning, error."""
    body: Dict[str, Any] = {"text": _long(text), "level": level if level in _LEVELS else "info"}
    if title is not None:
        body["title"] = _text(title)
    _say("w", body)


@safe
def tag(*names: Any) -> None:
    """Adds tags to the run: ``tag("paper", "v2")``."""
    if names:
        _say("t", {"v": [_text(name) for name in names]})


@safe
def note(text: Any) -> None:
    """Adds a line to the notes of the run."""
    _say("n", {"text": _long(text)})


def _say(letter: str, body: Dict[str, Any]) -> None:
    if rank() == 0:
        writer.emit(letter, body, tuple(body.items()) if letter != "t" else None)


def _full(path: Any) -> str:
    # Bytes that are no UTF-8 stay readable as what they are.
    return os.fsdecode(os.path.abspath(os.fspath(path)))


def _text(value: Any) -> str:
    return "" if value is None else str(value)[:TEXT_CHARS_MAX]


def _long(value: Any) -> str:
    return str(value)[:_TEXT_CHARS_MAX]
