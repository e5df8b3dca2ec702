"""A request -> what its endpoint is called with, or all that is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from starlette.types import Receive, Scope

from gateway.api.auth import authenticate
from gateway.api.exchange import Exchange
from gateway.api.rest import json_body
from gateway.api.rest.faults import invalid
from gateway.api.rest.headers import (
    check_acceptable,
    idempotency_key,
    if_version,
    wants_fresh,
)
from gateway.api.rest.preferences import NO_PREFERENCES, Preferences, preferences_of
from gateway.api.rest.query import ChangeQuery, Pairs, parse_query
from gateway.api.rest.routing import Route
from gateway.domain.errors import Fault, InvalidRequest, MalformedBody, NotFound
from gateway.domain.idempotency import Idempotency
from gateway.domain.ids import IdKind, is_id
from gateway.services.context import Context, Ports

#: What a loop could write to at the cost of everything else on its panel.
TARGETS: Final = frozenset({IdKind.LINE, IdKind.DEVICE})
COLLECTIONS: Final = frozenset({"/v1/lines", "/v1/devices"})


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an endpoint, and what its caller prefers."""

    context: Context
    arguments: dict[str, Any]
    preferences: Preferences


async def bind(
    route: Route, scope: Scope, receive: Receive, exchange: Exchange, ports: Ports
) -> Call:
    """Return what *route*'s endpoint is called with.

    Raises:
        Unauthenticated, RateLimited, NotAcceptable, NotFound: looked at in this order, before the
            body is read.
        UnsupportedMediaType, MalformedBody, BodyTooLarge: there is no JSON value to look at.
        InvalidRequest: with the faults of headers, query and body together.
    """
    caller = await authenticate(exchange, ports, target=target_of(route, scope["path_params"]))
    check_acceptable(exchange.headers)
    arguments: dict[str, Any] = _parts(route, scope)
    faults: list[Fault] = []
    version = if_version(exchange.headers, faults) if route.is_versioned else None
    pairs, dry_run = _query(route, scope, arguments, faults)
    key = idempotency_key(exchange.headers, faults) if route.is_write else None
    if dry_run:
        key = None  # Nothing is done that could be done twice.
    may_wait = route.may_stay_open and not dry_run
    preferences = preferences_of(exchange.headers) if may_wait else NO_PREFERENCES
    value = await _body(route, receive, exchange, arguments, faults)
    if faults:
        raise invalid(faults)
    context = Context(
        ports=ports,
        caller=caller,
        request_id=exchange.request_id,
        ip=exchange.ip,
        idempotency=None if key is None else Idempotency(key, _request(exchange, pairs, value)),
        if_version=version,
        no_cache=wants_fresh(exchange.headers),
        dry_run=dry_run,
        wait_seconds=preferences.wait_seconds,
    )
    return Call(context, arguments, preferences)


def target_of(route: Route, values: Mapping[str, Any]) -> str | None:
    """Return what bounds the writes to one line or device: its id, or its owner's own name for it.

    *values* are those of the path; what cannot be an id has no bound, for it is not found.
    """
    if not route.is_write:
        return None
    for name, kind in route.ids.items():
        if kind in TARGETS and is_id(kind, values[name]):
            return str(values[name])
    if route.collection in COLLECTIONS:
        for name, pattern in route.texts.items():
            if re.fullmatch(pattern, values[name]) is not None:
                return f"{route.collection}/{values[name]}"
    return None


def may_be_bounded(route: Route) -> bool:
    """Tell whether writes by *route* may be to one line or device."""
    if not route.is_write:
        return False
    named_by_owner = bool(route.texts) and route.collection in COLLECTIONS
    return named_by_owner or not TARGETS.isdisjoint(route.ids.values())


def _parts(route: Route, scope: Scope) -> dict[str, Any]:
    """Return the named parts of the path; one of another shape cannot exist."""
    values: dict[str, str] = scope["path_params"]
    for name, kind in route.ids.items():
        if not is_id(kind, values[name]):
            raise NotFound("There is no such resource.")
    for name, pattern in route.texts.items():
        if re.fullmatch(pattern, values[name]) is None:
            raise NotFound("There is no such resource.")
    return dict(values)


def _query(
    route: Route, scope: Scope, arguments: dict[str, Any], faults: list[Fault]
) -> tuple[Pairs, bool]:
    """Return the parameters as sent, and whether this is a dry run."""
    try:
        pairs = parse_query(scope["query_string"])
        if not pairs and not route.takes_query:
            return pairs, False
        query = route.query.of(pairs)
    except InvalidRequest as error:
        faults += error.faults
        return (), False
    if route.takes_query:
        arguments["query"] = query
    return pairs, isinstance(query, ChangeQuery) and query.dry_run


async def _body(
    route: Route,
    receive: Receive,
    exchange: Exchange,
    arguments: dict[str, Any],
    faults: list[Fault],
) -> object:
    """Return the JSON value, None for no body; a body on a method without one is not read."""
    if route.body is None:
        return None
    body = await json_body.read_body(receive)
    value: object = None
    if body:
        json_body.check_media_type(exchange.headers, route.media_types)
        value = json_body.parse(body)
    elif route.needs_body:
        raise MalformedBody("The body is missing.")
    try:
        checked = route.body.read(value if body else {})
    except InvalidRequest as error:
        faults += error.faults
        return value
    if route.takes_body:
        arguments["body"] = checked
    return value


def _request(exchange: Exchange, pairs: Pairs, value: object) -> bytes:
    """Return one form of all requests that count as the same: method, path, query, JSON value."""
    return json_body.canonical(
        [exchange.method, exchange.path, [list(pair) for pair in sorted(pairs)], value]
    )
