"""A module that stands in for a package gives way to the package itself wherever that is installed.

The folder of the stand-ins is on PYTHONPATH of runs, and so before site-packages. Each of them calls ``step_aside`` first.
"""

from __future__ import annotations

import importlib.util
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional


def step_aside(name: str, stand_in: str) -> bool:
    """Imports the real top-level module in the place of the one in the file ``stand_in``; False where there is none.

    What goes wrong within the real one is raised, as without a stand-in.
    """
    spec = _find(name, _folder_of(name, stand_in))
    if spec is None:
        return False
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    if spec.loader is not None and not _is_namespace(spec):
        spec.loader.exec_module(module)
    return True


def _find(name: str, ours: str) -> Optional[Any]:
    paths = [path for path in sys.path if os.path.realpath(path or os.curdir) != ours]
    for finder in list(sys.meta_path):
        find = getattr(finder, "find_spec", None)
        if find is None:
            continue
        # The finder that goes by sys.path is asked about the rest of it; editable installs bring finders of their own.
        is_path_finder = getattr(finder, "__name__", "") == "PathFinder"
        spec = find(name, paths, None) if is_path_finder else find(name, None, None)
        if spec is not None and not _is_in(spec.origin, ours):
            return spec
    return None


def _folder_of(name: str, stand_in: str) -> str:
    folder = os.path.dirname(os.path.realpath(stand_in))
    return os.path.dirname(folder) if os.path.basename(folder) == name else folder


def _is_in(path: Optional[str], folder: str) -> bool:
    return path is not None and os.path.realpath(path).startswith(folder + os.sep)


def _is_namespace(spec: Any) -> bool:
    return spec.origin in (None, "namespace") and spec.submodule_search_locations is not None
