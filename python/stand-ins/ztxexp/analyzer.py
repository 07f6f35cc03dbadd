"""ztxexp's ``analyzer``."""

from expfleet.ztxexp.analyzer import *  # noqa: F403
from expfleet.ztxexp.analyzer import __all__ as __all__
