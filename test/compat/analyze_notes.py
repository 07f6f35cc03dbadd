"""Leaves notes of runs as a pipeline on the fleet does, and reads them with ztxexp's own analysis."""

import contextlib
import dataclasses
import json
import sys
from pathlib import Path

import ztxexp.analyzer as theirs
from ztxexp.analyzer import ResultAnalyzer
from ztxexp.manager import ExpManager

import expfleet.ztxexp.analyzer as ours
from expfleet.ztxexp.results import Place, note_run
from expfleet.ztxexp.types import RunMetadata

root = Path(sys.argv[1])
configs = [{"lr": 0.5, "optim": {"name": "adam"}}, {"lr": 1, "optim": {"name": "adam"}}]
place = Place(root, RunMetadata(experiment_name="demo", group="g", tags={"k": "v"}))
for index, state in enumerate(("succeeded", "failed"), 1):
    note_run(
        {
            "ref": "demo.1.%d" % index,
            "index": index,
            "state": state,
            "reason": "exit code 1" if state == "failed" else "",
            "attempt": 1,
            "params": {},
            "startedAt": "2026-01-02T03:04:05.006Z",
            "finishedAt": "2026-01-02T03:04:06.006Z",
            "metrics": {"score": "NaN" if state == "failed" else 0.75},
        },
        place,
        configs[index - 1],
    )
(root / "demo.1.1" / "metrics.jsonl").write_text(
    '{"step": 1, "timestamp": "t", "metrics": {"loss": 0.5, "acc": 1}, "split": "valid", "phase": "fit"}\n'
    'broken\n'
    '{"step": 2, "timestamp": "t", "metrics": {"loss": "NaN"}}\n'
    '{"step": "x", "timestamp": "t", "metrics": {"acc": 2}}\n'
)


def analysis(module):
    """What the rest of the analysis says, as texts: frames, points and directories."""
    analyzer = module.ResultAnalyzer(root)
    return [
        repr([dataclasses.asdict(each) for each in analyzer.to_metric_events()]),
        analyzer.to_curve_dataframe().to_csv(),
        analyzer.to_curve_dataframe("acc", group="g").to_csv(),
        analyzer.to_curve_dataframe("gone", group="other").to_csv(),
        repr(sorted(analyzer.clean_results())),
        repr(sorted(analyzer.clean_results(statuses=None, predicate=lambda record: record.get("score") == 0.75))),
    ]


with contextlib.redirect_stdout(sys.stderr):
    analyses = [analysis(theirs), analysis(ours)]
found = {
    "analyses": analyses,
    "files": sorted(str(each.relative_to(root / "demo.1.2")) for each in (root / "demo.1.2").iterdir()),
    "meta": json.loads((root / "demo.1.2" / "meta.json").read_text()),
    "records": ResultAnalyzer(root).to_records(statuses=None),
    "ours": ours.ResultAnalyzer(root).to_records(statuses=None),
    "tagged": [len(a.ResultAnalyzer(root).to_records(tags={"k": "v"}, group="g")) for a in (ours,)],
    "todo": ExpManager().variants(configs).exclude_completed(root).build(),
}
print(json.dumps(json.loads(json.dumps(found), parse_constant=str)))
