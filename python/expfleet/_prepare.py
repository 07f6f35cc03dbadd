"""Makes the directory of a run what EXP looks for before it loads, where that is installed."""

from __future__ import annotations

import json
import os
import sys
from datetime import datetime, timedelta, timezone

from ._events import safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Optional


@safe
def prepare_exp() -> None:
    """Makes the run's directory one that EXP loads. What is there already is left alone.

    Its log is the output of the run itself, so that ``append_log`` and ``read_log`` work on that.
    """
    work_dir = os.environ.get("EXPERIMENT_WORK_DIR")
    run_id = os.environ.get("EXPERIMENT_RUN_ID")
    if not work_dir or not run_id or not os.environ.get("EXP_RUN_ID") or not os.path.isdir(work_dir):
        return
    logs = os.path.join(work_dir, "terminal_logs")
    os.makedirs(logs, exist_ok=True)
    try:
        os.symlink(os.path.join(os.pardir, "output.log"), os.path.join(logs, run_id + ".log"))
    except FileExistsError:
        pass  # Another rank was first.
    path = os.path.join(work_dir, "metadata.json")
    if os.path.exists(path):
        return
    own = "%s.%d" % (path, os.getpid())
    with open(own, "w", encoding="utf-8") as file:
        json.dump(_metadata(run_id), file, indent=2, ensure_ascii=False)
    os.replace(own, path)


def _metadata(run_id: str) -> Dict[str, Any]:
    cwd: Optional[str] = None
    try:
        cwd = os.getcwd()
    except OSError:
        pass  # It was removed; EXP does not need it.
    devices = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    return {
        "name": os.environ.get("EXPERIMENT_NAME", ""),
        "command": " ".join(getattr(sys, "orig_argv", None) or getattr(sys, "argv", None) or [sys.executable or "python"]),
        "tags": [],
        "timestamp": datetime.now(timezone(timedelta(hours=8))).isoformat(timespec="microseconds"),
        "status": "running",
        "pid": os.getpid(),
        "gpu_ids": [int(device) for device in devices if device.strip().isdigit()],
        "current_run_id": run_id,
        "cwd": cwd,
        "description": None,
        "lark_config": None,
    }
