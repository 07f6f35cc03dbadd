"""Prints, for each EXP file named on the command line, what `EXP run FILE --dry-run` prints and the queue behind it, as JSON."""

import contextlib
import io
import json
import sys

from experiment_manager.scheduler import ExperimentScheduler


def queue_of(path):
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown):
        scheduler = ExperimentScheduler(path, dry_run=True)
        scheduler.run_all()
    entries = [
        {
            "name": item["config"].name,
            "priority": item["config"].priority,
            "command": item["config"].command,
            "tags": [str(tag) for tag in item["config"].tags],
            "gpu_ids": item["config"].gpu_ids,
            "environment": scheduler._prepare_environment(item["config"]),
            "description": item["config"].description,
            "retries": item["config"].max_retries if scheduler.auto_restart else 0,
        }
        for item in scheduler._pending
    ]
    return {"shown": shown.getvalue(), "parallel": scheduler.max_concurrent, "entries": entries}


def main():
    found = {}
    for path in sys.argv[1:]:
        try:
            found[path] = queue_of(path)
        except Exception as error:
            found[path] = {"error": f"{type(error).__name__}: {error}"}
    json.dump(found, sys.stdout)


main()
