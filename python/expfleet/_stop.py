"""How a program learns that it is to end, in time to save its work."""

from __future__ import annotations

import os
from time import monotonic

from ._events import safe, writer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, List, Optional, TypeVar

    F = TypeVar("F", bound=Callable[..., Any])

#: In the directory of the run; its first line is the reason.
STOP_FILE = "stop"
_REASON_BYTES_MAX = 256
#: What a shell says of a program that ended by SIGTERM.
_EXIT_TERMINATED = 128 + 15

_reason: Optional[str] = None
_looked_at = float("-inf")
_callbacks: List[Callable[..., Any]] = []
_before: Any = None
_pid = 0


@safe
def should_stop() -> Optional[str]:
    """Why this program is to end: "preempt", "early-stop", "cancel"; None while it may go on.

    Cheap enough for every step: it looks at most once a second. What it has said once it says for ever.
    """
    global _reason, _looked_at
    if _reason is None:
        now = monotonic()
        if now - _looked_at >= 1.0:
            _looked_at = now
            _reason = _read_reason()
    return _reason


def on_stop(save: F) -> F:
    """Calls ``save()`` when the run is asked to end by SIGTERM, and then ends the program. Can be used as a decorator.

    Handlers of SIGTERM that were there are called after it and decide instead how the program ends; without one it ends
    with SystemExit(143). Workers forked later do not call it. To be called in the main thread, as Python's ``signal`` is.
    """
    _register(save)
    return save


@safe
def _register(save: Callable[..., Any]) -> None:
    global _before, _pid
    if not callable(save):
        raise TypeError("on_stop needs a function")
    import signal

    if signal.getsignal(signal.SIGTERM) is not _on_term:
        # First, as it refuses outside the main thread.
        _before = signal.signal(signal.SIGTERM, _on_term)
        _pid = os.getpid()
    elif _pid != os.getpid():
        del _callbacks[:]
        _pid = os.getpid()
    _callbacks.append(save)


def _on_term(number: int, frame: Any) -> None:
    import signal

    global _reason
    if os.getpid() == _pid:
        if _reason is None:
            _reason = _read_reason() or "cancel"
        for save in list(_callbacks):
            try:
                save()
            except Exception as error:
                writer.fail(error)
    if callable(_before):
        _before(number, frame)
    elif _before == signal.SIG_IGN:
        return
    elif os.getpid() == _pid:
        raise SystemExit(_EXIT_TERMINATED)
    else:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)


def _read_reason() -> Optional[str]:
    directory = os.environ.get("EXP_RUN_DIR")
    if not directory:
        return None
    path = os.path.join(directory, STOP_FILE)
    try:
        status = os.stat(path)
    except OSError:
        return None  # The usual case: nobody wants it to end.
    if status.st_size > 64 * 1024:
        return "cancel"
    with open(path, "rb") as file:
        words = file.read(_REASON_BYTES_MAX).decode("utf-8", "replace").split("\n")
    return words[0].strip() or "cancel"
