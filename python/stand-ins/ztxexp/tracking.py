"""ztxexp's ``tracking``."""

from expfleet.ztxexp.tracking import *  # noqa: F403
from expfleet.ztxexp.tracking import __all__ as __all__
