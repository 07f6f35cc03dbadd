"""Submits the configurations of a pipeline through the command line ``exp``, waits, and has noted what came of them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

from . import execute
from .results import STATUS, Place, note_runs
from .sweep import configs_as_sweep
from .types import RunMetadata, RunSummary

#: Command that is called in place of ``exp``.
CLI_VARIABLE = "EXPFLEET_CLI"
#: Python of the runs, where it is another one than the submitting one.
PYTHON_VARIABLE = "EXPFLEET_PYTHON"

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
    note_runs(lambda out: _export(sweep, out), Place(batch.results_root, batch.meta), runs, configs)
    states = [STATUS.get(each["state"], "failed") for each in runs]
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


def _export(sweep: str, out: str) -> None:
    """Where nothing can be brought, the exit code says so, which is no reason to lose the rest."""
    words = [_cli(), "export", sweep, "--format", "ztxexp", "--out", out, "--quiet"]
    subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False)


def _exp(words: List[str]) -> Any:
    """What the command line prints as JSON. Its messages go to stderr, as they come."""
    ended = subprocess.run([_cli(), *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False)
    if ended.returncode != 0:
        raise RuntimeError("`exp %s` ended with exit code %d" % (" ".join(words[:2]), ended.returncode))
    return json.loads(ended.stdout.decode("utf-8"))


def _cli() -> str:
    command = os.environ.get(CLI_VARIABLE) or "exp"
    program = shutil.which(command)
    if program is None:
        raise RuntimeError(
            "%r is not on PATH: a pipeline is submitted to the fleet through it. Install ExpFleet here, or name the "
            "command in %s; with ztxexp itself installed, pipelines run in this process instead." % (command, CLI_VARIABLE)
        )
    return program


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
