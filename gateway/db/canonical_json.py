"""Canonical JSON (RFC 8785), for the values that audit entries hold: no fractions."""

from __future__ import annotations

import json
from typing import Final

#: RFC 8785 numbers are IEEE doubles; beyond this, two readers could see two numbers.
_INTEGER_MAX: Final = 2**53 - 1


def canonical_json(value: object) -> bytes:
    """Return the one spelling of *value*: sorted members, no blanks, UTF-8.

    Raises:
        TypeError: not made of objects with text keys, lists, strings, integers, booleans and None.
        ValueError: an integer beyond 2**53 - 1, or text that is not Unicode.
    """
    return json.dumps(
        _ordered(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False
    ).encode()


def _ordered(value: object) -> object:
    """Return *value* with members in the order of their UTF-16 code units, as the RFC asks."""
    match value:
        case None | bool() | str():
            return value
        case int():
            if abs(value) > _INTEGER_MAX:
                raise ValueError("an integer beyond 2**53 - 1 has no canonical form")
            return int(value)
        case list() | tuple():
            return [_ordered(item) for item in value]
        case dict():
            return {key: _ordered(value[key]) for key in sorted(value, key=_utf16)}
    raise TypeError(f"{type(value).__name__} has no canonical form")


def _utf16(key: object) -> bytes:
    if not isinstance(key, str):
        raise TypeError("a member's name must be text")
    return key.encode("utf-16-be")
