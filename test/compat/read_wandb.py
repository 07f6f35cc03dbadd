"""Prints what lies in the files of W&B's offline runs below a directory, in the order in which they were begun."""

import glob
import json
import os
import sys

from wandb.proto import wandb_internal_pb2

BLOCK = 32768


def records(path):
    """The format of LevelDB's log behind a header of seven bytes: pieces with checksum, length and type, in blocks."""
    data = open(path, "rb").read()
    at, whole = 7, b""
    while at + 7 <= len(data):
        if BLOCK - at % BLOCK < 7:
            at += BLOCK - at % BLOCK
            continue
        length = int.from_bytes(data[at + 4 : at + 6], "little")
        kind = data[at + 6]
        whole += data[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):
            yield whole
            whole = b""


runs = []
for path in sorted(glob.glob(sys.argv[1] + "/wandb/offline-run-*/*.wandb"), key=os.path.getmtime):
    run = {"rows": [], "exit": None, "summary": {}}
    for data in records(path):
        record = wandb_internal_pb2.Record()
        record.ParseFromString(data)
        kind = record.WhichOneof("record_type")
        if kind == "run":
            config = {item.key: json.loads(item.value_json) for item in record.run.config.update}
            config.pop("_wandb", None)
            run.update(id=record.run.run_id, name=record.run.display_name, project=record.run.project)
            run.update(group=record.run.run_group, tags=list(record.run.tags), notes=record.run.notes)
            if config:
                run["config"] = config
        if kind == "history":
            row = {"/".join(item.nested_key) or item.key: json.loads(item.value_json) for item in record.history.item}
            row.setdefault("_step", record.history.step.num)
            run["rows"].append(row)
        if kind == "summary":
            for item in record.summary.update:
                run["summary"]["/".join(item.nested_key) or item.key] = json.loads(item.value_json)
        if kind == "exit":
            run["exit"] = record.exit.exit_code
    runs.append(run)
print(json.dumps(runs).replace("NaN", "null"))
