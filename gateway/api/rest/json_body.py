"""Bytes -> one JSON value, strictly; and a JSON value -> one canonical form.

Stricter than the standard library: a key given twice, NaN, infinities, half surrogate pairs and
deep nesting are refused, because what two readers understand differently must not reach a panel.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, Final, NoReturn

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from gateway.domain.errors import MalformedBody, UnsupportedMediaType

NESTING_MAX: Final = 32
NUMBER_LENGTH_MAX: Final = 300

_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKET: Final = re.compile(r"[\[\]{}]")


async def read_body(receive: Receive) -> bytes:
    """Return the whole body.

    Raises:
        BodyTooLarge: from the middleware's *receive*.
        ClientDisconnect: the client went away before the end.
    """
    chunks: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)


def check_media_type(headers: Mapping[bytes, list[bytes]], allowed: tuple[str, ...]) -> None:
    """Check that a body is sent as one of *allowed*, in UTF-8 and not compressed.

    Raises:
        UnsupportedMediaType: it is not, or does not say.
    """
    encodings = headers.get(b"content-encoding", [b"identity"])
    types = headers.get(b"content-type", [])
    if len(types) == 1 and encodings == [b"identity"]:
        name, _, rest = types[0].decode("latin-1").partition(";")
        if name.strip().lower() in allowed and _is_utf8(rest):
            return
    raise UnsupportedMediaType(f"Send Content-Type: {' or '.join(allowed)}, in UTF-8.")


def _is_utf8(parameters: str) -> bool:
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip('"').lower() in {"utf-8", "utf8"}
    return True


def parse(body: bytes) -> object:
    """Return the JSON value in *body*.

    Raises:
        MalformedBody: not UTF-8, not one JSON value, a key twice, NaN or an infinity, half a
            surrogate pair, or nested deeper than 32.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedBody("The body is not UTF-8.") from None
    _check_nesting(text)
    try:
        value: object = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_float=_float,
            parse_int=_int,
        )
    except json.JSONDecodeError as error:
        detail = f"The body is not JSON: line {error.lineno}, column {error.colno}."
        raise MalformedBody(detail) from None
    if "\\u" in text:
        _check_surrogates(value)
    return value


def canonical(value: object) -> bytes:
    """Return bytes that are equal exactly for equal JSON values.

    The order of members does not count, nor does the spelling of a number: 1, 1.0 and 10e-1 are one
    value. true and 1 are not.
    """
    return json.dumps(
        _plain_numbers(value), sort_keys=True, separators=(",", ":"), ensure_ascii=True
    ).encode()


def _plain_numbers(value: object) -> object:
    match value:
        case float() if value.is_integer():
            return int(value)
        case list():
            return [_plain_numbers(item) for item in value]
        case dict():
            return {name: _plain_numbers(item) for name, item in value.items()}
        case _:
            return value


def _check_nesting(text: str) -> None:
    """Count brackets outside strings, so that the parser never recurses deeply."""
    if text.count("[") + text.count("{") <= NESTING_MAX:
        return
    depth = 0
    for bracket in _BRACKET.finditer(_STRING.sub("", text)):
        depth += 1 if bracket[0] in "[{" else -1
        if depth > NESTING_MAX:
            raise MalformedBody(f"The body is nested deeper than {NESTING_MAX}.")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise MalformedBody("An object of the body has the same key twice.")
    return made


def _constant(name: str) -> NoReturn:
    raise MalformedBody(f"The body holds {name}, which JSON does not have.")


def _int(text: str) -> int:
    if len(text) > NUMBER_LENGTH_MAX:
        raise MalformedBody("The body holds a number that is too long.")
    return int(text)


def _float(text: str) -> float:
    """Return a number; 1.0 and 10e-1 are the whole number 1, as JSON Schema has it."""
    if len(text) > NUMBER_LENGTH_MAX:
        raise MalformedBody("The body holds a number that is too long.")
    number = float(text)
    if math.isinf(number):
        raise MalformedBody("The body holds a number that is too large.")
    return int(number) if number.is_integer() else number


def _check_surrogates(value: object) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise MalformedBody("The body holds half of a surrogate pair.") from None
