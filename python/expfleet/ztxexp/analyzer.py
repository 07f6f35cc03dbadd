"""ztxexp's analysis but for pivots in workbooks and the removal of runs; what needs pandas asks for it."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple, Union

from .types import MetricEvent

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
        for directory, run in self._runs(statuses, experiment_name, group, tags):
            record = _record(directory, run, metrics_filename)
            if record is not None:
                records.append(record)
        return records

    def to_metric_events(
        self,
        statuses: Optional[Sequence[str]] = ("succeeded",),
        metrics_stream_filename: str = "metrics.jsonl",
        experiment_name: Optional[str] = None,
        group: Optional[str] = None,
        tags: Any = None,
    ) -> List[MetricEvent]:
        """Every point of the runs that has a step, a time and numbers; other lines are passed over."""
        events = []
        for directory, _ in self._runs(statuses, experiment_name, group, tags):
            for line in _lines(directory / metrics_stream_filename):
                step, at = line.get("step"), line.get("timestamp")
                if not isinstance(step, int) or not isinstance(at, str) or not isinstance(line.get("metrics"), dict):
                    continue
                try:
                    numbers = {key: float(value) for key, value in line["metrics"].items()}
                except (TypeError, ValueError):
                    continue
                split, phase = str(line.get("split", "train")), str(line.get("phase", "fit"))
                events.append(MetricEvent(step=step, timestamp=at, metrics=numbers, split=split, phase=phase))
        return events

    def to_curve_dataframe(
        self,
        metric_key: Optional[str] = None,
        statuses: Optional[Sequence[str]] = ("succeeded",),
        metrics_stream_filename: str = "metrics.jsonl",
        experiment_name: Optional[str] = None,
        group: Optional[str] = None,
        tags: Any = None,
    ) -> Any:
        """Curves as a pandas DataFrame: run_id, timestamp, step, split, phase, and the metric, or all of them."""
        import pandas  # type: ignore[import-not-found, import-untyped, unused-ignore]

        rows = []
        for directory, run in self._runs(statuses, experiment_name, group, tags):
            for line in _lines(directory / metrics_stream_filename):
                metrics = line.get("metrics")
                if not isinstance(metrics, dict) or (metric_key and metric_key not in metrics):
                    continue
                row: Dict[str, Any] = {"run_id": str(run.get("run_id") or directory.name)}
                row.update(timestamp=line.get("timestamp"), step=line.get("step"))
                row.update(split=line.get("split", "train"), phase=line.get("phase", "fit"))
                rows.append({**row, **({metric_key: metrics[metric_key]} if metric_key else metrics)})
        return pandas.DataFrame(rows)

    def clean_results(
        self,
        statuses: Optional[Sequence[str]] = ("failed", "running", "skipped"),
        predicate: Optional[Callable[[Dict[str, Any]], bool]] = None,
        dry_run: bool = True,
        metrics_filename: str = "metrics.json",
        confirm: bool = True,
    ) -> List[Path]:
        """The directories that would go. Raises RuntimeError without ``dry_run``: nothing is removed here."""
        if not dry_run:
            raise RuntimeError(
                "clean_results only lists here: `exp prune` removes results that the coordinator keeps, and what lies in "
                "%s is yours to remove (or that of the package ztxexp, installed)" % self.results_path
            )
        found = []
        for directory, run in self._runs(None, None, None, None):
            record = _record(directory, run, metrics_filename)
            if record is None:
                continue
            if (statuses is not None and run.get("status") in statuses) or (predicate and predicate(record)):
                found.append(directory)
        print("%d folders would be deleted: %s" % (len(found), ", ".join(each.name for each in found) or "none"))
        return found

    def _runs(
        self, statuses: Optional[Sequence[str]], experiment_name: Optional[str], group: Optional[str], tags: Any
    ) -> Iterator[Tuple[Path, Dict[str, Any]]]:
        wanted = {"experiment_name": experiment_name, "group": group}
        for directory in sorted(self.results_path.iterdir()):
            run = _read(directory / "run.json")
            if not isinstance(run, dict) or run.get("schema_version") != 2:
                continue
            if statuses is not None and run.get("status") not in statuses:
                continue
            if all(not value or run.get(key) == value for key, value in wanted.items()) and _tagged(run, tags):
                yield directory, run

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


def _record(directory: Path, run: Dict[str, Any], metrics_filename: str) -> Optional[Dict[str, Any]]:
    config = _read(directory / "config.json")
    if not isinstance(config, dict):
        return None
    metrics = _read(directory / metrics_filename)
    return {**config, **(metrics if isinstance(metrics, dict) else {}), **run, "run_dir": str(directory.resolve())}


def _lines(path: Path) -> Iterator[Dict[str, Any]]:
    """Objects of a file with one on each line; what is none is passed over."""
    try:
        file = open(path, encoding="utf-8", errors="replace")
    except OSError:
        return
    with file:
        for text in file:
            try:
                read = json.loads(text)
            except ValueError:
                continue
            if isinstance(read, dict):
                yield read


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
