"""What an endpoint returned -> the response."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
from starlette.types import Scope

from gateway.api.exchange import Answer, RawHeaders, header
from gateway.api.rest.dry_run import dry_run_out
from gateway.api.rest.operations import operation_out
from gateway.api.rest.preferences import Preferences
from gateway.api.rest.query import parse_query
from gateway.api.rest.routing import Observed, Route, Shape
from gateway.domain.operations import Operation
from gateway.domain.paging import Page
from gateway.domain.subscriptions import ObservedInfo
from gateway.services.context import Outcome

#: Times are UTC throughout, which this encoder writes with `Z`.
encode: Final = msgspec.json.Encoder().encode

_HIT: Final = (b"cache-status", b"xtream-gateway; hit")
_MISS: Final = (b"cache-status", b"xtream-gateway; fwd=miss")
_STALE: Final = (b"cache-status", b"xtream-gateway; fwd=stale")
_REPLAYED: Final = (b"idempotent-replayed", b"true")


def render(route: Route, scope: Scope, result: object, preferences: Preferences) -> Answer:
    """Return the response of *route* for what its endpoint returned."""
    match result:
        case Observed():
            return _observed(route, result)
        case Page():
            return _page(scope, result)
        case Outcome(dry_run=plan) if plan is not None:
            return Answer(200, encode(dry_run_out(plan)))
        case Outcome() if route.shape is Shape.NOTHING:
            return Answer(204, media_type=b"", headers=_replayed(result))
        case Outcome():
            return _preferred(_change(route, result), preferences)
        case _:
            return Answer(route.status, encode(result), headers=_tag(result))


def _replayed(outcome: Outcome[Any]) -> RawHeaders:
    return (_REPLAYED,) if outcome.replayed else ()


def _preferred(answer: Answer, preferences: Preferences) -> Answer:
    applied = preferences.applied(answer.status)
    if not applied:
        return answer
    return replace(answer, headers=(*answer.headers, header(b"preference-applied", applied)))


def _observed(route: Route, result: Observed[Any]) -> Answer:
    headers = (*_tag(result.value), *_age(result.info))
    return Answer(route.status, encode(result.value), headers=headers)


def _age(info: ObservedInfo | None) -> RawHeaders:
    if info is None:
        return ()
    status = _STALE if info.stale else _HIT if info.from_cache else _MISS
    return header(b"age", info.age_seconds), status


def _change(route: Route, outcome: Outcome[Any]) -> Answer:
    if outcome.value is None:
        return _accepted(outcome.operation, _replayed(outcome))
    headers = (*_tag(outcome.value), *_replayed(outcome))
    status = 201 if route.may_create and outcome.created else route.status
    if status == 201:
        headers = (*headers, header(b"location", f"{route.collection}/{outcome.value.id}"))
    return Answer(status, encode(outcome.value), headers=headers)


def _accepted(operation: Operation | None, replayed: RawHeaders) -> Answer:
    if operation is None:
        raise RuntimeError("an outcome without value and without operation")
    location = header(b"location", f"/v1/operations/{operation.id}")
    return Answer(202, encode(operation_out(operation)), headers=(location, *replayed))


def _page(scope: Scope, page: Page[Any]) -> Answer:
    headers: RawHeaders = ()
    if page.next_cursor is not None:
        pairs = [pair for pair in parse_query(scope["query_string"]) if pair[0] != "cursor"]
        query = urlencode([*pairs, ("cursor", page.next_cursor)])
        headers = (header(b"link", f'<{scope["path"]}?{query}>; rel="next"'),)
    body = encode({"data": page.items, "next_cursor": page.next_cursor})
    return Answer(200, body, headers=headers)


def _tag(value: object) -> RawHeaders:
    """Return the ETag of a resource that has versions."""
    version = getattr(value, "version", None)
    return () if version is None else (header(b"etag", f'"{version}"'),)
