"""Errors as GraphQL callers see them: the same codes as REST, in `extensions`."""

from __future__ import annotations

from typing import Any

from gateway.api.problems import describe, retry_after_seconds, shown_error


def graphql_error(error: Exception, request_id: str) -> dict[str, Any]:
    """Return one member of a response's `errors`; what is no GatewayError is masked.

    `extensions`: `code`, `title`, `status` (what REST would answer), `requestId`; where there is
    one, `operationId` and `retryAfterSeconds`; for faults `errors`, each with `pointer`, `code` and
    `detail`; and `classification`, which tells tools that do not know our codes whose fault it is.
    """
    shown = shown_error(error)
    problem = describe(shown, request_id)
    extensions = {name: problem[name] for name in ("code", "title", "status")}
    extensions["requestId"] = request_id
    extensions["classification"] = classification_of(shown.status)
    if shown.operation_id is not None:
        extensions["operationId"] = shown.operation_id
    if (seconds := retry_after_seconds(shown)) is not None:
        extensions["retryAfterSeconds"] = seconds
    if "errors" in problem:
        extensions["errors"] = problem["errors"]
    return {"message": shown.detail, "extensions": extensions}


def classification_of(status: int) -> str:
    """Return the word of common servers and tools for a refusal, or for a fault of a server."""
    return "BAD_REQUEST" if status < 500 else "INTERNAL_SERVER_ERROR"
