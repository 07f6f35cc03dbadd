"""ztxexp's helpers for configurations, names, JSON files and calls that may fail. Standard library only."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import json
import logging
import os
import random
import re
import shutil
import sys
import tempfile
import time
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple, Type, Union

__all__ = [
    "add_to_sys_path",
    "append_jsonl",
    "as_plain_dict",
    "build_run_name",
    "config_to_hash",
    "create_dir",
    "deep_merge_dicts",
    "delete_dir",
    "dict_diff",
    "flatten_dict",
    "format_time_delta",
    "get_subdirectories",
    "load_json",
    "load_jsonl",
    "retry_call",
    "sanitize_filename",
    "save_json",
    "save_json_atomic",
    "setup_logger",
    "split_batches",
    "timer",
    "unflatten_dict",
    "utc_now_iso",
    "write_text_atomic",
]

AnyPath = Union[str, Path]


def flatten_dict(data: Mapping[str, Any], parent_key: str = "", sep: str = ".") -> Dict[str, Any]:
    """One level with keys joined by ``sep``. An empty mapping within leaves nothing."""
    prefix = parent_key + sep if parent_key else ""
    flat: Dict[str, Any] = {}
    for key, value in data.items():
        if isinstance(value, Mapping):
            flat.update(flatten_dict(value, "%s%s" % (prefix, key), sep))
        else:
            flat["%s%s" % (prefix, key)] = value
    return flat


def unflatten_dict(data: Mapping[str, Any], sep: str = ".") -> Dict[str, Any]:
    """The reverse. Raises ValueError where a path is a value and leads on as well."""
    root: Dict[str, Any] = {}
    for path, value in data.items():
        *way, last = str(path).split(sep)
        table = root
        for step in way:
            table = table.setdefault(step, {})
            if not isinstance(table, dict):
                raise ValueError("Key conflict while unflattening: %s" % path)
        if isinstance(table.get(last), dict):
            raise ValueError("Key conflict while unflattening: %s" % path)
        table[last] = value
    return root


def deep_merge_dicts(base: Mapping[str, Any], override: Mapping[str, Any]) -> Dict[str, Any]:
    """A new dict: dicts on both sides are merged, else ``override`` counts."""
    merged = copy.deepcopy(dict(base))
    for key, value in override.items():
        both = isinstance(merged.get(key), dict) and isinstance(value, Mapping)
        merged[key] = deep_merge_dicts(merged[key], value) if both else copy.deepcopy(value)
    return merged


def dict_diff(left: Mapping[str, Any], right: Mapping[str, Any]) -> Dict[str, Any]:
    """``added``, ``removed`` and ``changed`` by dotted key, in order; a change has ``left`` and ``right``."""
    before, after = flatten_dict(left), flatten_dict(right)
    return {
        "added": {key: after[key] for key in sorted(after.keys() - before.keys())},
        "removed": {key: before[key] for key in sorted(before.keys() - after.keys())},
        "changed": {
            key: {"left": before[key], "right": after[key]}
            for key in sorted(before.keys() & after.keys())
            if before[key] != after[key]
        },
    }


def as_plain_dict(value: Any) -> Dict[str, Any]:
    """A dict of one's own of a mapping, a dataclass or a namespace. Raises TypeError for anything else."""
    if isinstance(value, Mapping):
        return copy.deepcopy(dict(value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if hasattr(value, "__dict__"):
        return copy.deepcopy(vars(value))
    raise TypeError("Cannot convert type '%s' to dict." % type(value).__name__)


def config_to_hash(config: Mapping[str, Any], length: int = 8) -> str:
    """The first letters of a SHA-256 over the configuration; the order of keys does not matter."""
    text = json.dumps(config, sort_keys=True, default=_as_json)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:length]


def sanitize_filename(name: str, replacement: str = "_", max_length: int = 128) -> str:
    """A name for files on any system. Raises ValueError for a length below 1."""
    if max_length < 1:
        raise ValueError("max_length must be >= 1")
    text = re.sub(r'[<>:"/\\|?*\x00-\x1F]+', replacement, name).strip().strip(".")
    text = re.sub(r"\s+", replacement, text)
    if replacement:
        text = re.sub("(?:%s)+" % re.escape(replacement), replacement, text)
    return text[:max_length].strip(replacement or None) or "untitled"


def build_run_name(
    config: Mapping[str, Any],
    keys: Optional[Sequence[str]] = None,
    prefix: str = "run",
    max_length: int = 120,
    hash_length: int = 8,
) -> str:
    """``prefix_key-value_..._hash``; where that is too long, the hash stays."""
    digest = config_to_hash(dict(config), hash_length)
    named = [key for key in (sorted(config) if keys is None else keys) if key in config]
    words = [sanitize_filename("%s-%s" % (key, config[key]), max_length=40) for key in named]
    name = "_".join([sanitize_filename(prefix, max_length=20), *words, digest])
    room = max_length - hash_length - 1
    return name if len(name) <= max_length else "%s_%s" % (sanitize_filename(name[:room], max_length=room), digest)


def split_batches(items: Sequence[Any], batch_size: int) -> List[List[Any]]:
    """Parts of that size, the last one shorter. Raises ValueError for a size of 0 or less."""
    if batch_size <= 0:
        raise ValueError("batch_size must be > 0")
    return [list(items[start : start + batch_size]) for start in range(0, len(items), batch_size)]


def write_text_atomic(file_path: AnyPath, text: str, encoding: str = "utf-8") -> None:
    """The file is the old or the new one, whatever happens meanwhile."""
    path = _made_room(file_path)
    handle, temporary = tempfile.mkstemp(prefix=".%s." % path.name, suffix=".tmp", dir=str(path.parent))
    try:
        with os.fdopen(handle, "w", encoding=encoding) as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, str(path))
    except BaseException:
        try:
            os.unlink(temporary)
        except OSError:
            pass  # It was moved, or somebody removed it.
        raise


def save_json(data: Mapping[str, Any], file_path: AnyPath, indent: int = 2) -> None:
    write_text_atomic(file_path, json.dumps(data, ensure_ascii=False, indent=indent, default=_as_json))


def save_json_atomic(data: Mapping[str, Any], file_path: AnyPath, indent: int = 2) -> None:
    save_json(data, file_path, indent)


def load_json(file_path: AnyPath) -> Optional[Dict[str, Any]]:
    """None where there is no file, or no object in it. Raises ValueError for what is no JSON."""
    path = Path(file_path)
    data = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
    return data if isinstance(data, dict) else None


def append_jsonl(file_path: AnyPath, record: Mapping[str, Any]) -> None:
    with open(_made_room(file_path), "a", encoding="utf-8") as file:
        file.write(json.dumps(record, ensure_ascii=False, default=_as_json) + "\n")


def load_jsonl(file_path: AnyPath, skip_invalid: bool = False) -> List[Dict[str, Any]]:
    """The objects of the lines; none where there is no file. Raises ValueError for other lines, unless they are skipped."""
    records: List[Dict[str, Any]] = []
    if not Path(file_path).exists():
        return records
    with open(file_path, encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
                if not isinstance(record, dict):
                    raise ValueError("JSONL line %d is not an object." % number)
            except ValueError:
                if skip_invalid:
                    continue
                raise
            records.append(record)
    return records


def retry_call(
    fn: Callable[..., Any],
    *args: Any,
    max_attempts: int = 3,
    wait_sec: float = 0.0,
    backoff: float = 1.0,
    jitter_sec: float = 0.0,
    retry_exceptions: Tuple[Type[BaseException], ...] = (Exception,),
    **kwargs: Any,
) -> Any:
    """What ``fn`` returns, tried again after one of these exceptions; the last one is raised."""
    if max_attempts < 1:
        raise ValueError("max_attempts must be >= 1")
    if min(wait_sec, backoff, jitter_sec) < 0:
        raise ValueError("wait_sec/backoff/jitter_sec must be >= 0")
    for attempt in range(1, max_attempts):
        try:
            return fn(*args, **kwargs)
        except retry_exceptions:
            time.sleep(wait_sec * backoff ** (attempt - 1) + random.uniform(0, jitter_sec))
    return fn(*args, **kwargs)


@contextmanager
def timer(name: str, logger: Optional[logging.Logger] = None) -> Iterator[None]:
    """Says how long the block took, unless it raises."""
    started = time.perf_counter()
    yield
    say = logger.info if logger else print
    say("[%s] done in %.4fs" % (name, time.perf_counter() - started))


def format_time_delta(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return "%dh %dm %ds" % (*divmod(minutes, 60), rest)


def utc_now_iso() -> str:
    return datetime.now(timezone.utc).isoformat()


def setup_logger(name: str, log_file: AnyPath, level: int = logging.INFO) -> logging.Logger:
    """A logger that writes to the file and to stderr; one that has handlers stays as it is."""
    logger = logging.getLogger(name)
    logger.setLevel(level)
    logger.propagate = False
    if not logger.handlers:
        form = logging.Formatter("%(asctime)s - %(name)s - %(levelname)s - %(message)s")
        for handler in (logging.FileHandler(str(_made_room(log_file)), encoding="utf-8"), logging.StreamHandler()):
            handler.setFormatter(form)
            logger.addHandler(handler)
    return logger


def add_to_sys_path(path: AnyPath) -> None:
    text = str(Path(path).resolve())
    if text not in sys.path:
        sys.path.insert(0, text)


def create_dir(path: AnyPath) -> None:
    Path(path).mkdir(parents=True, exist_ok=True)


def delete_dir(path: AnyPath) -> None:
    if Path(path).exists():
        shutil.rmtree(str(path))


def get_subdirectories(path: AnyPath) -> List[Path]:
    root = Path(path)
    return [each for each in root.iterdir() if each.is_dir()] if root.is_dir() else []


def __getattr__(name: str) -> Any:
    raise AttributeError("ztxexp.utils.%s needs the package ztxexp itself" % name)


def _made_room(file_path: AnyPath) -> Path:
    path = Path(file_path)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _as_json(value: Any) -> Any:
    """What json does not know: paths as texts, sets in order, objects as their fields."""
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if hasattr(value, "__dict__"):
        return vars(value)
    raise TypeError("Object of type %s is not JSON serializable" % type(value).__name__)
