"""The part of ztxexp's analysis that needs no other package; what needs pandas asks for it."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Union

__all__ = ["ResultAnalyzer"]


class ResultAnalyzer:
    """Reads a directory of runs. Raises FileNotFoundError where there is none."""

    def __init__(self, results_path: Union[str, Path]) -> None:
        self.results_path = Path(results_path)
        if not self.results_path.exists():
            raise FileNotFoundError("Results path does not exist: %s" % self.results_path)

    def to_records(
        self,
        statuses: Optional[Sequence[str]] = ("succeeded",),
        metrics_filename: str = "metrics.json",
        experiment_name: Optional[str] = None,
        group: Optional[str] = None,
        tags: Any = None,
    ) -> List[Dict[str, Any]]:
        """Of each run its configuration, final metrics and state in one dict; the later ones win."""
        records = []
        for directory in sorted(self.results_path.iterdir()):
            run = _read(directory / "run.json")
            config = _read(directory / "config.json")
            if not isinstance(run, dict) or run.get("schema_version") != 2 or not isinstance(config, dict):
                continue
            metrics = _read(directory / metrics_filename)
            record = {**config, **(metrics if isinstance(metrics, dict) else {}), **run}
            record["run_dir"] = str(directory.resolve())
            wanted = {"experiment_name": experiment_name, "group": group}
            if statuses is not None and run.get("status") not in statuses:
                continue
            if all(value is None or run.get(key) == value for key, value in wanted.items()) and _tagged(run, tags):
                records.append(record)
        return records

    def to_dataframe(self, **kwargs: Any) -> Any:
        """The records as a pandas DataFrame."""
        import pandas  # type: ignore[import-not-found, import-untyped, unused-ignore]

        return pandas.DataFrame(self.to_records(**kwargs))

    def to_csv(self, output_path: Union[str, Path], sort_by: Optional[Sequence[str]] = None, **kwargs: Any) -> None:
        """The records as a CSV. Writes nothing where there is no record."""
        records = self.to_records(**kwargs)
        if not records:
            return
        columns = list(dict.fromkeys(key for record in records for key in record))
        for key in reversed([key for key in sort_by or () if key in columns]):
            records.sort(key=lambda record: (record.get(key) is None, record.get(key)))
        with open(output_path, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(records)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError("ResultAnalyzer.%s needs the package ztxexp itself; install it for the analysis" % name)


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None  # A run that is being written, or none at all.


def _tagged(run: Dict[str, Any], wanted: Any) -> bool:
    found = run.get("tags")
    if not wanted:
        return True
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(str(found.get(key)) == str(value) for key, value in wanted.items())
    words = [*found, *found.values()] if isinstance(found, dict) else found or []
    return all(each in words for each in wanted)
