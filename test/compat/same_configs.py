"""Builds the same configurations with ztxexp and with its stand-in, and prints both lists for each case, as JSON."""

import argparse
import json
import sys
from pathlib import Path

import expfleet.ztxexp.manager as ours
import ztxexp.manager as theirs

CASES = {
    "nothing": lambda m: m(),
    "namespace": lambda m: m(argparse.Namespace(lr=0.1, n=1)).grid({"n": [2, 3]}),
    "grid": lambda m: m({"seed": 1}).grid({"a": [1, 2], "b": ["x", "y"]}),
    "empty grid": lambda m: m({"seed": 1}).grid({}),
    "empty axis": lambda m: m({"seed": 1}).grid({"a": []}),
    "variants": lambda m: m({"a": 0}).variants([{"a": 1, "o": {"x": 1}}, {"b": 2}]).grid({"c": [1, 2]}),
    "legacy variants": lambda m: m({"a": 0}).add_variants({"a": [1, 2], "b": [3]}),
    "random": lambda m: m().grid({"k": [0, 1]}).random_search({"lr": [0.1, 0.01, 0.001], "m": "ab", "e": []}, 6),
    "random, another seed": lambda m: m().add_random_search({"x": list(range(100))}, 20, seed=2**40),
    "modify in place": lambda m: m().grid({"a": [1, 2]}).modify(lambda c: c.update(b=c["a"] * 2)).where(lambda c: c["b"] > 2),
    "modify anew": lambda m: m().grid({"a": [1, 2]}).add_modifier(lambda c: {"z": c["a"]}).add_filter(lambda c: c["z"] < 2),
    "completed": lambda m: m().grid({"a": [1, 2, 3, 4], "t": [(1, 2), [1]]}).filter_completed(ROOT),
    "completed but for": lambda m: m().grid({"a": [1, 2, 9]}).exclude_completed(ROOT, ignore_keys=["t"]),
}

ROOT = Path(sys.argv[1])
for name, run, config in (
    ("one", {"schema_version": 2, "status": "succeeded"}, {"a": 1.0, "t": [1, 2]}),
    ("two", {"schema_version": 2, "status": "failed"}, {"a": 2, "t": [1]}),
    ("three", {"schema_version": "2", "status": "succeeded"}, {"a": 3, "t": [1]}),
    ("four", {"schema_version": 2, "status": "succeeded"}, {"a": True, "t": [1]}),
):
    (ROOT / name).mkdir()
    (ROOT / name / "run.json").write_text(json.dumps(run))
    (ROOT / name / "config.json").write_text(json.dumps(config))

print(json.dumps({name: [case(m.ExpManager).build() for m in (theirs, ours)] for name, case in CASES.items()}))
