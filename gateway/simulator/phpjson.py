r"""JSON as PHP 7 prints and reads it.

Printing: no blanks, `/` as `\/`, everything beyond ASCII as `\uXXXX`; an array whose keys are
0, 1, 2 ... in order is a list, any other an object. What is no valid UTF-8 cannot be printed.
Reading: objects become arrays, and so a key that is a whole number becomes an int.
"""

from __future__ import annotations

import json
import math
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from gateway.simulator.php import (
    INT64_MAX,
    INT64_MIN,
    PhpArray,
    PhpScalar,
    PhpValue,
    array_key,
    is_valid_text,
)

DEPTH: Final = 512
_PRINTER = json.JSONEncoder(ensure_ascii=True)


class CannotPrint(ValueError):
    """The value has no JSON form: broken UTF-8, an endless number, or too deep."""


class CannotRead(ValueError):
    """The text is no JSON that PHP would take."""


def print_json(value: PhpValue) -> str:
    """Return *value* as json_encode() prints it."""
    if not isinstance(value, dict):
        return _print_scalar(value)
    parts: list[str] = []
    try:
        _print_array(value, parts, 1)
    except RecursionError as error:
        raise CannotPrint("Nested too deep.") from error
    return "".join(parts)


def _print_array(array: PhpArray, parts: list[str], depth: int) -> None:
    if depth > DEPTH:
        raise CannotPrint("Nested too deep.")
    is_list = all(key == place for place, key in enumerate(array))
    parts.append("[" if is_list else "{")
    for place, (key, item) in enumerate(array.items()):
        if place:
            parts.append(",")
        if not is_list:
            parts.append(_print_text(str(key)) + ":")
        if isinstance(item, dict):
            _print_array(item, parts, depth + 1)
        else:
            parts.append(_print_scalar(item))
    parts.append("]" if is_list else "}")


def _print_scalar(value: PhpScalar) -> str:
    if isinstance(value, str):
        return _print_text(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else _print_float(value)


@lru_cache(maxsize=4096)
def _print_text(text: str) -> str:
    if not is_valid_text(text):
        raise CannotPrint("Broken UTF-8.")
    if "\x7f" in text:  # The one character that Python escapes and PHP does not.
        return '"' + "\x7f".join(_print_text(part)[1:-1] for part in text.split("\x7f")) + '"'
    return _PRINTER.encode(text).replace("/", "\\/")


def _print_float(number: float) -> str:
    if not math.isfinite(number):
        raise CannotPrint("Inf and NaN have no JSON form.")
    sign, digits, exponent = Decimal(repr(number)).normalize().as_tuple()
    if not isinstance(exponent, int):  # pragma: no cover - finite numbers have one.
        raise CannotPrint("No finite number.")
    place = len(digits) + exponent
    minus = "-" if sign else ""
    if -4 < place <= 17:
        return minus + format(abs(Decimal(repr(number)).normalize()), "f")
    tail = "".join(map(str, digits[1:])) or "0"
    return f"{minus}{digits[0]}.{tail}e{place - 1:+d}"


def read_json(text: str) -> PhpValue:
    """Return what json_decode(text, true) gives; `CannotRead` where it gives up."""
    if not is_valid_text(text):
        raise CannotRead("Broken UTF-8.")
    try:
        return _to_php(_READER.decode(text), 0)
    except (ValueError, RecursionError) as error:
        raise CannotRead("No JSON.") from error


def read_array(value: PhpValue) -> PhpArray | None:
    """Return the array that the text *value* holds as JSON, or None."""
    if not isinstance(value, str):
        return None
    try:
        found = read_json(value)
    except CannotRead:
        return None
    return found if isinstance(found, dict) else None


class _Pairs(list[tuple[str, Any]]):
    """An object as it was read, before its keys are PHP's."""


def _read_int(digits: str) -> int | float:
    if len(digits) > 20:
        return float(digits)
    number = int(digits)
    if digits == "-0":
        return -0.0
    return number if INT64_MIN <= number <= INT64_MAX else float(digits)


def _refuse(name: str) -> None:
    raise CannotRead(name)


def _to_php(found: Any, depth: int) -> PhpValue:  # noqa: ANN401 - what json.loads returns.
    if isinstance(found, list):
        if depth >= DEPTH:
            raise CannotRead("Nested too deep.")
        pairs = found if isinstance(found, _Pairs) else enumerate(found)
        array: PhpArray = {}
        for key, item in pairs:
            array[array_key(_valid(key)) if isinstance(key, str) else key] = _to_php(
                item, depth + 1
            )
        return array
    value: PhpValue = _valid(found) if isinstance(found, str) else found
    return value


def _valid(text: str) -> str:
    if not is_valid_text(text):
        raise CannotRead("A lone surrogate.")
    return text


#: Made once: making a decoder takes longer than reading most texts.
_READER: Final = json.JSONDecoder(
    object_pairs_hook=_Pairs, parse_int=_read_int, parse_float=float, parse_constant=_refuse
)
