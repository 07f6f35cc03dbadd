"""Ready-made callbacks for frameworks, each imported only where it is asked for:

    from expfleet.integrations.hf import ExpFleetCallback           # Hugging Face Trainer
    from expfleet.integrations.lightning import ExpFleetLogger      # PyTorch Lightning
    from expfleet.integrations.keras import ExpFleetCallback        # Keras
"""

from __future__ import annotations

import importlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["hf", "keras", "lightning"]


def __getattr__(name: str) -> ModuleType:
    if name in __all__:
        return importlib.import_module(__name__ + "." + name)
    raise AttributeError("module %r has no attribute %r; there are %s" % (__name__, name, ", ".join(__all__)))
