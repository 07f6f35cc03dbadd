"""ztxexp's helpers for the process."""

from __future__ import annotations

import os
import random
import sys
from typing import Any

__all__ = ["init_torch_env", "set_process_priority"]


def init_torch_env(
    seed: int = 3407, use_gpu: bool = True, gpu_id: int = 0, deterministic: bool = False, benchmark: bool = False
) -> Any:
    """Seeds random, numpy and torch, and returns the torch device. Needs torch."""
    import torch  # type: ignore[import-not-found, unused-ignore]

    random.seed(seed)
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(seed)
    torch.manual_seed(seed)
    if not (use_gpu and torch.cuda.is_available()):
        return torch.device("cpu")
    torch.cuda.manual_seed_all(seed)
    # A run sees its own devices only, numbered from 0.
    device = gpu_id if gpu_id < torch.cuda.device_count() else 0
    torch.cuda.set_device(device)
    torch.backends.cudnn.deterministic = deterministic
    torch.backends.cudnn.benchmark = benchmark
    return torch.device("cuda:%d" % device)


def set_process_priority(priority: str = "high") -> None:
    """high, normal or low. Raises PermissionError where the system refuses."""
    nice = {"high": -10, "low": 10}.get(priority.strip().lower(), 0)
    os.setpriority(os.PRIO_PROCESS, 0, nice)
