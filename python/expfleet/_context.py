"""What a program may know about its run: its configuration, its names and directories, its final values."""

from __future__ import annotations

import os
from _collections_abc import Mapping

from ._events import rank, safe, writer
from ._values import halves, scalars

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterator, Optional


class Config(Mapping):  # type: ignore[type-arg]
    """Read-only parameters; ``config.optim.lr`` and ``config["optim"]["lr"]`` are the same. Empty outside a run."""

    def __init__(self, values: Optional[Dict[str, Any]] = None) -> None:
        object.__setattr__(self, "_values", values)

    def _load(self) -> Dict[str, Any]:
        if self._values is None:
            object.__setattr__(self, "_values", _read_config())
        return self._values  # type: ignore[no-any-return]

    def __getitem__(self, key: str) -> Any:
        value = self._load()[key]
        return Config(value) if isinstance(value, dict) else value

    def __getattr__(self, key: str) -> Any:
        if key.startswith("__"):
            raise AttributeError(key)
        try:
            return self[key]
        except KeyError:
            known = ", ".join(map(str, self._load())) or "none"
            raise AttributeError("no parameter %r; known: %s" % (key, known)) from None

    def __setattr__(self, key: str, value: Any) -> None:
        raise AttributeError("the configuration of a run is read-only")

    def __iter__(self) -> Iterator[str]:
        return iter(self._load())

    def __len__(self) -> int:
        return len(self._load())

    def __repr__(self) -> str:
        return "Config(%r)" % (self._load(),)

    def __reduce__(self) -> Any:
        return Config, (self._load(),)

    def as_dict(self) -> Dict[str, Any]:
        """A copy made of plain dicts, lists, texts and numbers."""
        from copy import deepcopy

        return deepcopy(self._load())


class Run:
    """The run this program is; false, with None everywhere, outside a run."""

    def __bool__(self) -> bool:
        return bool(os.environ.get("EXP_RUN_ID"))

    def __repr__(self) -> str:
        return "Run(%s)" % (self.name or "none")

    @property
    def id(self) -> Optional[str]:
        return _text("EXP_RUN_ID")

    @property
    def name(self) -> Optional[str]:
        """Handle such as "digits.1.4"."""
        return _text("EXP_RUN_NAME")

    @property
    def sweep(self) -> Optional[str]:
        return _text("EXP_SWEEP")

    @property
    def dir(self) -> Optional[str]:
        return _text("EXP_RUN_DIR")

    @property
    def artifact_dir(self) -> Optional[str]:
        return _text("EXP_ARTIFACT_DIR")

    @property
    def checkpoint_dir(self) -> Optional[str]:
        return _text("EXP_CHECKPOINT_DIR")

    @property
    def resume_from(self) -> Optional[str]:
        """The last checkpoint of an earlier attempt, on this host: a file or a folder, as it was registered."""
        return _text("EXP_RESUME_FROM")

    @property
    def attempt(self) -> Optional[int]:
        """From 1."""
        return _number("EXP_ATTEMPT")

    @property
    def seed(self) -> Optional[int]:
        return _number("EXP_SEED")

    @property
    def url(self) -> Optional[str]:
        return _text("EXP_URL")


class Summary(dict):  # type: ignore[type-arg]
    """Final values of the run; the last write of each wins."""

    def __setitem__(self, key: Any, value: Any) -> None:
        self.update({key: value})

    def __ior__(self, other: Any) -> Summary:  # type: ignore[override, misc, unused-ignore]
        self.update(other)
        return self

    def setdefault(self, key: Any, default: Any = None) -> Any:
        if key not in self:
            self[key] = default
        return self.get(key, default)

    @safe
    def update(self, *args: Any, **kwargs: Any) -> None:
        values = dict(*args, **kwargs)
        super().update(values)
        if rank() == 0:
            _write_summary(scalars(values))


def _write_summary(values: Dict[str, Any]) -> None:
    try:
        writer.emit("u", {"v": values}, tuple(values))
    except ValueError:
        if len(values) < 2:
            raise
        for half in halves(values):
            _write_summary(half)


@safe
def _parse_config(path: str) -> Any:
    import json

    with open(path, encoding="utf-8") as file:
        return json.load(file)


def _read_config() -> Dict[str, Any]:
    path = os.environ.get("EXP_CONFIG")
    values = _parse_config(path) if path else None
    return values if isinstance(values, dict) else {}


def _text(variable: str) -> Optional[str]:
    return os.environ.get(variable) or None


def _number(variable: str) -> Optional[int]:
    try:
        return int(os.environ.get(variable, ""))
    except ValueError:
        return None


config = Config()
run = Run()
summary = Summary()
