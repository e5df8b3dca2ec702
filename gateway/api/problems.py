"""Errors as callers see them: RFC 9457 problems. Nothing else writes an error.

Both APIs use `describe`. What is no `GatewayError` is a bug: it is logged with the request id and
shown as `internal_error`, without any of its text.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any, Final

import msgspec
from starlette.exceptions import HTTPException

from gateway.api.exchange import Answer, RawHeaders, header
from gateway.domain.errors import (
    BodyTooLarge,
    Challenge,
    Fault,
    GatewayError,
    InternalError,
    MethodNotAllowed,
    NotFound,
    RequestTimeout,
    Unauthenticated,
)

MEDIA_TYPE: Final = b"application/problem+json"
TYPE_PREFIX: Final = "urn:xtream-gateway:problem:"
#: How many faults one problem lists.
FAULTS_MAX: Final = 100

#: Where the error itself does not say when to come back, but the contract promises to.
RETRY_AFTER_SECONDS: Final = {
    "idempotency_in_progress": 1,
    "panel_unavailable": 5,
    "service_unavailable": 5,
}

_DPOP_ALGORITHMS: Final = b'algs="ES256 Ed25519 EdDSA"'
#: RFC 6750 section 3 and RFC 9449 section 7.1.
_CHALLENGES: Final = {
    Challenge.CREDENTIAL: b"Bearer",
    Challenge.ANOTHER_CREDENTIAL: b'Bearer error="invalid_token"',
    Challenge.ANOTHER_BOUND_TOKEN: b'DPoP error="invalid_token", ' + _DPOP_ALGORITHMS,
    Challenge.ANOTHER_PROOF: b'DPoP error="invalid_dpop_proof", ' + _DPOP_ALGORITHMS,
}


def members(code: str, status: int, detail: str, faults: tuple[Fault, ...] = ()) -> dict[str, Any]:
    """Return the members that every problem has, on its own or inside an operation."""
    problem: dict[str, Any] = {
        "type": TYPE_PREFIX + code,
        "title": title_of(code),
        "status": status,
        "detail": detail,
        "code": code,
    }
    if faults:
        problem["errors"] = [
            {"pointer": fault.pointer, "code": fault.code, "detail": fault.detail}
            for fault in faults[:FAULTS_MAX]
        ]
    return problem


def title_of(code: str) -> str:
    """Return *code* in words."""
    return code.replace("_", " ").capitalize()


def describe(error: Exception, request_id: str) -> dict[str, Any]:
    """Return the RFC 9457 members of *error*; anything unknown is masked."""
    shown = shown_error(error)
    problem = members(shown.code, shown.status, shown.detail, shown.faults)
    problem["request_id"] = request_id
    if shown.operation_id is not None:
        problem["operation_id"] = shown.operation_id
    return problem


def shown_error(error: Exception) -> GatewayError:
    """Return what a caller is told instead of *error*: itself, or a masked one."""
    if isinstance(error, GatewayError):
        return error
    if isinstance(error, HTTPException):
        return _of_starlette(error)
    return InternalError("Something failed on our side; the request id finds it in our log.")


def problem_answer(error: Exception, request_id: str) -> Answer:
    """Return the whole response for *error*."""
    shown = shown_error(error)
    return Answer(
        status=shown.status,
        body=msgspec.json.encode(describe(shown, request_id)),
        media_type=MEDIA_TYPE,
        headers=(*headers_of(shown), *_allow_of(error)),
    )


def retry_after_seconds(error: GatewayError) -> int | None:
    """Return when to come back, or None where coming back does not help."""
    return error.retry_after_seconds or RETRY_AFTER_SECONDS.get(error.code)


def headers_of(error: GatewayError) -> RawHeaders:
    """Return the headers that belong to an answer which tells *error*, in whatever form."""
    found: list[tuple[bytes, bytes]] = []
    seconds = retry_after_seconds(error)
    if seconds is not None:
        found.append(header(b"retry-after", seconds))
    if isinstance(error, Unauthenticated):
        found.append((b"www-authenticate", _CHALLENGES[error.challenge]))
    if isinstance(error, RequestTimeout):
        found.append((b"connection", b"close"))  # The rest of the body is not waited for.
    if error.replayed:
        found.append((b"idempotent-replayed", b"true"))
    return tuple(found)


def _allow_of(error: Exception) -> RawHeaders:
    if isinstance(error, HTTPException) and error.headers and "Allow" in error.headers:
        return (header(b"allow", error.headers["Allow"]),)
    return ()


def _of_starlette(error: HTTPException) -> GatewayError:
    match error.status_code:
        case 405:
            return MethodNotAllowed("This path does not have this method; see Allow.")
        case 413:
            return BodyTooLarge("The body is too large.")
        case _:
            return NotFound("There is nothing at this path.")


def error_classes(base: type[GatewayError] = GatewayError) -> Iterator[type[GatewayError]]:
    """Yield every error that can be raised: the leaves of the tree."""
    children = [child for child in base.__subclasses__() if child.__module__ == base.__module__]
    if not children:
        yield base
    for child in children:
        yield from error_classes(child)


def problem_table() -> list[dict[str, Any]]:
    """Return one row an error code, sorted: what `schema/problems.json` publishes."""
    rows = {
        cls.code: {
            "code": cls.code,
            "status": cls.status,
            "title": title_of(cls.code),
            "type": TYPE_PREFIX + cls.code,
            "when": inspect.cleandoc(cls.__doc__ or ""),
            "todo": cls.todo,
        }
        for cls in error_classes()
    }
    return [rows[code] for code in sorted(rows)]


def problem_markdown() -> str:
    """Return the same table for the guides, in Markdown."""
    lines = ["| code | status | when | what to do |", "|---|---|---|---|"]
    lines += [
        f"| `{row['code']}` | {row['status']} | {' '.join(row['when'].split())} | {row['todo']} |"
        for row in problem_table()
    ]
    return "\n".join(lines) + "\n"
