"""``python -m expfleet.ztxexp script PATH FUNCTION ARGS...``: what a run of a pipeline is started as.

FUNCTION is ``module:name``, or ``-`` where it can only be had by running the script as it was run. With ``module NAME`` in the
place of ``script PATH`` the program was started by ``python -m``.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from types import CodeType, ModuleType
from typing import Any, Callable, List

from . import execute


def main(arguments: List[str]) -> None:
    kind, program, wanted = arguments[:3]
    turn = execute.read_turn()
    if turn is None:
        raise SystemExit("expfleet.ztxexp: this is no run of a pipeline")
    sys.argv = [program, *arguments[3:]]
    # As python itself does: the folder of a script, or the directory a module is started from.
    sys.path[0] = os.path.dirname(program) if kind == "script" else os.getcwd()
    if wanted == "-":
        load(kind, program, "__main__")
        raise SystemExit("expfleet.ztxexp: %s did not reach the pipeline that submitted this run" % program)
    module, _, name = wanted.partition(":")
    found = load(kind, program, "__mp_main__") if module == "__main__" else importlib.import_module(module)
    function: Callable[..., Any] = getattr(found, name)
    execute.run_function(function, turn)


def load(kind: str, program: str, name: str) -> ModuleType:
    """Runs the program as the module ``__main__``. Under the name ``__mp_main__`` it does not take itself for the program."""
    module = ModuleType(name)
    if kind == "script":
        module.__file__ = program
        with open(program, "rb") as file:
            code: Any = compile(file.read(), program, "exec")
    else:
        spec = importlib.util.find_spec(program)
        if spec is None or spec.loader is None:
            raise SystemExit("expfleet.ztxexp: no module named %s" % program)
        module.__file__, module.__package__ = spec.origin, spec.parent
        module.__spec__ = spec
        code = spec.loader.get_code(program)  # type: ignore[attr-defined]
    # The names under which worker processes look for the program.
    sys.modules["__main__"] = sys.modules["__mp_main__"] = module
    assert isinstance(code, CodeType)
    exec(code, module.__dict__)
    return module


main(sys.argv[1:])
