"""GraphQL over HTTP: what a request says, and which status its answer has.

By the working draft of the GraphQL-over-HTTP specification. Where it is younger than what clients
and the audits of the npm package `graphql-http` hold (422 for invalid requests, 294 for partial
success), we keep to those: 400 and 200.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from gateway.api.exchange import Answer, RawHeaders, header
from gateway.api.graphql.errors import graphql_error
from gateway.api.graphql.negotiation import Media
from gateway.api.graphql.request import GraphqlRequest, Result, Stage
from gateway.api.problems import headers_of, shown_error
from gateway.api.rest import json_body
from gateway.api.rest.faults import invalid
from gateway.api.rest.query import parse_query
from gateway.domain.errors import Fault, InvalidRequest, MalformedBody

ALLOW: Final = "GET, OPTIONS, POST"
#: Answers differ by what is accepted and by who asks; nothing is stored anyway.
VARY: Final = (b"vary", b"Accept, Authorization")

_TYPES: Final[Mapping[str, tuple[type, str]]] = {
    "query": (str, "a string"),
    "documentId": (str, "a string"),
    "operationName": (str, "a string"),
    "variables": (dict, "an object"),
    "extensions": (dict, "an object"),
}
_IN_JSON: Final = ("variables", "extensions")
#: Statuses of a refusal that mean no more than: the request is wrong.
_JUST_WRONG: Final = frozenset({200, 400, 405, 422})


def request_of_body(body: bytes) -> GraphqlRequest:
    """Return what the body of a POST asks for.

    Raises:
        MalformedBody: it is not one JSON value.
        InvalidRequest: it is not an object with the promised members; others are ignored.
    """
    if not body:
        raise MalformedBody("The body is missing.")
    return request_of(json_body.parse(body))


def request_of_query(query_string: bytes) -> GraphqlRequest:
    """Return what the query of a GET asks for. An empty parameter counts as not given.

    Raises:
        MalformedBody: `variables` or `extensions` is not JSON.
        InvalidRequest: a parameter is there twice, or of another type than promised.
    """
    given: dict[str, Any] = {}
    for name, text in parse_query(query_string):
        if name not in _TYPES or not text:
            continue
        if name in given:
            detail = "Give this parameter once."
            raise invalid([Fault(f"?{name}", "duplicate", detail)])
        given[name] = _parsed(name, text) if name in _IN_JSON else text
    return request_of(given, at="?")


def request_of(given: object, *, at: str = "/") -> GraphqlRequest:
    """Return the request in a JSON value; *at* begins the pointers of its faults.

    Raises:
        InvalidRequest
    """
    if not isinstance(given, dict):
        detail = "This must be one object; several operations in an array are not taken."
        raise invalid([Fault("", "wrong_type", detail)])
    faults = [
        Fault(at + name, "wrong_type", f"This must be {words}.")
        for name, (kind, words) in _TYPES.items()
        if not isinstance(given.get(name), kind | None)
    ]
    if given.get("query") is None and given.get("documentId") is None:
        faults.append(Fault(at + "query", "missing", "Give query or documentId."))
    if given.get("query") is not None and given.get("documentId") is not None:
        detail = "Give query or documentId, not both."
        faults.append(Fault(at + "documentId", "exactly_one", detail))
    if faults:
        raise invalid(faults)
    return GraphqlRequest(
        query=given.get("query"),
        document_id=given.get("documentId"),
        operation_name=given.get("operationName") or None,
        variables=given.get("variables") or {},
    )


def _parsed(name: str, text: str) -> object:
    try:
        return json_body.parse(text.encode())
    except MalformedBody:
        raise MalformedBody(f"The parameter {name} is not well-formed JSON.") from None


def result_answer(result: Result, media: Media, method: str) -> Answer:
    """Return the response for a result."""
    status = status_of(result, media, method)
    headers = [VARY]
    if status == 405:
        headers.append(header(b"allow", "OPTIONS, POST"))
    if status in {429, 503}:
        headers += _retry_after(result)
    return _answer(status, result.to_payload(), media, tuple(headers))


def error_answer(error: Exception, request_id: str, media: Media) -> Answer:
    """Return the response for what went wrong before anything was executed."""
    shown = shown_error(error)
    headers = [VARY, *headers_of(shown)]
    if shown.status == 405:
        headers.append(header(b"allow", ALLOW))
    status = 400 if isinstance(shown, InvalidRequest) else shown.status
    payload = {"errors": [graphql_error(shown, request_id)]}
    return _answer(status, payload, media, tuple(headers))


def status_of(result: Result, media: Media, method: str) -> int:
    """Return the HTTP status of a result.

    Documents and variables that are wrong are 200 in `application/json`: its clients read a body
    only then.
    """
    if result.stage is Stage.EXECUTED:
        return 200
    if result.stage is Stage.NOT_ALLOWED and method == "GET":
        return 405
    if result.status in _JUST_WRONG:
        return 200 if media is Media.JSON else 400
    return result.status


def _retry_after(result: Result) -> RawHeaders:
    seconds = [error.get("extensions", {}).get("retryAfterSeconds") for error in result.errors]
    return tuple(header(b"retry-after", it) for it in seconds[:1] if it is not None)


def _answer(status: int, payload: dict[str, Any], media: Media, headers: RawHeaders) -> Answer:
    media_type = f"{media}; charset=utf-8".encode()
    return Answer(status, msgspec.json.encode(payload), media_type, headers)
