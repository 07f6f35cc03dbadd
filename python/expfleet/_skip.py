"""Ends a program whose configuration is not worth running."""

from __future__ import annotations

from ._events import safe, say, writer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

#: Exit code that says "this configuration is not worth running".
EXIT_SKIPPED = 77
_REASON_CHARS_MAX = 4096


class SkipRun(SystemExit):
    """Raise it where the configuration is not worth running: the run ends as skipped, with the reason.

    It is a SystemExit with code 77, so it needs no hook to become the exit code, prints no traceback, and passes through
    ``except Exception``.
    """

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.code = EXIT_SKIPPED
        self.reason = str(reason)
        write_skip(self.reason)

    def __str__(self) -> str:
        return self.reason


def skip(reason: str = "") -> NoReturn:
    """Ends this program as skipped: raises SkipRun."""
    raise SkipRun(reason)


@safe
def write_skip(reason: str) -> None:
    """Records why, for people and for the run's results."""
    if reason:
        say("skipped: %s" % reason[:_REASON_CHARS_MAX])
    writer.emit("x", {"reason": reason[:_REASON_CHARS_MAX]}, always=True)
