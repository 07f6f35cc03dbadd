"""Says a list of configurations as a sweep: what is the same in all as its base, the rest as a grid or as variants."""

from __future__ import annotations

import itertools
import json
from typing import Any, Dict, List, Tuple

_MISSING = object()


def configs_as_sweep(configs: List[Dict[str, Any]]) -> Dict[str, Any]:
    """``base`` with ``grid`` or ``variants``, and under ``none`` the paths of parameters that are None in all of them.

    Raises TypeError for a value that JSON cannot say, and for None that is not the same in all configurations.
    """
    sayable = [_Sayable(config) for config in configs]
    nones = sayable[0].nones
    if any(each.nones != nones for each in sayable):
        raise TypeError("a parameter is None in some configurations only; give it a value such as 'none' for the fleet")
    values = [each.values for each in sayable]
    base = {key: value for key, value in values[0].items() if all(_same(each.get(key, _MISSING), value) for each in values)}
    rest = [{key: value for key, value in each.items() if key not in base} for each in values]
    spec: Dict[str, Any] = {"base": base, "none": sorted(nones)}
    grid = _as_grid(rest)
    if grid is not None:
        spec["grid"] = grid
    else:
        spec["variants"] = [{"base": each} for each in rest]
    return spec


def _as_grid(configs: List[Dict[str, Any]]) -> Any:
    """Axes whose product, the last one fastest, is exactly this list; None where there are none."""
    if not configs[0]:
        return {} if len(configs) == 1 else None
    axes: Dict[str, List[Any]] = {}
    for key in configs[0]:
        values: List[Any] = []
        for config in configs:
            value = config.get(key, _MISSING)
            if not any(_same(value, each) for each in values):
                values.append(value)
        axes[key] = values
    product = itertools.product(*axes.values())
    if all(_same(config, dict(zip(axes, values))) for config, values in itertools.zip_longest(configs, product)
           if config is not None and values is not None) and _size(axes) == len(configs):
        return axes
    return None


def _size(axes: Dict[str, List[Any]]) -> int:
    size = 1
    for values in axes.values():
        size *= len(values)
    return size


def _same(a: Any, b: Any) -> bool:
    """As JSON: 1, 1.0 and True are three values."""
    return a is b or (a is not _MISSING and b is not _MISSING and json.dumps(a) == json.dumps(b))


class _Sayable:
    """A configuration as a sweep can say it."""

    def __init__(self, config: Dict[str, Any]) -> None:
        #: JSON texts of the paths of what is None.
        self.nones: List[str] = []
        self.values = self._table(config, ())

    def _table(self, table: Dict[str, Any], path: Tuple[str, ...]) -> Dict[str, Any]:
        said = {}
        for key, value in table.items():
            if not isinstance(key, str):
                raise TypeError("the parameter name %r is no text" % (key,))
            here = (*path, key)
            if value is None:
                self.nones.append(json.dumps(here))
            elif isinstance(value, dict):
                said[key] = self._table(value, here)
            else:
                said[key] = _value(value, ".".join(here))
        return said


def _value(value: Any, name: str) -> Any:
    if isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [_value(each, name) for each in value]
    if hasattr(value, "__fspath__"):
        return str(value)
    if hasattr(value, "item"):
        return _value(value.item(), name)
    raise TypeError("parameter %s: %r cannot be sent to the fleet; use texts, numbers, booleans and lists" % (name, value))
