"""For Lightning: ``Trainer(logger=ExpFleetLogger())``."""

from __future__ import annotations

from typing import Any, Dict, Optional

try:
    from lightning.pytorch.loggers.logger import Logger  # type: ignore[import-not-found, import-untyped, unused-ignore]
except ImportError:
    from pytorch_lightning.loggers.logger import Logger  # type: ignore[import-not-found, import-untyped, unused-ignore]

import expfleet

__all__ = ["ExpFleetLogger"]


class ExpFleetLogger(Logger):  # type: ignore[misc]
    """Logs what Lightning logs and registers its checkpoints. Hyperparameters are those of the run already."""

    @property
    def name(self) -> Optional[str]:
        return expfleet.run.sweep

    @property
    def version(self) -> Optional[str]:
        return expfleet.run.name

    @property
    def save_dir(self) -> Optional[str]:
        return expfleet.run.artifact_dir

    def log_metrics(self, metrics: Dict[str, Any], step: Optional[int] = None) -> None:
        expfleet.log(metrics, step=step)

    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        """Nothing: the coordinator knows the parameters of the run."""

    def after_save_checkpoint(self, checkpoint_callback: Any) -> None:
        path = getattr(checkpoint_callback, "last_model_path", "") or getattr(checkpoint_callback, "best_model_path", "")
        if path:
            expfleet.checkpoint(path)
