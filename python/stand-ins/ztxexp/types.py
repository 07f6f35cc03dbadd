"""ztxexp's ``types``."""

from expfleet.ztxexp.types import *  # noqa: F403
from expfleet.ztxexp.types import __all__ as __all__
