"""PHP's values: arrays with ordered keys, emptiness, numbers read from text, loose comparison.

Text is a Python str in which a byte that is no UTF-8 stands as a lone surrogate
("surrogateescape"): nothing is lost, and whether the text is valid can still be asked.
A PHP array is a dict whose keys are ints or texts, a whole decimal text being an int.
"""

from __future__ import annotations

import math
import re
from typing import Final, TypeAlias, Union

PhpKey: TypeAlias = int | str
PhpScalar: TypeAlias = str | int | float | bool | None
PhpArray: TypeAlias = "dict[PhpKey, PhpValue]"
PhpValue: TypeAlias = Union[PhpScalar, "PhpArray"]

INT64_MAX: Final = 2**63 - 1
INT64_MIN: Final = -(2**63)
BLANKS: Final = " \t\n\r\0\x0b"

_WHOLE_KEY = re.compile(r"(?:0|-?[1-9][0-9]{0,18})\Z", re.ASCII)
_NUMBER = re.compile(r"[ \t\n\r\v\f]*([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)")
_WHOLE = re.compile(r"[ \t\n\r\v\f]*([+-]?[0-9]+)")


def text_of(raw: bytes) -> str:
    """Return *raw* as text; bytes that are no UTF-8 become lone surrogates."""
    return raw.decode("utf-8", "surrogateescape")


def bytes_of(text: str) -> bytes:
    """Return the bytes that *text* stands for."""
    return text.encode("utf-8", "surrogateescape")


def is_valid_text(text: str) -> bool:
    """Tell whether *text* is all valid UTF-8."""
    return text.isascii() or not any("\ud800" <= char <= "\udfff" for char in text)


def array_key(key: str) -> PhpKey:
    """Return *key* as PHP keeps it: a whole decimal number in range becomes an int."""
    if _WHOLE_KEY.match(key):
        number = int(key)
        if INT64_MIN <= number <= INT64_MAX:
            return number
    return key


def next_key(array: PhpArray) -> int:
    """Return the key that `[]` appends at."""
    return max((key for key in array if isinstance(key, int)), default=-1) + 1


def is_empty(value: PhpValue) -> bool:
    """PHP's empty(): missing, "", "0", 0, false and the empty array."""
    return not value or value == "0"


def strip(text: str) -> str:
    """PHP's trim(): ASCII blanks and NUL, but no NBSP."""
    return text.strip(BLANKS)


def upper(text: str) -> str:
    """PHP's strtoupper() in the C locale: ASCII letters only."""
    return "".join(chr(ord(char) - 32) if "a" <= char <= "z" else char for char in text)


def to_int(value: PhpValue) -> int:
    """PHP's intval(): the leading number, cut towards zero; a filled array is 1."""
    if isinstance(value, str):
        return _int_of_text(value)
    if isinstance(value, float):
        return _int_of_float(value)
    return int(bool(value)) if isinstance(value, dict) else int(value or 0)


def _int_of_text(text: str) -> int:
    found = _NUMBER.match(text)
    if found is None:
        return 0
    whole = _WHOLE.fullmatch(found.group(0))
    if whole is not None:
        digits = whole.group(1)
        if len(digits) > 20:  # Beyond any int64: only the sign matters.
            return INT64_MIN if digits.startswith("-") else INT64_MAX
        number: int | float = int(digits)
    else:
        number = float(found.group(1))
    if number >= INT64_MAX:
        return INT64_MAX
    return INT64_MIN if number <= INT64_MIN else int(number)


def _int_of_float(number: float) -> int:
    if not math.isfinite(number):
        return 0
    wrapped = int(number) & (2**64 - 1)
    return wrapped - 2**64 if wrapped > INT64_MAX else wrapped


def to_float(value: PhpValue) -> float:
    """PHP's (float): the leading number or 0."""
    if isinstance(value, str):
        found = _NUMBER.match(value)
        return float(found.group(1)) if found else 0.0
    return float(bool(value)) if isinstance(value, dict) else float(value or 0)


def loosely_equal(left: PhpValue, right: str) -> bool:
    """PHP 7's == against a text: numbers when both are numeric, else the same bytes."""
    if isinstance(left, dict):
        return False
    if not isinstance(left, str):
        return left is None and not right
    if left == right:
        return True
    ours, theirs = _NUMBER.fullmatch(left), _NUMBER.fullmatch(right)
    return bool(ours and theirs) and to_float(left) == to_float(right)
