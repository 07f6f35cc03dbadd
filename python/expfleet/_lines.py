"""The one line that is written most, made without the JSON encoder: a metric event of plain numbers.

What is not of that form (texts, NaN, tensors, names that are no text) is left to the encoder, which takes three times
as long.
"""

from __future__ import annotations

from ._events import encode
from ._values import NAME_CHARS_MAX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Optional

_INT_MIN = -(2**63)
_INT_MAX = 2**63 - 1
_NAMES_MAX = 64
_TEMPLATES_MAX = 256

#: The line by its names and context, with places for time, step and values.
_templates: Dict[Any, str] = {}


def metric_line(at: float, step: int, values: Any, context: Dict[str, Any]) -> Optional[bytes]:
    """The line of a metric event; None where it is for the encoder."""
    if values.__class__ is not dict or step.__class__ is not int or not _INT_MIN <= step <= _INT_MAX:
        return None
    numbers = values.values()
    for number in numbers:
        if number.__class__ is float:
            # False for NaN and the infinities.
            if number - number != 0.0:
                return None
        elif number.__class__ is not int or not _INT_MIN <= number <= _INT_MAX:
            return None
    key = (tuple(values), tuple(context.items())) if context else tuple(values)
    try:
        template = _templates.get(key)
    except TypeError:
        return None  # A context that cannot be a key.
    if template is None:
        template = _template(values, context)
        if template is None:
            return None
        if len(_templates) >= _TEMPLATES_MAX:
            _templates.clear()
        _templates[key] = template
    return (template % (at, step, *numbers)).encode("ascii")


def _template(values: Dict[Any, Any], context: Dict[str, Any]) -> Optional[str]:
    texts = [*values, *context, *context.values()]
    if len(texts) > _NAMES_MAX or not all(text.__class__ is str and len(text) <= NAME_CHARS_MAX for text in texts):
        return None
    cells = ",".join("%s:%%r" % _escaped(name) for name in values)
    said = ',"c":%s' % _escaped(context) if context else ""
    template = '{"e":"m","t":%%.3f,"s":%%d,"v":{%s}%s}\n' % (cells, said)
    return template if len(template) < 32 * 1024 else None


def _escaped(value: Any) -> str:
    return encode(value).replace("%", "%%")
