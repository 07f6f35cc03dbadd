"""ztxexp's ``utils``."""

from expfleet.ztxexp.utils import *  # noqa: F403
from expfleet.ztxexp.utils import __all__ as __all__
