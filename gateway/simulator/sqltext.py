"""The text of an UPDATE, where a `%` in a value is a format that PHP fills in.

The script builds `column = 'value'` itself and hands the whole to a function that formats it
again for the WHERE clause. So a `%` in a value of an edit takes an argument meant for that
clause, and then the statement lacks one; only `%%` and `%1$s` (an argument by number) work.
"""

from __future__ import annotations

import re
from typing import Final

from gateway.simulator.coercion import SqlFailed
from gateway.simulator.php import to_float, to_int

_ESCAPES: Final = {
    "\0": "\\0",
    "\n": "\\n",
    "\r": "\\r",
    "\\": "\\\\",
    "'": "\\'",
    '"': '\\"',
    "\x1a": "\\Z",
}
_RAW: Final = {"0": "\0", "n": "\n", "r": "\r", "Z": "\x1a", "t": "\t", "b": "\b"}
_SPEC = re.compile(
    r"%(?:(?P<number>[0-9]{1,9})\$)?(?P<flags>(?:[ 0+-]|'.)*)(?P<width>[0-9]{0,9})"
    r"(?:\.(?P<precision>[0-9]{0,9}))?l?(?P<kind>.)",
    re.DOTALL,
)
_MAX_WIDTH: Final = 65536


def escape(text: str) -> str:
    """Return *text* as it stands between the quotes of an SQL statement."""
    return "".join(_ESCAPES.get(char, char) for char in text)


def unescape(text: str) -> str:
    """Return what the database reads between quotes; `SqlFailed` if they do not match."""
    out: list[str] = []
    chars = iter(text)
    for char in chars:
        if char == "'":
            raise SqlFailed("syntax error")
        if char != "\\":
            out.append(char)
            continue
        following = next(chars, None)
        if following is None:
            raise SqlFailed("syntax error")
        out.append(_RAW.get(following, following))
    return "".join(out)


def formatted(value: str, arguments: tuple[str, ...]) -> str:
    """Return *value* of an edit after PHP's vsprintf over the whole statement."""
    if "%" not in value:
        return value
    source = escape(value) + "'"  # The closing quote: a `%` at the end swallows it.
    out: list[str] = []
    place = 0
    while True:
        found = source.find("%", place)
        if found < 0:
            out.append(source[place:])
            break
        out.append(source[place:found])
        if source[found + 1] == "%":
            out.append("%")
            place = found + 2
            continue
        spec = _SPEC.match(source, found)
        place = spec.end() if spec else len(source)
        out.append(_filled(spec, arguments) if spec else "")
    text = "".join(out)
    if not text.endswith("'"):
        raise SqlFailed("syntax error")
    return unescape(text[:-1])


def _filled(spec: re.Match[str], arguments: tuple[str, ...]) -> str:
    number = int(spec["number"] or 0)
    if not 1 <= number <= len(arguments):  # Not by number: the WHERE clause lacks one then.
        raise SqlFailed("empty query")
    argument = escape(arguments[number - 1])
    width = int(spec["width"] or 0)
    if width > _MAX_WIDTH or spec["kind"].isdigit():
        raise SqlFailed("empty query")
    text = _converted(spec, argument)
    padding = " "
    for flag in re.findall(r"'.|.", spec["flags"], re.DOTALL):
        padding = flag[-1] if flag[0] in "'0 " else padding
    left = "-" in re.sub(r"'.", "", spec["flags"], flags=re.DOTALL)
    return text.ljust(width, padding) if left else text.rjust(width, padding)


def _converted(spec: re.Match[str], argument: str) -> str:
    kind = spec["kind"]
    if kind == "s":
        precision = spec["precision"]
        return argument if precision is None else argument[: int(precision or 0)]
    if kind in "duoxXbc":
        return _whole(kind, to_int(argument), plus="+" in spec["flags"])
    if kind in "eEfFgG":
        digits = 6 if spec["precision"] is None else min(int(spec["precision"] or 0), 53)
        return f"{to_float(argument):.{digits}{kind}}"
    return "%" if kind == "%" else ""


def _whole(kind: str, number: int, *, plus: bool) -> str:
    if kind == "d":
        return f"{number:+d}" if plus else str(number)
    if kind == "c":
        return chr(number % 128)
    unsigned = number & (2**64 - 1)
    return str(unsigned) if kind == "u" else format(unsigned, kind)
