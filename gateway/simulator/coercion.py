"""What the database makes of a text: numbers, lengths, characters; and what it refuses.

Non-strict SQL changes a value until it fits; strict SQL refuses the statement.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final, Literal, TypeAlias

from gateway.simulator.php import is_valid_text

Cell: TypeAlias = int | float | str | None
ColumnKind: TypeAlias = Literal["int32", "int8", "text", "float32"]

LIMITS: Final = {"int32": (-(2**31), 2**31 - 1), "int8": (-128, 127)}
_NUMBER = re.compile(r"[ \t\n\r\v\f]*([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)")
_HUGE_EXPONENT: Final = 400


class SqlFailed(Exception):
    """The database refused a statement; nothing of it was applied."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its type, its length and what an insert without it stores."""

    name: str
    kind: ColumnKind = "text"
    default: Cell = None
    length: int | None = None
    nullable: bool = False
    required: bool = False
    """No default: strict SQL refuses an insert without it, non-strict stores "" or 0."""

    def filled(self) -> Cell:
        """Return what a row gets that does not name this column."""
        if self.required:
            return "" if self.kind == "text" else 0
        return self.default


def storable(text: str) -> str:
    """Return *text* in three-byte UTF-8: one `?` per byte of what does not fit."""
    if text.isascii():
        return text
    return "".join(
        "????" if ord(char) > 0xFFFF else "?" if 0xD800 <= ord(char) <= 0xDFFF else char
        for char in text
    )


def fits_charset(text: str) -> bool:
    """Tell whether the database can store every character of *text*."""
    return text.isascii() or (is_valid_text(text) and max(text) <= "\uffff")


def coerce(column: Column, value: Cell, *, strict: bool) -> Cell:
    """Return *value* as *column* stores it; `SqlFailed` where strict SQL refuses it."""
    if value is None:
        if column.nullable:
            return None
        raise SqlFailed(f"Column '{column.name}' cannot be null")
    if column.kind == "text":
        return _text(column, str(value), strict=strict)
    if column.kind == "float32":
        return float(value)
    return _whole(column, value, strict=strict)


def _text(column: Column, text: str, *, strict: bool) -> str:
    if strict and not fits_charset(text):
        raise SqlFailed(f"Incorrect string value for column '{column.name}'")
    text = storable(text)
    if column.length is not None and len(text) > column.length:
        if strict and text[column.length :].strip(" "):
            raise SqlFailed(f"Data too long for column '{column.name}'")
        text = text[: column.length]
    return text


def _whole(column: Column, value: float | str, *, strict: bool) -> int:
    number, clean = leading_number(value) if isinstance(value, str) else (Decimal(value), True)
    if strict and not clean:
        raise SqlFailed(f"Incorrect integer value: '{value}' for column '{column.name}'")
    low, high = LIMITS[column.kind]
    if low <= number <= high:
        number = number.to_integral_value(ROUND_HALF_UP)
    if low <= number <= high:
        return int(number)
    if strict:
        raise SqlFailed(f"Out of range value for column '{column.name}'")
    return high if number > 0 else low


def leading_number(text: str) -> tuple[Decimal, bool]:
    """Return the number that *text* begins with, and whether it is nothing but that number."""
    found = _NUMBER.match(text)
    if found is None:
        return Decimal(0), False
    digits = found.group(1)
    mantissa, _, exponent = digits.lower().partition("e")
    if exponent and abs(int(exponent[:8])) > _HUGE_EXPONENT:
        zero = not re.search("[1-9]", mantissa) or int(exponent[:8]) < 0
        digits = "0" if zero else f"{mantissa}e{_HUGE_EXPONENT}"
    return Decimal(digits), not text[found.end() :].strip(" \t\n\r")


def float32(number: float) -> float:
    """Return *number* as a single-precision column reads: six significant digits."""
    limit = 3.4028234e38
    single: float = struct.unpack("f", struct.pack("f", min(max(number, -limit), limit)))[0]
    return float(f"{single:.6g}")
