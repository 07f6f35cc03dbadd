"""Leaves notes of runs as a pipeline on the fleet does, and reads them with ztxexp's own analysis."""

import json
import sys
from pathlib import Path

from ztxexp.analyzer import ResultAnalyzer
from ztxexp.manager import ExpManager

import expfleet.ztxexp.analyzer as ours
from expfleet.ztxexp.execute import Retry
from expfleet.ztxexp.fleet import Batch, note_run
from expfleet.ztxexp.types import RunMetadata

root = Path(sys.argv[1])
configs = [{"lr": 0.5, "optim": {"name": "adam"}}, {"lr": 1, "optim": {"name": "adam"}}]
batch = Batch(configs, root, RunMetadata(experiment_name="demo", group="g", tags={"k": "v"}), Retry(1, ()), True)
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
        batch,
        configs,
    )
found = {
    "records": ResultAnalyzer(root).to_records(statuses=None),
    "ours": ours.ResultAnalyzer(root).to_records(statuses=None),
    "tagged": [len(a.ResultAnalyzer(root).to_records(tags={"k": "v"}, group="g")) for a in (ours,)],
    "todo": ExpManager().variants(configs).exclude_completed(root).build(),
}
print(json.dumps(json.loads(json.dumps(found), parse_constant=str)))
