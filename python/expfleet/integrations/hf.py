"""For the Trainer of Hugging Face: ``Trainer(..., callbacks=[ExpFleetCallback()])``."""

from __future__ import annotations

import os
from typing import Any, Dict, Optional

from transformers import TrainerCallback  # type: ignore[import-not-found, import-untyped, unused-ignore]

import expfleet

__all__ = ["ExpFleetCallback"]


class ExpFleetCallback(TrainerCallback):  # type: ignore[misc]
    """Logs what the Trainer logs, says how far it is, registers its checkpoints, and ends it when the run is to stop."""

    def on_log(
        self, args: Any, state: Any, control: Any, logs: Optional[Dict[str, Any]] = None, **kwargs: Any
    ) -> None:
        if state.is_world_process_zero and logs:
            expfleet.log(logs, step=state.global_step)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.is_world_process_zero:
            if state.global_step % max(1, int(state.max_steps / 1000)) == 0:
                expfleet.progress(state.global_step, state.max_steps)
        if expfleet.should_stop():
            control.should_save = True
            control.should_training_stop = True

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.is_world_process_zero:
            path = os.path.join(args.output_dir, "checkpoint-%d" % state.global_step)
            expfleet.checkpoint(path, step=state.global_step)
