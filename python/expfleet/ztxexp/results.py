"""Leaves the directories of a pipeline's runs in its results root, as ztxexp would have: what the coordinator has of each is
brought by ``exp export``, and what it has not is made of what is known here."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Optional

from .types import RunMetadata

#: How the states of the fleet are called by ztxexp.
STATUS = {"succeeded": "succeeded", "skipped": "skipped", "failed": "failed", "cancelled": "failed"}

#: The last output of a run may still be on its way when it has ended.
_WAIT_SECONDS = 20.0
_REST_SECONDS = 0.5
#: After the name of the run in the name of its directory.
_STAMP = re.compile(r"_\d{4}-\d\d-\d\d__\d\d-\d\d-\d\d$")


class Place(NamedTuple):
    """Where runs are noted, and what is said of all of them."""

    root: Path
    meta: RunMetadata


def note_runs(
    export: Callable[[str], None],
    place: Place,
    runs: List[Dict[str, Any]],
    configs: Optional[List[Dict[str, Any]]],
) -> None:
    """``export`` brings the directories of all runs into a directory. ``configs``: by the number of the run, where they
    are known as they were."""
    with tempfile.TemporaryDirectory(prefix=".brought-", dir=str(place.root)) as stage:
        brought = _bring(export, Path(stage), runs)
        for run in runs:
            config = None if configs is None else configs[int(run["index"]) - 1]
            note_run(run, place, config, brought.get(run["ref"]))


def note_run(
    run: Dict[str, Any], place: Place, config: Optional[Dict[str, Any]] = None, brought: Optional[Path] = None
) -> None:
    """The directory of one run; ``brought`` becomes it. What of it is there from before is replaced."""
    directory = place.root / run["ref"]
    if brought is not None:
        shutil.rmtree(str(directory), ignore_errors=True)
        shutil.copytree(str(brought), str(directory))
    directory.mkdir(parents=True, exist_ok=True)
    for folder in ("artifacts", "checkpoints"):
        (directory / folder).mkdir(exist_ok=True)
    record = _record(run, place.meta)
    _write_json(directory / "config.json", nested(run["params"]) if config is None else config)
    if run["metrics"] and not (directory / "metrics.json").exists():
        _write_json(directory / "metrics.json", {key: _number(value) for key, value in run["metrics"].items()})
    _write_json(directory / "meta.json", _meta(directory / "meta.json", record, place.meta))
    if not (directory / "events.jsonl").exists():
        _write(directory / "events.jsonl", "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in _events(record)))
    (directory / "run.log").touch()
    # Last: who sees its status finds the rest in place.
    _write_json(directory / "run.json", record)


def nested(params: Dict[str, Any]) -> Dict[str, Any]:
    """Parameters by dotted names, as the dicts that they were."""
    config: Dict[str, Any] = {}
    for path, value in params.items():
        *tables, last = path.split(".")
        table = config
        for name in tables:
            table = table.setdefault(name, {})
        table[last] = value
    return config


def _bring(export: Callable[[str], None], stage: Path, runs: List[Dict[str, Any]]) -> Dict[str, Path]:
    """Directories by the name of the run. One that is reused is that of another run, known by its configuration."""
    until = time.monotonic() + _WAIT_SECONDS
    while True:
        export(str(stage))
        found = [each for each in stage.iterdir() if (each / "run.json").is_file()]
        unfinished = [each for each in found if _read(each / "run.json").get("status") == "running"]
        if (not unfinished and len(found) > 0) or time.monotonic() > until:
            break
        for each in unfinished:
            shutil.rmtree(str(each))
        time.sleep(_REST_SECONDS)
    by_name = {_STAMP.sub("", each.name): each for each in found}
    by_config = {_key(_read(each / "config.json")): each for each in found}
    brought = {}
    for run in runs:
        of_run = by_name.get(run["ref"]) or by_config.get(_key(nested(run["params"])))
        if of_run is not None:
            brought[run["ref"]] = of_run
    return brought


def _record(run: Dict[str, Any], meta: RunMetadata) -> Dict[str, Any]:
    status = STATUS.get(run["state"], "failed")
    started, finished = _time(run.get("startedAt")), _time(run.get("finishedAt"))
    return {
        "schema_version": 2,
        "run_id": run["ref"],
        "status": status,
        "started_at": _iso(started),
        "finished_at": _iso(finished),
        "duration_sec": round((finished - started).total_seconds(), 6) if started and finished else None,
        "error_type": {"skipped": "SkipRun", "cancelled": "Cancelled", "failed": "ExitCode"}.get(run["state"]),
        "error_message": run["reason"] or None if status != "succeeded" else None,
        "experiment_name": meta.experiment_name,
        "group": meta.group,
        "tags": meta.tags,
        "parent_run_id": meta.parent_run_id,
        "attempt": max(1, int(run["attempt"])),
        "retry_count": max(0, int(run["attempt"]) - 1),
    }


def _meta(path: Path, record: Dict[str, Any], meta: RunMetadata) -> Dict[str, Any]:
    """What the host said of the run, under the names that the pipeline gave it."""
    whole = {**RunMetadata().to_dict(), "extras": {}, **(_read(path) if path.exists() else {})}
    mine = {key: value for key, value in meta.to_dict().items() if value is not None}
    return {**whole, **mine, "attempt": record["attempt"]}


def _events(record: Dict[str, Any]) -> List[Dict[str, Any]]:
    run = {"run_id": record["run_id"]}
    keys = ("run_id", "status", "error_type", "error_message", "retry_count", "attempt")
    summary = {key: record[key] for key in keys}
    return [
        {"event": "start", **run, "timestamp": record["started_at"]},
        {"event": "end", **run, "timestamp": record["finished_at"], "summary": summary},
    ]


def _key(config: Dict[str, Any]) -> str:
    return json.dumps(_plain(config), sort_keys=True)


def _plain(value: Any) -> Any:
    """With whole numbers alike, however they were written."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _read(path: Path) -> Dict[str, Any]:
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return read if isinstance(read, dict) else {}


def _write_json(path: Path, value: Any) -> None:
    _write(path, json.dumps(value, indent=2, ensure_ascii=False))


def _write(path: Path, text: str) -> None:
    temporary = path.with_name("." + path.name)
    temporary.write_text(text, encoding="utf-8")
    os.replace(str(temporary), str(path))


def _number(value: Any) -> Any:
    return float(value) if value in ("NaN", "Infinity", "-Infinity") else value


def _time(text: Optional[str]) -> Optional[datetime]:
    if not text:
        return None
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)


def _iso(time: Optional[datetime]) -> Optional[str]:
    return time.isoformat(timespec="microseconds") if time else None
