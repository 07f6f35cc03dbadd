"""Submits the configurations of a pipeline through the command line ``exp``, waits, and notes what came of them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

from . import execute
from .sweep import configs_as_sweep
from .types import RunMetadata, RunSummary

#: Command that is called in place of ``exp``.
CLI_VARIABLE = "EXPFLEET_CLI"
#: Python of the runs, where it is another one than the submitting one.
PYTHON_VARIABLE = "EXPFLEET_PYTHON"

_STATUS = {"succeeded": "succeeded", "skipped": "skipped", "failed": "failed", "cancelled": "failed"}


class Batch(NamedTuple):
    """What is to run."""

    configs: List[Dict[str, Any]]
    results_root: Path
    meta: RunMetadata
    retry: execute.Retry
    #: Also what was completed before.
    rerun: bool


def run(function: Callable[..., Any], batch: Batch) -> RunSummary:
    """Submits, waits, notes. Raises RuntimeError where the fleet cannot be reached or refuses."""
    started = time.monotonic()
    batch.results_root.mkdir(parents=True, exist_ok=True)
    if not batch.configs:
        return RunSummary(0, 0, 0, 0, 0.0, [])
    command, name = _command(function)
    spec = configs_as_sweep(batch.configs)
    spec["name"] = _sweep_name(batch.meta.experiment_name or name)
    spec["rerun"] = "all" if batch.rerun else "missing"
    nones = spec.pop("none")
    spec["run"] = {
        "command": _literal(command),
        "cwd": _escaped(os.getcwd()),
        "env": {execute.TURN_VARIABLE: _escaped(execute.turn_text(batch.meta, batch.retry, nones))},
    }
    submitted = _submit(spec)
    sweep = submitted["sweep"]
    _exp(["wait", sweep, "--for", "terminal", "--json"])
    runs = _exp(["ls", sweep, "--all", "--json"])
    # Configurations that occur twice run once: then the runs are not in step with the list.
    configs = batch.configs if submitted["total"] == len(batch.configs) else None
    for each in runs:
        note_run(each, batch, configs)
    states = [_STATUS.get(each["state"], "failed") for each in runs]
    return RunSummary(
        total=len(runs),
        succeeded=states.count("succeeded"),
        failed=states.count("failed"),
        skipped=states.count("skipped"),
        duration_sec=round(time.monotonic() - started, 6),
        failed_run_ids=[each["ref"] for each, state in zip(runs, states) if state == "failed"],
    )


def _submit(spec: Dict[str, Any]) -> Dict[str, Any]:
    import tempfile

    with tempfile.NamedTemporaryFile("w", suffix=".json", prefix="pipeline-", encoding="utf-8") as file:
        json.dump(spec, file, ensure_ascii=False)
        file.flush()
        return _exp(["submit", file.name, "--json"])  # type: ignore[no-any-return]


def _exp(words: List[str]) -> Any:
    """What the command line prints as JSON. Its messages go to stderr, as they come."""
    command = os.environ.get(CLI_VARIABLE) or "exp"
    program = shutil.which(command)
    if program is None:
        raise RuntimeError(
            "%r is not on PATH: a pipeline is submitted to the fleet through it. Install ExpFleet here, or name the "
            "command in %s; with ztxexp itself installed, pipelines run in this process instead." % (command, CLI_VARIABLE)
        )
    ended = subprocess.run([program, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False)
    if ended.returncode != 0:
        raise RuntimeError("`exp %s` ended with exit code %d" % (" ".join(words[:2]), ended.returncode))
    return json.loads(ended.stdout.decode("utf-8"))


def _command(function: Callable[..., Any]) -> Tuple[List[str], str]:
    """The command of a run, and a name for the sweep."""
    python = os.environ.get(PYTHON_VARIABLE) or sys.executable or "python3"
    program, name = _program()
    return [python, "-m", "expfleet.ztxexp", *program, _function_name(function) or "-", *sys.argv[1:]], name


def _program() -> Tuple[List[str], str]:
    """How this program was started: as a script, or as a module."""
    main = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    if spec is not None:
        return ["module", spec.name], spec.name.replace(".__main__", "").rsplit(".", 1)[-1]
    path = getattr(main, "__file__", None)
    if path is None or not os.path.isfile(path):
        raise RuntimeError("a pipeline needs a script: what is typed in or piped in cannot be started on another host")
    return ["script", os.path.abspath(path)], Path(path).stem


def _function_name(function: Callable[..., Any]) -> Optional[str]:
    """``module:name`` where it can be imported; else the whole script is run again to get at it."""
    module = getattr(function, "__module__", None)
    name = getattr(function, "__qualname__", "<")
    if module is None or "<" in name or getattr(sys.modules.get(module), name, None) is not function:
        return None
    return "%s:%s" % (module, name)


def _literal(words: List[str]) -> List[str]:
    return [_escaped(word) for word in words]


def _escaped(text: str) -> str:
    """Text in which a sweep file finds no placeholder."""
    return text.replace("$", "$$")


def _sweep_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._")[:128] or "pipeline"


def note_run(run: Dict[str, Any], batch: Batch, configs: Optional[List[Dict[str, Any]]]) -> None:
    """A directory as ztxexp's analysis reads it: what is known here of a run that was elsewhere."""
    directory = batch.results_root / run["ref"]
    directory.mkdir(parents=True, exist_ok=True)
    status = _STATUS.get(run["state"], "failed")
    config = _nested(run["params"]) if configs is None else configs[int(run["index"]) - 1]
    started, finished = _time(run.get("startedAt")), _time(run.get("finishedAt"))
    record = {
        "schema_version": 2,
        "run_id": run["ref"],
        "status": status,
        "started_at": _iso(started),
        "finished_at": _iso(finished),
        "duration_sec": round((finished - started).total_seconds(), 6) if started and finished else None,
        "error_type": {"skipped": "SkipRun", "cancelled": "Cancelled", "failed": "ExitCode"}.get(run["state"]),
        "error_message": run["reason"] or None if status != "succeeded" else None,
        "experiment_name": batch.meta.experiment_name,
        "group": batch.meta.group,
        "tags": batch.meta.tags,
        "parent_run_id": batch.meta.parent_run_id,
        "attempt": max(1, int(run["attempt"])),
        "retry_count": max(0, int(run["attempt"]) - 1),
    }
    _write_json(directory / "config.json", config)
    if run["metrics"]:
        _write_json(directory / "metrics.json", {key: _number(value) for key, value in run["metrics"].items()})
    # Last: who sees its status finds the rest in place.
    _write_json(directory / "run.json", record)


def _nested(params: Dict[str, Any]) -> Dict[str, Any]:
    """Parameters by dotted names, as the dicts that they were."""
    config: Dict[str, Any] = {}
    for path, value in params.items():
        *tables, last = path.split(".")
        table = config
        for name in tables:
            table = table.setdefault(name, {})
        table[last] = value
    return config


def _write_json(path: Path, value: Any) -> None:
    temporary = path.with_name("." + path.name)
    temporary.write_text(json.dumps(value, indent=2, ensure_ascii=False), encoding="utf-8")
    os.replace(str(temporary), str(path))


def _number(value: Any) -> Any:
    return float(value) if value in ("NaN", "Infinity", "-Infinity") else value


def _time(text: Optional[str]) -> Optional[datetime]:
    if not text:
        return None
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)


def _iso(time: Optional[datetime]) -> Optional[str]:
    return time.isoformat(timespec="microseconds") if time else None
