"""Values of any library as an event can hold them."""

from __future__ import annotations

from math import isfinite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Tuple

#: Characters kept of a text value, and of a name.
TEXT_CHARS_MAX = 1024
NAME_CHARS_MAX = 256


def scalar(value: Any) -> Any:
    """A value as JSON can say it: finite numbers, booleans and None as they are, all else as text."""
    kind = type(value)
    if kind is float and isfinite(value) or kind is bool or value is None:
        return value
    if isinstance(value, float):
        value = float(value)
        return value if isfinite(value) else _non_finite(value)
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return int(value)
    if isinstance(value, str):
        return str.__str__(value)[:TEXT_CHARS_MAX]
    # 0-d arrays and tensors of any library; this waits for the device that computes them.
    for convert in (_item, float):
        try:
            return scalar(convert(value))
        except Exception:
            continue  # Not of this form: the next one, and text in the end.
    try:
        return str(value)[:TEXT_CHARS_MAX]
    except Exception:
        return "<%s>" % type(value).__name__


def scalars(values: Any) -> Dict[str, Any]:
    """A mapping of any kind with names as text and values as JSON can say them."""
    return {name(key): scalar(value) for key, value in dict(values).items()}


def number(value: Any, otherwise: int) -> Any:
    """A step as a number; ``otherwise`` where it is none."""
    value = scalar(value)
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else otherwise


def name(key: Any) -> str:
    """A key as text."""
    return str(key)[:NAME_CHARS_MAX]


def halves(values: Dict[str, Any]) -> Tuple[Dict[str, Any], Dict[str, Any]]:
    """The mapping in two parts."""
    items = list(values.items())
    middle = len(items) // 2
    return dict(items[:middle]), dict(items[middle:])


def _item(value: Any) -> Any:
    number = value.item()
    if not isinstance(number, (bool, int, float, str)):
        raise TypeError("not a number")
    return number


def _non_finite(value: float) -> str:
    return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
