"""ztxexp's ``pipeline``."""

from expfleet.ztxexp.pipeline import *  # noqa: F403
from expfleet.ztxexp.pipeline import __all__ as __all__
