"""Reads a results directory with the published EXP and ztxexp packages and prints what they found, as JSON."""

import json
import sys
from pathlib import Path

from experiment_manager.core.experiment import Experiment
from ztxexp.analyzer import ResultAnalyzer
from ztxexp.manager import ExpManager
from ztxexp.utils import load_jsonl


def read_exp(directory):
    experiment = Experiment.load_from_dir(directory)
    frame = experiment.load_metrics_df()
    return {
        "summary": experiment.get_summary(),
        "description": experiment.description,
        "log": experiment.read_log(),
        "runs": experiment.get_all_runs(),
        "columns": list(frame.columns) if len(frame) else [],
        "rows": json.loads(frame.to_json(orient="values")) if len(frame) else [],
    }


def read_ztxexp(root, configs):
    analyzer = ResultAnalyzer(root)
    curves = analyzer.to_curve_dataframe(statuses=None)
    manager = ExpManager({})
    manager.variants(configs)
    manager.exclude_completed(root)
    return {
        "records": analyzer.to_records(statuses=None),
        "succeeded": [record["run_id"] for record in analyzer.to_records()],
        "grouped": [record["run_id"] for record in analyzer.to_records(statuses=None, group="digits.1")],
        "curves": json.loads(curves.to_json(orient="records")),
        "points": len(analyzer.to_metric_events(statuses=None)),
        "todo": manager.build(),
    }


def resume(directory):
    """What EXP does when a user goes on with an experiment in our directory."""
    stamp = directory.name.rsplit("_", 2)[-2:]
    name = Experiment.load_from_dir(directory).name
    timestamp = directory.name[len(name) + 1 :]
    experiment = Experiment(name, "python again.py", directory.parent, resume=timestamp)
    experiment.upd_row(step=1, loss=0.5)
    experiment.save_row()
    return {"stamp": stamp, "run": experiment.current_run_id, "cwd": str(experiment.cwd), "runs": experiment.get_all_runs()}


def main():
    root = Path(sys.argv[1])
    configs = json.loads(sys.argv[2])
    directories = sorted(path for path in root.iterdir() if path.is_dir())
    found = {
        "exp": {path.name: read_exp(path) for path in directories},
        "ztxexp": read_ztxexp(root, configs),
        "events": {path.name: [row["event"] for row in load_jsonl(path / "events.jsonl")] for path in directories},
    }
    found["resumed"] = resume(directories[0])
    # NaN goes out as a text: it is no JSON.
    json.dump(json.loads(json.dumps(found, default=str), parse_constant=str), sys.stdout)


main()
