"""The form that a client sends (RFC 6749, appendix B), read strictly."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope

from gateway.api.exchange import Exchange
from gateway.api.rest.json_body import check_media_type, read_body
from gateway.domain.oauth import InvalidTokenRequest

MEDIA_TYPE: Final = "application/x-www-form-urlencoded"
BYTES_MAX: Final = 64 * 1024
PARAMETERS_MAX: Final = 40

Form = Mapping[str, str]

#: What `urllib` would take as it stands.
_HALF_ESCAPE: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")


async def read_form(scope: Scope, receive: Receive, exchange: Exchange) -> Form:
    """Return the parameters; those without a value count as not sent.

    Raises:
        InvalidTokenRequest: not a form in UTF-8, one parameter twice, too many or too large; or
            parameters in the URL, where secrets would be logged.
        UnsupportedMediaType: it is sent as something else.
        BodyTooLarge: from the middleware's *receive*.
    """
    body = await read_body(receive)
    if scope["query_string"]:
        raise InvalidTokenRequest("Send the parameters in the body, not in the URL.")
    check_media_type(exchange.headers, (MEDIA_TYPE,))
    if len(body) > BYTES_MAX:
        raise InvalidTokenRequest(f"The body is larger than {BYTES_MAX} bytes.")
    pairs = _pairs(body)
    form = dict(pairs)
    if len(form) != len(pairs):
        raise InvalidTokenRequest("A parameter is there twice.")
    return {name: value for name, value in form.items() if value}


def _pairs(body: bytes) -> list[tuple[str, str]]:
    if not body:
        return []
    if _HALF_ESCAPE.search(body):
        raise InvalidTokenRequest("The body is not a form.")
    try:
        return parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=PARAMETERS_MAX,
        )
    except ValueError:
        raise InvalidTokenRequest("The body is not a form.") from None


def required(form: Form, name: str) -> str:
    """Return a parameter. Raises InvalidTokenRequest where it is missing."""
    value = form.get(name)
    if value is None:
        raise InvalidTokenRequest(f"The parameter {name} is missing.")
    return value


def scope_in(form: Form) -> frozenset[str] | None:
    """Return the words of `scope`; None: it was not sent."""
    value = form.get("scope")
    if value is None:
        return None
    words = value.split(" ")
    if not all(word.isascii() and word.isprintable() for word in words) or "" in words:
        raise InvalidTokenRequest("The scope is not a list of words with one space between them.")
    return frozenset(words)
