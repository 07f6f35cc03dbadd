"""For Keras: ``model.fit(..., callbacks=[ExpFleetCallback()])``."""

from __future__ import annotations

from typing import Any, Dict, Optional

try:
    from keras.callbacks import Callback  # type: ignore[import-not-found, import-untyped, unused-ignore]
except ImportError:
    from tensorflow.keras.callbacks import Callback  # type: ignore[import-not-found, import-untyped, unused-ignore]

import expfleet

__all__ = ["ExpFleetCallback"]


class ExpFleetCallback(Callback):  # type: ignore[misc]
    """Logs each epoch, says how far the training is, and ends it after an epoch when the run is to stop."""

    def on_epoch_end(self, epoch: int, logs: Optional[Dict[str, Any]] = None) -> None:
        if logs:
            expfleet.log(logs, step=epoch)
        total = (getattr(self, "params", None) or {}).get("epochs")
        expfleet.progress(epoch + 1, total)
        if expfleet.should_stop():
            self.model.stop_training = True
