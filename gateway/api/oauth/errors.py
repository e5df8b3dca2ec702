"""Errors as clients of `/oauth/*` see them: RFC 6749 section 5.2, whatever went wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import msgspec
from starlette.exceptions import HTTPException

from gateway.api.exchange import Answer, Exchange, RawHeaders, header
from gateway.api.problems import problem_answer, retry_after_seconds, shown_error
from gateway.domain.errors import (
    GatewayError,
    InternalError,
    PermissionDenied,
    ServiceUnavailable,
)
from gateway.domain.oauth import (
    InvalidClient,
    InvalidProof,
    InvalidScope,
    InvalidTarget,
    InvalidTokenRequest,
    UnacceptableToken,
    UnsupportedGrantType,
)

PREFIX: Final = "/oauth/"
NO_STORE: Final[RawHeaders] = ((b"cache-control", b"no-store"), (b"pragma", b"no-cache"))

#: What RFC 6749 allows in a description.
_NOT_ALLOWED: Final = re.compile(r"[^\x20\x21\x23-\x5B\x5D-\x7E]")
#: Those whose code is a word of OAuth.
_OURS: Final = (
    InvalidClient,
    InvalidProof,
    InvalidScope,
    InvalidTarget,
    InvalidTokenRequest,
    UnacceptableToken,
    UnsupportedGrantType,
)
#: What the rest of our errors is called there; any other is an invalid request.
_WORDS: Final[Mapping[type[GatewayError], str]] = {
    ServiceUnavailable: "temporarily_unavailable",
    InternalError: "server_error",
    PermissionDenied: "unauthorized_client",
}
#: Statuses that say more than 400 does.
_KEPT: Final = frozenset({404, 405, 408, 413, 414, 415, 431})
TOO_MANY: Final = 429


def error_answer(error: Exception, exchange: Exchange) -> Answer:
    """Return the whole response for *error*: a problem, or on our paths what OAuth has for it."""
    if exchange.path.startswith(PREFIX):
        return _oauth_answer(error, exchange)
    return problem_answer(error, exchange.request_id)


def _oauth_answer(error: Exception, exchange: Exchange) -> Answer:
    shown = shown_error(error)
    code, status = _told(shown)
    headers = list(NO_STORE)
    seconds = retry_after_seconds(shown)
    if seconds is not None:
        headers.append(header(b"retry-after", seconds))
    if isinstance(shown, InvalidClient) and b"authorization" in exchange.headers:
        headers.append((b"www-authenticate", b'Basic realm="oauth", charset="UTF-8"'))
    if isinstance(error, HTTPException) and error.headers and "Allow" in error.headers:
        headers.append(header(b"allow", error.headers["Allow"]))
    body = {"error": code, "error_description": _NOT_ALLOWED.sub("?", shown.detail)}
    return Answer(status, msgspec.json.encode(body), headers=tuple(headers))


def _told(error: GatewayError) -> tuple[str, int]:
    """Return OAuth's word for *error*, and the status."""
    if isinstance(error, _OURS):
        return error.code, error.status
    word = next((word for kind, word in _WORDS.items() if isinstance(error, kind)), None)
    if word is not None:
        return word, 400 if isinstance(error, PermissionDenied) else error.status
    if error.status == TOO_MANY:
        return "temporarily_unavailable", error.status
    return "invalid_request", error.status if error.status in _KEPT else 400
