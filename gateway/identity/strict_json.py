"""JSON objects from strangers: what two readers could read in two ways is refused."""

from __future__ import annotations

import json
import re
from typing import Any, Final, NoReturn

from gateway.identity.faults import TokenFault

#: Of an integer: more than any date or number in a token needs, and quick to read.
_DIGITS_MAX: Final = 18
#: As deep as bodies of requests may be.
DEPTH_MAX: Final = 32

_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKET: Final = re.compile(r"[\[{\]}]")


def object_of(data: bytes) -> dict[str, Any]:
    """Return the JSON object that *data* is.

    Raises:
        TokenFault: not UTF-8, not JSON, not an object; a member twice, at any depth; NaN, an
            infinity or a huge number; half a surrogate pair; nested deeper than `DEPTH_MAX`.
    """
    try:
        text = data.decode("utf-8")
        _check_depth(text)
        value = json.loads(
            text,
            object_pairs_hook=_members,
            parse_constant=_refuse,
            parse_float=_finite,
            parse_int=_short,
        )
        # A lone surrogate is a text that nothing can write: neither a database nor a log.
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except ValueError:
        raise TokenFault("json") from None
    if not isinstance(value, dict):
        raise TokenFault("not_an_object")
    return value


def _check_depth(text: str) -> None:
    depth = 0
    for bracket in _BRACKET.findall(_STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        if depth > DEPTH_MAX:
            raise ValueError("nested too deep")


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member stands twice")
    return found


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)


def _finite(text: str) -> float:
    value = float(text)
    if value in {float("inf"), float("-inf")}:
        raise ValueError("too large a number")
    return value


def _short(text: str) -> int:
    if len(text) > _DIGITS_MAX:
        raise ValueError("too long a number")
    return int(text)
