"""One JSON value out of a body that PHP printed, or nothing.

Tolerated before the value: a byte order mark, blank lines, PHP notices and warnings. Tolerated
after it: blanks. Everything else is refused, because a guess here would be a wrong answer to
somebody who pays: duplicate keys, NaN and numbers out of range, invalid UTF-8, half characters,
nesting, HTML pages, a value that is neither object nor array.
"""

from __future__ import annotations

import json
import math
import re
from typing import Final, TypeAlias

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"

#: Levels of nesting; what a panel prints has at most four.
DEPTH_MAX: Final = 32

_BLANK: Final = " \t\r\ufeff"
#: PHP prints its JSON on one line of its own: at the start, after a line end, or after a tag.
#: (A line end is no blank here, so that a megabyte of empty lines is still read only once.)
_START: Final = re.compile(rf"(?:\A|[\n>])[{_BLANK}]*([{{\[])")
_NOTICE: Final = re.compile(
    rf"(?:\A|[\n>])[{_BLANK}]*(?:PHP )?(?:Warning|Notice|Deprecated|Strict Standards)(?:</b>)?:"
)
#: A whole string, also one that is cut off, or one bracket.
_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[\[{\]}]', re.DOTALL)
_PAGE: Final = re.compile(
    r"<!doctype|<html|<head|<body|<form|Fatal error|Parse error", re.IGNORECASE
)
_ESCAPED_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


class NotUsable(Exception):
    """The body holds something that looks like JSON, but is not one clean value."""


class NoJson(Exception):
    """The body holds no JSON at all; `text` is its first 100 characters, trimmed."""

    def __init__(self, text: str) -> None:
        super().__init__("no JSON in the body")
        self.text = text


def json_in(body: bytes) -> dict[str, Json] | list[Json]:
    """Return the one object or array in *body*.

    Raises:
        NoJson: there is none, or it stands inside a page.
        NotUsable: there is one, but broken, doubled, too deep or followed by something.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise NotUsable from None
    found = _START.search(text)
    if found is None or not _is_php_noise(text[: found.start(1)]):
        raise NoJson(text[:100].strip())
    return _parsed(text[found.start(1) :].rstrip(" \t\r\n"))


def _is_php_noise(text: str) -> bool:
    if not text.strip(_BLANK + "\n"):
        return True
    return _NOTICE.search(text) is not None and _PAGE.search(text) is None


def _parsed(text: str) -> dict[str, Json] | list[Json]:
    if text.count("[") + text.count("{") > DEPTH_MAX and _too_deep(text):
        raise NotUsable
    try:
        value: Json = _DECODER.decode(text)
    except (ValueError, RecursionError):  # ValueError also: an int of more than 4,300 digits.
        raise NotUsable from None
    if _ESCAPED_SURROGATE.search(text) and _SURROGATE.search(json.dumps(value, ensure_ascii=False)):
        raise NotUsable  # Half a character, which no database and no JSON of ours can hold.
    if isinstance(value, dict | list):
        return value
    raise NotUsable  # pragma: no cover - a value that starts with a bracket is one of the two.


def _too_deep(text: str) -> bool:
    """Tell whether brackets outside of strings nest deeper than DEPTH_MAX; reads *text* once."""
    depth = 0
    for token in _TOKEN.finditer(text):
        bracket = token[0]
        if bracket in {"[", "{"}:
            depth += 1
            if depth > DEPTH_MAX:
                return True
        elif bracket in {"]", "}"}:
            depth -= 1
    return False


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key appears twice")
    return made


def _no_constant(_name: str) -> Json:
    raise ValueError("not a number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number out of range")
    return number


#: Made once: making a decoder takes longer than reading most answers.
_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_no_constant, parse_float=_finite
)
