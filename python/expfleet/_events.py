"""Appends events to the run's file, and never gets in the way of the program that calls it.

One ``write`` to a file opened for append per event: no thread, no socket, no lock, so processes and threads do not mix
their lines and a killed program loses nothing that was written. Whatever goes wrong here is counted and said once on
stderr; the count itself is written as soon as writing works again.
"""

from __future__ import annotations

import atexit
import os
import sys
import time

from ._values import TEXT_CHARS_MAX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Optional, Tuple, TypeVar

    F = TypeVar("F", bound=Callable[..., Any])

#: Bytes of one line, newline included; a longer one would not be read as an event.
LINE_BYTES_MAX = 64 * 1024
#: Events within one second of which every one is written.
EVENTS_PER_SECOND_MAX = 2000
#: Beyond that every 16th is written, then every 32nd, and so on: at most some 900 more at 200,000 events a second.
STRIDE = 16
#: Different kinds of events of which the last one is kept back while events come too fast.
HELD_MAX = 256

RANK_VARIABLES = ("RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK")

_rank = 0
_rank_known = (0, 0)
_encode: Optional[Callable[[Any], str]] = None


class Writer:
    """The file of one process. Everything here may raise; ``safe`` around the public calls makes a count of it."""

    def __init__(self) -> None:
        self._warned = False
        self._forget(os.getpid())

    def _forget(self, pid: int) -> None:
        self._pid = pid
        self._fd = -1
        self._file: Optional[Tuple[int, int]] = None
        self._torn = False
        self._failed = 0
        self._first_failure = ""
        self._window = float("-inf")
        self._seen = 0
        self._thinned = 0
        self._held: Dict[Any, bytes] = {}

    def emit(self, letter: str, body: Dict[str, Any], key: Any = None, always: bool = False) -> None:
        """Writes one event. Of events with the same ``key`` the last one survives when they come too fast."""
        path = events_path()
        if path is None:
            return
        pid = os.getpid()
        if pid != self._pid:
            # A forked child has its own file handle and leaves what its parent holds back to its parent.
            self._forget(pid)
        line = encode_event(letter, body)
        if always or self._admit((letter, key), line, path):
            self._write(path, line)

    def flush(self) -> None:
        """Writes what is held back because events came too fast."""
        path = events_path()
        if path is not None and os.getpid() == self._pid:
            self._end_window(path)

    def fail(self, error: BaseException) -> None:
        """Counts an event that could not be written, and warns about the first one."""
        self._failed += 1
        if not self._first_failure:
            self._first_failure = "%s: %s" % (type(error).__name__, error)
        self.warn("an event was dropped: %s: %s" % (type(error).__name__, error))

    def warn(self, text: str) -> None:
        """Says it on stderr, once per process."""
        if self._warned:
            return
        self._warned = True
        try:
            sys.stderr.write("expfleet: %s (said once; the program goes on)\n" % text[:TEXT_CHARS_MAX])
        except Exception:
            pass  # stderr may be closed or missing; there is nowhere left to say it.

    def _admit(self, key: Any, line: bytes, path: str) -> bool:
        now = time.monotonic()
        if now - self._window >= 1.0:
            self._end_window(path)
            self._window = now
        self._seen += 1
        if self._seen <= EVENTS_PER_SECOND_MAX:
            return True
        stride = STRIDE << ((self._seen // EVENTS_PER_SECOND_MAX).bit_length() - 1)
        if self._seen % stride == 0:
            self._thinned += self._held.pop(key, None) is not None
            return True
        if key in self._held or len(self._held) >= HELD_MAX:
            self._thinned += 1
        if key in self._held or len(self._held) < HELD_MAX:
            self._held[key] = line
        return False

    def _end_window(self, path: str) -> None:
        held, thinned = self._held, self._thinned
        self._held, self._thinned, self._seen = {}, 0, 0
        for line in held.values():
            self._write(path, line)
        if thinned:
            reason = "more than %d events a second" % EVENTS_PER_SECOND_MAX
            self._write(path, encode_event("w", {"reason": reason, "dropped": thinned}))

    def _write(self, path: str, line: bytes) -> None:
        descriptor = self._descriptor(path)
        # The rest of a line that did not fit on the disk must not swallow this one.
        data = b"\n" + line if self._torn else line
        written = os.write(descriptor, data)
        if written < len(data):
            self._torn = True
            raise OSError("the disk took %d of %d bytes" % (written, len(data)))
        self._torn = False
        if self._failed:
            failed, reason = self._failed, self._first_failure
            self._failed, self._first_failure = 0, ""
            self._write(path, encode_event("w", {"reason": reason[:TEXT_CHARS_MAX], "dropped": failed}))

    def _descriptor(self, path: str) -> int:
        if self._file is not None:
            try:
                status = os.fstat(self._fd)
                if (status.st_dev, status.st_ino) == self._file:
                    return self._fd
            except OSError:
                pass  # Closed behind our back: opened again below.
            # The number may by now be a file of the program: it is not ours to write to or to close.
            self._file = None
        # O_NONBLOCK changes nothing for a file, and keeps the open of a pipe without a reader from hanging.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
        descriptor = os.open(path, flags, 0o666)
        status = os.fstat(descriptor)
        self._fd, self._file = descriptor, (status.st_dev, status.st_ino)
        return descriptor


def events_path() -> Optional[str]:
    """``$EXP_EVENTS``; outside a run a file in ``$EXP_DIR`` where that is set, else None: nothing is written."""
    path = os.environ.get("EXP_EVENTS")
    if path:
        return path
    directory = os.environ.get("EXP_DIR")
    if not directory:
        return None
    os.makedirs(directory, exist_ok=True)
    return os.path.join(directory, "client.jsonl")


def rank() -> int:
    """Number of this process among those of a distributed run; 0 where there is only one.

    Looked up once a second: a program may set the variables after its first event, and a look-up costs as much as a write.
    """
    global _rank, _rank_known
    known = (os.getpid(), int(time.monotonic()))
    if known != _rank_known:
        _rank, _rank_known = _read_rank(), known
    return _rank


def encode_event(letter: str, body: Dict[str, Any]) -> bytes:
    """One line. Raises ValueError where it would be longer than readers take."""
    global _encode
    event: Dict[str, Any] = {"e": letter, "t": round(time.time(), 3)}
    event.update(body)
    if _encode is None:
        # Half of the time of an import of this package; most programs have it anyway.
        from json import JSONEncoder

        _encode = JSONEncoder(separators=(",", ":"), allow_nan=False).encode
    line = (_encode(event) + "\n").encode("ascii")
    if len(line) > LINE_BYTES_MAX:
        raise ValueError("an event of %d bytes; %d are allowed" % (len(line), LINE_BYTES_MAX))
    return line


def safe(function: F) -> F:
    """Lets no exception out of a public call but SkipRun and KeyboardInterrupt, which are no ``Exception``."""

    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            writer.fail(error)
            return None

    call.__name__ = function.__name__
    call.__qualname__ = function.__qualname__
    call.__module__ = function.__module__
    call.__doc__ = function.__doc__
    call.__wrapped__ = function  # type: ignore[attr-defined]
    return call  # type: ignore[return-value]


def _read_rank() -> int:
    for variable in RANK_VARIABLES:
        text = os.environ.get(variable)
        if text is not None:
            return int(text) if text.isdigit() else 0
    return 0


def _flush_at_exit() -> None:
    try:
        writer.flush()
    except Exception as error:
        writer.fail(error)


writer = Writer()
atexit.register(_flush_at_exit)
