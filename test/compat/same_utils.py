"""What ztxexp's helpers give and what ours give for the same calls: pairs by name, as JSON. Its argument is a directory."""

import argparse
import importlib
import json
import sys
from pathlib import Path

ROOT = Path(sys.argv[1])
NESTED = {"a": {"b": 1, "c": {"d": [1, {"x": 2}]}}, "e": {}, 3: None}
ODD = ' a:b/c\\d*e?"f"<g>|h\x00i  j__k.. '


def calls(utils, folder):
    folder.mkdir(parents=True)
    state = {"n": 0}

    def flaky(limit):
        state["n"] += 1
        if state["n"] < limit:
            raise OSError("not yet")
        return state["n"]

    (folder / "mixed.jsonl").write_text('{"a": 1}\n\n{"b": NaN}\nbroken\n')
    yield "flatten", lambda: utils.flatten_dict(NESTED)
    yield "flatten, other separator", lambda: utils.flatten_dict(NESTED, "p", "/")
    yield "unflatten", lambda: utils.unflatten_dict({"a.b": 1, "a.c.d": 2, "e": {"f": 1}})
    yield "conflict", lambda: utils.unflatten_dict({"a": 1, "a.b": 2})
    yield "conflict, the other way", lambda: utils.unflatten_dict({"a.b": 2, "a": 1})
    yield "merge", lambda: utils.deep_merge_dicts({"a": {"x": 1, "y": 2}, "b": 1, "c": {"z": 1}}, {"a": {"y": 3}, "b": {"q": 1}, "c": 5})
    yield "diff", lambda: utils.dict_diff({"a": {"x": 1, "y": 2}, "b": 1}, {"a": {"x": 1, "y": 3}, "c": [1]})
    yield "plain", lambda: [utils.as_plain_dict(each) for each in ({"a": 1}, argparse.Namespace(lr=0.1))]
    yield "not plain", lambda: utils.as_plain_dict(5)
    for name, config in {"ints": {"b": 1, "a": {"c": (1, 2)}}, "floats": {"b": 1.0}, "odd": {"p": Path("/x"), "s": {2, 1}, "ü": None}}.items():
        yield "hash, %s" % name, lambda config=config: [utils.config_to_hash(config), utils.config_to_hash(config, length=20)]
    for text in (ODD, "", "...", "model:tiny/lr=1e-3", "x" * 200):
        yield "file %r" % text[:30], lambda text=text: [utils.sanitize_filename(text), utils.sanitize_filename(text, "-", 7)]
    yield "file of no length", lambda: utils.sanitize_filename("a", max_length=0)
    yield "run", lambda: utils.build_run_name({"model": "tiny", "lr": 0.001}, keys=["model", "lr", "gone"])
    yield "run, all keys", lambda: utils.build_run_name({"z": 1, "a": "x/y"}, prefix="p q")
    yield "run, long", lambda: utils.build_run_name({"k%d" % i: "v" * 30 for i in range(9)}, max_length=60, hash_length=6)
    yield "batches", lambda: [utils.split_batches([1, 2, 3, 4, 5], 2), utils.split_batches([], 3)]
    yield "no batches", lambda: utils.split_batches([1], 0)
    yield "retry", lambda: utils.retry_call(flaky, 3, max_attempts=3)
    yield "retry in vain", lambda: utils.retry_call(flaky, 99, max_attempts=2, retry_exceptions=(OSError,))
    yield "retry of nothing", lambda: utils.retry_call(flaky, 1, max_attempts=0)
    yield "no waiting backwards", lambda: utils.retry_call(flaky, 1, wait_sec=-1)
    yield "json", lambda: written(utils.save_json, {"a": "ü", "p": Path("/x")}, folder / "d/a.json")
    yield "json, at once", lambda: written(utils.save_json_atomic, {"a": [1.0]}, folder / "e/a.json", 4)
    yield "text", lambda: written(lambda text, path: utils.write_text_atomic(path, text), "ü\n", folder / "t.txt")
    yield "nothing left over", lambda: sorted(str(each.relative_to(folder)) for each in folder.rglob("*"))
    yield "no json", lambda: [utils.load_json(folder / "gone"), utils.load_jsonl(folder / "gone")]
    yield "lines", lambda: [utils.append_jsonl(folder / "l/x.jsonl", {"a": i, "s": "ü"}) for i in range(2)] and (folder / "l/x.jsonl").read_text()
    yield "lines read", lambda: utils.load_jsonl(folder / "l/x.jsonl")
    yield "lines, some read", lambda: utils.load_jsonl(folder / "mixed.jsonl", skip_invalid=True)
    yield "lines, one broken", lambda: utils.load_jsonl(folder / "mixed.jsonl")
    yield "time", lambda: [utils.format_time_delta(each) for each in (0, 59.9, 3725, 90061)]
    yield "now", lambda: utils.utc_now_iso()[-6:]
    yield "folders", lambda: sorted(each.name for each in utils.get_subdirectories(folder))


def written(write, data, path, *more):
    write(data, path, *more)
    return path.read_text(encoding="utf-8")


def outcome(call):
    try:
        return repr(call())
    except Exception as error:
        return "%s: %s" % (type(error).__name__, "" if isinstance(error, (TypeError, json.JSONDecodeError)) else error)


theirs, ours = (
    {name: outcome(call) for name, call in calls(importlib.import_module(module), ROOT / module)}
    for module in ("ztxexp.utils", "expfleet.ztxexp.utils")
)
print(json.dumps({name: [theirs[name], ours[name]] for name in theirs}))
