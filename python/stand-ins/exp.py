"""``import exp`` is ``import expfleet`` where nothing else is called ``exp``."""

from expfleet._step_aside import step_aside

if not step_aside(__name__, __file__):
    import sys

    import expfleet

    sys.modules[__name__] = expfleet
