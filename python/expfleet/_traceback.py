"""What is left of an exception that ended the program."""

from __future__ import annotations

from ._events import rank, safe, writer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any, Optional, Type

_CHARS_MAX = 16 * 1024
_MESSAGE_CHARS_MAX = 1024


@safe
def leave_traceback(kind: Type[BaseException], error: BaseException, trace: Optional[TracebackType]) -> None:
    """Records the exception. Its last calls are kept where the text is long."""
    if issubclass(kind, (SystemExit, KeyboardInterrupt)):
        return
    import traceback

    text = "".join(traceback.format_exception(kind, error, trace))
    message: Any = "".join(traceback.format_exception_only(kind, error)).strip()
    writer.emit(
        "w",
        {
            "level": "error",
            "kind": kind.__name__,
            "text": message[:_MESSAGE_CHARS_MAX],
            "rank": rank(),
            "traceback": text[-_CHARS_MAX:],
        },
        always=True,
    )
