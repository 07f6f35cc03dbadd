"""Opt-in, with this folder first on PYTHONPATH: a program that dies of an exception leaves its traceback with the run, and one
that crashes shows where. Another ``sitecustomize`` further on the path is run as if this one were not there."""


def _leave_traceback() -> None:
    import sys

    before = sys.excepthook

    def hook(kind, error, trace):  # type: ignore[no-untyped-def]
        try:
            # Not before: most programs end well, and this is imported in each.
            from expfleet._traceback import leave_traceback

            leave_traceback(kind, error, trace)
        except Exception:
            pass  # What matters is the traceback on stderr, below.
        before(kind, error, trace)

    sys.excepthook = hook


def _show_crashes() -> None:
    import faulthandler

    try:
        if not faulthandler.is_enabled():
            faulthandler.enable()
    except Exception:
        pass  # stderr is closed or no file.


def _run_the_next() -> None:
    try:
        from expfleet._step_aside import step_aside
    except (ImportError, SyntaxError):
        return  # Only this folder is on the path, or this Python is older than the client.
    step_aside("sitecustomize", __file__)


import os

if os.environ.get("EXP_RUN_ID"):
    _leave_traceback()
    _show_crashes()
_run_the_next()
