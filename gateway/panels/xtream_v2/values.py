"""Single values of an info answer, whatever JSON type this revision of the panel gives them.

The recorded revision sends numbers as texts, later ones as numbers. Texts are digits only: Python's
own `int()` would also take blanks, underscores and the digits of other scripts.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from gateway.domain.clock import from_unix
from gateway.panels.xtream_v2.body import Json

_INTEGER: Final = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_LAST_MOMENT: Final = 253_402_300_799  # 9999-12-31T23:59:59Z


def integer(value: Json) -> int | None:
    """Return a whole number under 10**18 from a number or a text of digits, else None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int) and abs(value) < 10**18:
        return value
    if isinstance(value, str) and _INTEGER.fullmatch(value) is not None:
        return int(value)
    return None


def flag(value: Json, *, otherwise: bool) -> bool:
    """Return a switch, from true, 1 or "1"; *otherwise* where the panel does not say."""
    if isinstance(value, bool):
        return value
    number = integer(value)
    return otherwise if number is None else number != 0


def text(value: Json) -> str:
    """Return a text; empty where there is none. NUL, which no database keeps, is left out."""
    if isinstance(value, str):
        return value.replace("\0", "")
    number = integer(value)
    return "" if number is None else str(number)


def moment(value: Json) -> datetime | None:
    """Return an aware moment from positive Unix seconds, else None."""
    seconds = integer(value)
    return None if seconds is None or not 0 < seconds <= _LAST_MOMENT else from_unix(seconds)


def integers(value: Json) -> tuple[int, ...] | None:
    """Return a list of whole numbers; None when it is no list or holds something else."""
    if not isinstance(value, list):
        return None
    found = tuple(integer(item) for item in value)
    return None if None in found else tuple(item for item in found if item is not None)


def ids_in_order(value: Json) -> tuple[int, ...]:
    """Return ids from a list or from an object with gaps, as PHP prints a list that lost items."""
    return tuple(item for item in map(integer, _items(value) or []) if item is not None)


def texts(value: Json) -> tuple[str, ...] | None:
    """Return a list of texts, also from an object with gaps; None when it is neither."""
    items = _items(value)
    return None if items is None else tuple(filter(None, map(text, items)))


def keys(value: Json) -> tuple[str, ...]:
    """Return the keys of an object, or the texts of a list; an empty object is `[]` in PHP."""
    return tuple(value) if isinstance(value, dict) else (texts(value) or ())


def _items(value: Json) -> list[Json] | None:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else None
