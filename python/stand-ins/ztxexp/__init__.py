"""Stands in for ztxexp in runs, and wherever else the fleet's modules are, where it is not installed.

Where ztxexp is installed it is ztxexp; what it writes is picked up as it goes.
"""

from expfleet._step_aside import step_aside

if step_aside(__name__, __file__):
    from expfleet._follow import follow_ztxexp

    follow_ztxexp()
else:
    from expfleet.ztxexp import *  # noqa: F403
    from expfleet.ztxexp import __all__ as __all__
