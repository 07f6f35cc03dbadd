"""Appends events to the run's file, and never gets in the way of the program that calls it.

One ``write`` to a file opened for append per event: no thread, no socket, no lock, so processes and threads do not mix
their lines and a killed program loses nothing that was written. Whatever goes wrong here is counted and said once on
stderr; the count itself is written as soon as writing works again.

What costs time (the environment, the identity of the open file) is looked up once a second.
"""

from __future__ import annotations

import atexit
import os
import sys
from errno import EBADF
from os import write
from time import time

from ._values import TEXT_CHARS_MAX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Optional, Tuple, TypeVar

    F = TypeVar("F", bound=Callable[..., Any])

#: Bytes of one line, newline included; a longer one would not be read as an event.
LINE_BYTES_MAX = 64 * 1024
#: Events a second that a process may write for ever.
EVENTS_PER_SECOND_MAX = 2000
#: Events that it may write in a burst: what it does not use of each second is saved up to this.
BURST_EVENTS_MAX = 1 << 21
#: Beyond both every 16th is written, then every 32nd, and so on: at most some 900 more at 200,000 events a second.
STRIDE = 16
#: Different kinds of events of which the last one is kept back while events come too fast.
HELD_MAX = 256
#: Our handle gets a number at least this high where the process may have so many: whoever closes handles and opens files
#: gets the low numbers.
DESCRIPTOR_MIN = 960

RANK_VARIABLES = ("RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK")

_encode: Optional[Callable[[Any], str]] = None
#: ``$EXP_EVENTS``, ``$EXP_CLIENT_DIR`` and ``$EXP_DIR`` as they were said, and the absolute path that they meant then.
_said: Tuple[Optional[str], Optional[str], Optional[str]] = (None, None, None)
_meant: Optional[str] = None


class Writer:
    """The file of one process. Everything here may raise; ``safe`` around the public calls makes a count of it."""

    def __init__(self) -> None:
        self._warned = False
        self.budget = BURST_EVENTS_MAX
        self.rank = 0
        self._fd = -1
        self.path: Optional[str] = None
        self._file: Optional[Tuple[int, int]] = None
        self.forget()

    def forget(self) -> None:
        """In a forked child: what its parent holds back and has counted stays with its parent."""
        #: The second of the clock within which nothing needs to be looked up.
        self.since = self.until = 0.0
        #: The last write was whole, and nothing is to be said before the next one.
        self._in_order = False
        self._torn = False
        self._failed = 0
        self._first_failure = ""
        self._seen = 0
        self._thinned = 0
        self._held: Dict[Any, bytes] = {}
        self._flushed_at_end = False

    def is_on(self, now: float) -> bool:
        """Whether there is a file to write to. ``now`` is the time of the event."""
        if not self.since <= now < self.until:
            self._look_up(now)
        return self.path is not None

    def emit(self, letter: str, body: Dict[str, Any], key: Any = None, always: bool = False) -> None:
        """Writes one event. Of events with the same ``key`` the last one survives when they come too fast."""
        now = time()
        if self.is_on(now):
            self.put(encode_event(letter, body, now), (letter, key), always)

    def put(self, line: bytes, key: Any, always: bool = False) -> None:
        """Writes one line, or holds it back where they come too fast. Only where ``is_on``."""
        if self.budget > 0:
            self.budget -= 1
        elif not always and not self._admit(key, line):
            return
        if self._in_order:
            try:
                if write(self._fd, line) == len(line):
                    return
                self._in_order, self._torn = False, True
                raise OSError("the disk took a part of an event only")
            except OSError as error:
                self._in_order = False
                if error.errno != EBADF:
                    raise
        self._write(line)

    def flush(self) -> None:
        """Writes what is held back because events came too fast."""
        if self.path is None:
            return
        held, thinned = self._held, self._thinned
        self._held, self._thinned, self._seen = {}, 0, 0
        for line in held.values():
            self._write(line)
        if thinned:
            reason = "more than %d events a second" % EVENTS_PER_SECOND_MAX
            self._write(encode_event("w", {"reason": reason, "dropped": thinned}, time()))

    def fail(self, error: BaseException) -> None:
        """Counts an event that could not be written, and warns about the first one."""
        self._failed += 1
        self._in_order = False
        if not self._first_failure:
            self._first_failure = "%s: %s" % (type(error).__name__, error)
        self.warn("an event was dropped: %s: %s" % (type(error).__name__, error))

    def warn(self, text: str) -> None:
        """Says it on stderr, once per process."""
        if self._warned:
            return
        self._warned = True
        say("%s (said once; the program goes on)" % text[:TEXT_CHARS_MAX])

    def _look_up(self, now: float) -> None:
        elapsed = now - self.since
        if self.since and 0 <= elapsed:
            self.budget = min(BURST_EVENTS_MAX, self.budget + int(EVENTS_PER_SECOND_MAX * min(elapsed, 3600.0)))
        elif self.since:
            self.budget = max(self.budget, EVENTS_PER_SECOND_MAX)  # The clock was set back.
        self.since, self.until = now, now + 1.0
        self.rank = _read_rank()
        path = events_path()
        if path != self.path:
            self._close()
            self.path = path
        elif self._file is not None and not self._is_ours():
            self._file, self._fd, self._in_order = None, -1, False
        if self._held or self._thinned:
            self.flush()
        self._seen = 0

    def _admit(self, key: Any, line: bytes) -> bool:
        if not self._flushed_at_end:
            self._flushed_at_end = True
            _flush_with_worker()
        self._seen += 1
        stride = STRIDE << (self._seen // EVENTS_PER_SECOND_MAX).bit_length()
        if self._seen % stride == 0:
            self._thinned += self._held.pop(key, None) is not None
            return True
        if key in self._held:
            self._thinned += 1
            # Put at the end: what is held back is written in the order in which it came.
            del self._held[key]
        elif len(self._held) >= HELD_MAX:
            self._thinned += 1
            return False
        self._held[key] = line
        return False

    def _write(self, line: bytes) -> None:
        if self._torn:
            # The rest of a line that did not fit on the disk must not swallow this one.
            line = b"\n" + line
        self._in_order = False
        try:
            written = write(self._fd, line)
        except OSError as error:
            if error.errno != EBADF:  # Not opened yet, or closed behind our back.
                raise
            self._open()
            written = write(self._fd, line)
        if written < len(line):
            self._torn = True
            raise OSError("the disk took a part of an event only")
        self._torn = False
        if self._failed:
            failed, reason = self._failed, self._first_failure
            self._failed, self._first_failure = 0, ""
            self._write(encode_event("w", {"reason": reason[:TEXT_CHARS_MAX], "dropped": failed}, time()))
        self._in_order = True

    def _open(self) -> None:
        if self.path is None:
            raise OSError("no file to write to")
        # O_NONBLOCK changes nothing for a file, and keeps the open of a pipe without a reader from hanging.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
        if _said[0] is None:
            os.makedirs(os.path.dirname(self.path), exist_ok=True)
        descriptor = _out_of_the_way(os.open(self.path, flags, 0o666))
        status = os.fstat(descriptor)
        self._fd, self._file = descriptor, (status.st_dev, status.st_ino)

    def _is_ours(self) -> bool:
        try:
            status = os.fstat(self._fd)
        except OSError:
            return False
        # Closed behind our back, the number may by now be a file of the program: not ours to write to or to close.
        return (status.st_dev, status.st_ino) == self._file and status.st_nlink > 0

    def _close(self) -> None:
        if self._file is not None and self._is_ours():
            os.close(self._fd)
        self._file, self._fd, self._torn, self._in_order = None, -1, False, False


def events_path() -> Optional[str]:
    """``$EXP_EVENTS``; outside a run a file in ``$EXP_CLIENT_DIR`` where that is set, else None: nothing is written.

    ``$EXP_DIR`` counts as well, unless it is the directory of a local stack, which is what ``exp`` means by that name.
    A relative one is meant from where the program was when this was first asked, so that a later chdir changes nothing.
    """
    global _said, _meant
    environ = os.environ
    path = environ.get("EXP_EVENTS") or None
    # A look at the environment costs, and a run asks at every call.
    said = (path, None, None) if path else (None, environ.get("EXP_CLIENT_DIR") or None, environ.get("EXP_DIR") or None)
    if said == _said:
        return _meant
    _, directory, named = said
    if path is None and directory is None and named is not None:
        directory = None if os.path.isdir(os.path.join(named, "coordinator")) else named
    if path is None and directory is not None:
        path = os.path.join(directory, "client.jsonl")
    _meant, _said = None if path is None else os.path.abspath(path), said
    return _meant


def rank() -> int:
    """Number of this process among those of a distributed run; 0 where there is only one."""
    writer.is_on(time())
    return writer.rank


def encode_event(letter: str, body: Dict[str, Any], at: float) -> bytes:
    """One line. Raises ValueError where it would be longer than readers take."""
    event: Dict[str, Any] = {"e": letter, "t": round(at, 3)}
    event.update(body)
    line = (encode(event) + "\n").encode("ascii")
    if len(line) > LINE_BYTES_MAX:
        raise ValueError("an event of %d bytes; %d are allowed" % (len(line), LINE_BYTES_MAX))
    return line


def encode(value: Any) -> str:
    """A value as JSON, in ASCII, without spaces."""
    global _encode
    if _encode is None:
        # Half of the time of an import of this package; most programs have it anyway.
        from json import JSONEncoder

        _encode = JSONEncoder(separators=(",", ":"), allow_nan=False).encode
    return _encode(value)


def safe(function: F) -> F:
    """Lets no exception out of a public call but SkipRun and KeyboardInterrupt, which are no ``Exception``."""

    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            try:
                writer.fail(error)
            except Exception:
                pass  # The interpreter is going down; there is nobody left to tell.
            return None

    call.__name__ = function.__name__
    call.__qualname__ = function.__qualname__
    call.__module__ = function.__module__
    call.__doc__ = function.__doc__
    call.__wrapped__ = function  # type: ignore[attr-defined]
    return call  # type: ignore[return-value]


def say(text: str) -> None:
    """A line of ours on stderr."""
    try:
        sys.stderr.write("expfleet: %s\n" % text)
    except Exception:
        pass  # stderr may be closed or missing; there is nowhere left to say it.


def _read_rank() -> int:
    for variable in RANK_VARIABLES:
        text = os.environ.get(variable)
        if text is not None:
            return int(text) if text.isdigit() else 0
    return 0


def _out_of_the_way(descriptor: int) -> int:
    """The same file under a high number; under its own where that cannot be."""
    try:
        from fcntl import F_DUPFD_CLOEXEC, fcntl

        high = fcntl(descriptor, F_DUPFD_CLOEXEC, DESCRIPTOR_MIN)
    except Exception:
        return descriptor  # The limit of open files is low.
    os.close(descriptor)
    return high


def _flush_with_worker() -> None:
    """Workers of ``multiprocessing`` end without ``atexit``."""
    util = sys.modules.get("multiprocessing.util")
    if util is not None:
        util.Finalize(None, _flush_at_exit, exitpriority=0)


def _flush_at_exit() -> None:
    try:
        writer.flush()
    except Exception as error:
        writer.fail(error)


writer = Writer()
atexit.register(_flush_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=writer.forget)
try:
    events_path()
except Exception:
    pass  # Said by the first event, where there is one.
