"""An API of a test's own: the real edge, a few routes, and ports that must not be touched."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Final, cast

import httpx2
from pydantic import Field, Strict

from gateway.api.app import create_app
from gateway.api.exchange import Exchange
from gateway.api.options import ApiOptions
from gateway.api.rest.query import PageQuery
from gateway.api.rest.routing import (
    ExternalIdPart,
    Observed,
    Route,
    delete,
    get,
    patch,
    post,
    put,
)
from gateway.api.rest.shapes import Out
from gateway.api.rest.wire import Name, Patch, Time, Username, Wire, exactly_one
from gateway.domain.caller import ALL_PERMISSIONS, Caller, CallerKind, Permission
from gateway.domain.clock import SystemClock
from gateway.domain.errors import (
    Fault,
    PanelUnavailable,
    StateConflict,
    Unauthenticated,
)
from gateway.domain.ids import IdKind, LineId, ResellerId
from gateway.domain.paging import Page, encode_cursor
from gateway.domain.proofs import Proof
from gateway.domain.secrets import SystemRandom
from gateway.domain.subscriptions import ObservedInfo
from gateway.services.context import Context, DryRun, Limits, Outcome, Ports
from gateway.services.ports.panels import PanelCall
from gateway.services.tasks import SingleFlight, TaskKeeper
from tests.factories import an_operation

NOW: Final = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
#: The same in every process: test names are made of it.
LINE_ID: Final = LineId("line_01kjmma2g1tryj3rtwehhne08q")
OPERATION: Final = an_operation()

OPERATOR: Final = {"authorization": "Bearer operator"}


class Untouched:
    """A port that a test does not expect to be used."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"somebody asked a port for {name}")


class Keys:
    """An identity that knows one key of an operator and one of a reseller."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str | None]] = []
        self.proofs: list[Proof | None] = []

    async def identify(self, bearer: str, ip: str | None, proof: Proof | None = None) -> Caller:
        """Return the caller that *bearer* names."""
        self.seen.append((bearer, ip))
        self.proofs.append(proof)
        if bearer == "operator":
            return Caller(kind=CallerKind.OPERATOR, id="op", permissions=ALL_PERMISSIONS)
        if bearer == "reseller":
            return Caller(
                kind=CallerKind.RESELLER,
                id="rsl",
                reseller_id=ResellerId("rsl"),
                owner_path="/rsl/",
                permissions=frozenset({Permission.LINES_READ}),
            )
        raise Unauthenticated("This key is not known.")


@dataclass
class Store:
    """A database that only tells whether it is ready."""

    ready: bool = True

    async def is_ready(self) -> bool:
        """Answer what the test wants."""
        return self.ready


def some_ports(*, keys: Keys | None = None, store: Any = None) -> Ports:
    """Return ports of which only clock, randomness and identity work."""
    untouched = cast("Any", Untouched())
    tasks = TaskKeeper()
    return Ports(
        database=store or untouched,
        panels=untouched,
        cache=untouched,
        notices=untouched,
        sealer=untouched,
        clock=SystemClock(),
        random=SystemRandom(),
        identity=keys or Keys(),
        tasks=tasks,
        flights=SingleFlight(tasks),
        limits=Limits(),
    )


def challenge_in(response: httpx2.Response) -> str:
    """Return the challenge of a refusal, without where to learn how to get a token."""
    given: str = response.headers["www-authenticate"]
    return re.sub(r',? resource_metadata="[^"]*"$', "", given)


@dataclass
class Recorder:
    """Telemetry that keeps what it is told."""

    ended: list[Exchange] = field(default_factory=list)
    broken: list[Exception] = field(default_factory=list)

    def request_began(self, exchange: Exchange) -> None:
        """Do nothing."""

    def request_ended(self, exchange: Exchange) -> None:
        """Keep the exchange."""
        self.ended.append(exchange)

    def request_broke(self, exchange: Exchange, error: Exception) -> None:
        """Keep the error."""
        self.broken.append(error)

    def metrics(self) -> tuple[bytes, str]:
        """Return one metric."""
        return b"up 1\n", "text/plain; version=0.0.4; charset=utf-8"


def api(
    table: tuple[Route, ...] | None = None,
    *,
    ports: Ports | None = None,
    peer: str = "192.0.2.1",
    **options: Any,
) -> httpx2.AsyncClient:
    """Return a client of an API with the test's routes, or *table*."""
    app = create_app(ports or some_ports(), ApiOptions(**options), table=table or ROUTES)
    transport = httpx2.ASGITransport(app, client=(peer, 4711))
    return httpx2.AsyncClient(transport=transport, base_url="http://gateway.test")


def assert_problem(
    response: httpx2.Response, status: int, code: str, *pointers: str
) -> dict[str, Any]:
    """Check that *response* is a whole problem, with faults at exactly these places."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    allowed = {"type", "title", "status", "detail", "code", "request_id", "errors", "operation_id"}
    assert set(problem) <= allowed
    assert problem["code"] == code
    assert problem["status"] == status
    assert problem["type"] == f"urn:xtream-gateway:problem:{code}"
    assert problem["request_id"] == response.headers["x-request-id"]
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,128}", problem["request_id"])
    assert problem["title"]
    assert problem["detail"]
    faults = problem.get("errors", [])
    assert sorted(fault["pointer"] for fault in faults) == sorted(pointers)
    assert all(set(fault) == {"pointer", "code", "detail"} for fault in faults)
    return problem


# --- the routes ----------------------------------------------------------------------------------


class PartIn(Wire):
    """Something inside a thing."""

    size: int


class ThingIn(Wire):
    """A thing to make."""

    name: Name
    username: Username | None = None
    at: Time | None = None
    count: Annotated[int, Field(ge=1, le=10)] = 1
    parts: Annotated[tuple[PartIn, ...], Strict(strict=False)] = ()
    labels: dict[str, Annotated[str, Field(max_length=3)]] = Field(default_factory=dict)
    left: bool = False
    right: bool = False

    @classmethod
    def cross_faults(cls, body: dict[str, Any]) -> Iterator[Fault]:
        """A thing goes one way or not at all."""
        if "left" in body or "right" in body:
            yield from exactly_one(body, "left", "right")


class ThingPatch(Patch):
    """What may change of a thing."""

    name: Name = ""
    at: Time | None = None


class Why(Wire):
    """A reason."""

    reason: str | None = None


class ThingQuery(PageQuery):
    """Which things to list."""

    kind: ClassVar[IdKind] = IdKind.LINE

    name: Name | None = None


class ThingOut(Out, frozen=True, kw_only=True):
    """A thing."""

    id: str
    name: str
    version: int = 3
    at: datetime | None = None
    context: dict[str, Any] | None = None


_NO_REASON = Why()


def _seen(context: Context) -> dict[str, Any]:
    idempotency = context.idempotency
    return {
        "caller": context.caller.id,
        "ip": context.ip,
        "key": None if idempotency is None else idempotency.key,
        "request": None if idempotency is None else idempotency.request.decode(),
        "if_version": context.if_version,
        "no_cache": context.no_cache,
        "wait_seconds": context.wait_seconds,
    }


def _tried(**after: Any) -> Outcome[Any]:
    """Return what a change answers that was only tried."""
    call = PanelCall(
        method="POST",
        path="/api.php",
        query="action=user&sub=create",
        form={"username": "anna", "password": "***"},
    )
    return Outcome(
        value=None, dry_run=DryRun(before=None, after=after, panel_calls=(call,)), created=True
    )


@post("/v1/things", status=201, needs=None, may_stay_open=True)
async def create_thing(context: Context, body: ThingIn) -> Outcome[ThingOut]:
    """Create a thing."""
    if context.dry_run:
        return _tried(name=body.name, context=_seen(context))
    if body.name == "lost":
        return Outcome(value=None)
    if body.name == "open":
        return Outcome(value=None, operation=OPERATION)
    made = ThingOut(id=LINE_ID, name=body.name, at=body.at, context=_seen(context))
    return Outcome(value=made, replayed=body.name == "again")


@get("/v1/things", needs=None)
async def list_things(context: Context, query: ThingQuery) -> Page[ThingOut]:
    """List things."""
    thing = ThingOut(id=LINE_ID, name=query.name or "any", context={"after": query.cursor})
    is_last = query.cursor is not None
    return Page(items=(thing,), next_cursor=None if is_last else encode_cursor(LINE_ID))


@get("/v1/things/{line_id}", needs=None)
async def get_thing(context: Context, line_id: LineId) -> Observed[ThingOut]:
    """Read a thing."""
    info = ObservedInfo(
        info=cast("Any", None),
        at=NOW,
        age_seconds=7,
        stale=context.no_cache,
        from_cache=not context.no_cache,
    )
    thing = ThingOut(id=line_id, name="it", at=NOW, context=_seen(context))
    return Observed(thing, None if context.caller.id == "rsl" else info)


@patch("/v1/things/{line_id}", needs=None)
async def change_thing(context: Context, line_id: LineId, body: ThingPatch) -> Outcome[ThingOut]:
    """Change a thing."""
    given = {name: str(value) for name, value in body.given().items()}
    return Outcome(value=ThingOut(id=line_id, name="it", context=_seen(context) | given))


@put("/v1/things/by-name/{external_id}", needs=None, may_stay_open=True)
async def put_thing(
    context: Context, external_id: ExternalIdPart, body: ThingPatch
) -> Outcome[ThingOut]:
    """Make a thing of this name, or change the one there."""
    if context.dry_run:
        return _tried(name=external_id)
    thing = ThingOut(id=LINE_ID, name=external_id, context=_seen(context))
    return Outcome(value=thing, created=body.name == "new")


@post("/v1/things/lookup", needs=None)
async def look_up_thing(context: Context, body: Why) -> Observed[ThingOut]:
    """Find a thing by what must not stand in a URL."""
    return Observed(ThingOut(id=LINE_ID, name=str(body.reason), context=_seen(context)), None)


@delete("/v1/things/{line_id}", needs=None)
async def delete_thing(context: Context, line_id: LineId) -> Outcome[None]:
    """Delete a thing."""
    if context.dry_run:
        return _tried()
    return Outcome(value=None, replayed=context.idempotency is not None)


@post("/v1/things/{line_id}/touch", needs=None, is_versioned=True)
async def touch_thing(context: Context, line_id: LineId, body: Why = _NO_REASON) -> ThingOut:
    """Touch a thing."""
    return ThingOut(id=line_id, name=str(body.reason), context=_seen(context))


@post("/v1/things/{line_id}/poke", needs=None)
async def poke_thing(context: Context, line_id: LineId) -> ThingOut:
    """Poke a thing; there is nothing to say about it."""
    return ThingOut(id=line_id, name="poked", context=_seen(context))


@post("/v1/things/{line_id}/break", needs=None)
async def break_thing(context: Context, line_id: LineId, body: Why) -> ThingOut:
    """Fail in the way that is asked for."""
    match body.reason:
        case "conflict":
            error = StateConflict("It is broken already.", operation_id=OPERATION.id)
            error.replayed = True
            raise error
        case "panel":
            raise PanelUnavailable("The panel was not reached.", retry_after_seconds=9)
        case "database":
            raise PanelUnavailable("The panel was not reached.")
        case _:
            raise ValueError("secret-of-the-code")


ROUTES: Final = (
    create_thing,
    list_things,
    get_thing,
    change_thing,
    put_thing,
    look_up_thing,
    delete_thing,
    touch_thing,
    poke_thing,
    break_thing,
)
