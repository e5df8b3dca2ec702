"""A tiny path language into JSON: dotted names, `[n]` and `[name=value]`. Nothing is computed.

data.object.lines.data[0].period.end
meta_data[key=external_id].value      the first item of a list whose `key` is `external_id`
"""

from __future__ import annotations

import re
from typing import Any, Final

#: What a path looks like; also told in the API's documentation.
PATH: Final = (
    r"^[A-Za-z0-9_-]{1,64}"
    r"(?:\.[A-Za-z0-9_-]{1,64}|\[[0-9]{1,3}\]|\[[A-Za-z0-9_-]{1,64}=[A-Za-z0-9_:.@-]{1,128}\])*$"
)
LENGTH_MAX: Final = 200
_STEP: Final = re.compile(
    r"\[(?P<index>[0-9]+)\]|\[(?P<name>[^=\]]+)=(?P<value>[^\]]+)\]|\.?(?P<member>[A-Za-z0-9_-]+)"
)


def value_at(payload: object, path: str) -> Any:  # noqa: ANN401 - JSON is anything
    """Return what stands at *path*; None where nothing does, and where null does."""
    found: Any = payload
    for step in _STEP.finditer(path):
        found = _below(found, step)
        if found is None:
            return None
    return found


def _below(value: Any, step: re.Match[str]) -> Any:  # noqa: ANN401 - JSON is anything
    if step["member"] is not None:
        return value.get(step["member"]) if isinstance(value, dict) else None
    if not isinstance(value, list):
        return None
    if step["index"] is not None:
        place = int(step["index"])
        return value[place] if place < len(value) else None
    named = (it for it in value if isinstance(it, dict) and it.get(step["name"]) == step["value"])
    return next(named, None)
