"""Reads what `exp export` wrote with the programs that it is for, and prints what they found, as JSON."""

import json
import sys
from pathlib import Path

import openpyxl
import pyarrow.parquet
from experiment_manager.core.experiment import Experiment
from ztxexp.analyzer import ResultAnalyzer
from ztxexp.manager import ExpManager


def read_exp(root):
    found = []
    for path in sorted(root.iterdir()):
        experiment = Experiment.load_from_dir(path)
        frame = experiment.load_metrics_df()
        summary = experiment.get_summary()
        found.append(
            {
                "name": experiment.name,
                "status": summary["status"],
                # Without any metrics EXP gives an empty list.
                "columns": list(frame.columns) if len(frame) else [],
                "rows": len(frame),
            }
        )
    return found


def read_ztxexp(root, configs):
    analyzer = ResultAnalyzer(root)
    frame = analyzer.to_dataframe()
    curves = analyzer.to_curve_dataframe("acc")
    manager = ExpManager({})
    manager.variants(configs)
    manager.exclude_completed(root)
    table = root.parent / "pivot.xlsx"
    analyzer.to_pivot_excel(table, frame, ["lr"], ["model"], ["acc"])
    return {
        "succeeded": len(analyzer.to_records()),
        "frame": list(frame.columns),
        "curves": len(curves),
        "wouldClean": [Path(path).name for path in analyzer.clean_results(dry_run=True, confirm=False)],
        "todo": manager.build(),
        "pivot": [list(row) for row in openpyxl.load_workbook(table).active.iter_rows(values_only=True)],
    }


def read_parquet(path):
    table = pyarrow.parquet.read_table(path)
    return {"schema": {field.name: str(field.type) for field in table.schema}, "rows": table.to_pylist()}


def main():
    root = Path(sys.argv[1])
    sheet = openpyxl.load_workbook(root / "runs.xlsx").active
    rows = [list(row) for row in sheet.iter_rows(values_only=True)]
    formulas = sum(cell.data_type == "f" for row in sheet.iter_rows() for cell in row)
    real, sys.stdout = sys.stdout, sys.stderr
    found = {
        "exp": read_exp(root / "exp"),
        "ztxexp": read_ztxexp(root / "ztxexp", json.loads(sys.argv[2])),
        "xlsx": rows,
        "formulas": formulas,
        "parquet": read_parquet(root / "runs.parquet"),
    }
    # NaN goes out as a text: it is no JSON.
    json.dump(json.loads(json.dumps(found, default=str), parse_constant=str), real)


main()
