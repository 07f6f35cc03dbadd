"""ztxexp's ``manager``."""

from expfleet.ztxexp.manager import *  # noqa: F403
from expfleet.ztxexp.manager import __all__ as __all__
