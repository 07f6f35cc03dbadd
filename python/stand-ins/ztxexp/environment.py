"""ztxexp's ``environment``."""

from expfleet.ztxexp.environment import *  # noqa: F403
from expfleet.ztxexp.environment import __all__ as __all__
