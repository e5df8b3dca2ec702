"""The door: whoever lacks the permission reaches nothing but the audit log."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

import gateway.services
from gateway.domain.audit import AuditEntry, Phase
from gateway.domain.caller import ALL_PERMISSIONS, Caller, CallerKind, Permission
from gateway.domain.clock import SystemClock
from gateway.domain.errors import NotFound, PermissionDenied, ServiceUnavailable, StateConflict
from gateway.domain.ids import IdKind, ResellerId
from gateway.domain.secrets import SystemRandom
from gateway.services.action import SPEC, Action, ActionSpec, Subscriber, action
from gateway.services.context import Context, Ports
from gateway.services.scope import Scope, scope_of
from tests.factories import an_id

RESELLER = ResellerId(an_id(IdKind.RESELLER))
LINE = an_id(IdKind.LINE)
MAY_NOT = Subscriber.MAY_NOT
Door = Callable[..., Awaitable[Any]]


class Closed:
    """What must not be reached: any use of it is a failure."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"reached {name}")


class Entries:
    """The audit log, and whether it takes entries."""

    def __init__(self) -> None:
        self.appended: list[AuditEntry] = []
        self.broken = False

    async def append(self, entry: AuditEntry) -> None:
        if self.broken:
            raise ServiceUnavailable("The gateway's database is not available.")
        self.appended.append(entry)


class AuditOnly:
    """A store of which nothing but the audit log may be touched."""

    def __init__(self, entries: Entries) -> None:
        self.audit = entries

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"reached store.{name}")


class Watched:
    """A database that tells which transactions were opened."""

    def __init__(self) -> None:
        self.entries = Entries()
        self.opened: list[tuple[str, str]] = []

    @asynccontextmanager
    async def read(self, scope: Scope) -> AsyncIterator[Any]:
        self.opened.append(("read", scope.path))
        yield AuditOnly(self.entries)

    @asynccontextmanager
    async def write(self, scope: Scope) -> AsyncIterator[Any]:
        self.opened.append(("write", scope.path))
        yield AuditOnly(self.entries)


def ports_on(database: Watched) -> Ports:
    closed: Any = Closed()
    return Ports(
        database=database,  # type: ignore[arg-type]  # Watched stands in for a database.
        panels=closed,
        cache=closed,
        notices=closed,
        sealer=closed,
        clock=SystemClock(),
        random=SystemRandom(),
        identity=closed,
        tasks=closed,
        flights=closed,
        limits=closed,
    )


def a_caller(**changes: Any) -> Caller:
    members: dict[str, Any] = {
        "kind": CallerKind.RESELLER,
        "id": RESELLER,
        "key_id": "key_1",
        "reseller_id": RESELLER,
        "owner_path": f"/{RESELLER}/",
        "permissions": frozenset(),
    }
    return Caller(**members | changes)


def context_of(database: Watched, **changes: Any) -> Context:
    return Context(
        ports=ports_on(database), caller=a_caller(**changes), request_id="req_1", ip="203.0.113.7"
    )


def doors() -> list[Door]:
    found: dict[str, Door] = {}
    for module in pkgutil.iter_modules(gateway.services.__path__):
        loaded = importlib.import_module(f"gateway.services.{module.name}")
        for value in vars(loaded).values():
            if hasattr(value, SPEC):
                found[spec_of(value).name] = value
    return [found[name] for name in sorted(found)]


def spec_of(door: Door) -> ActionSpec:
    spec: ActionSpec = getattr(door, SPEC)
    return spec


@pytest.mark.parametrize("door", doors(), ids=lambda door: spec_of(door).name)
async def test_without_its_permission_an_action_touches_nothing_but_the_audit_log(
    door: Door,
) -> None:
    """Whatever it would be called with: the arguments are looked at only behind the door."""
    spec, database = spec_of(door), Watched()
    if spec.needs is None:
        # Who one is, and the text of an id: without it, ids could not be sent in its place.
        # Public keys are public; a client that has proved who it is gets tokens and ends them. What
        # is delivered to a source is proved by its signature.
        assert spec.name in {
            *("me.read", "document.find", "signing_key.list"),
            *("token.issue", "token.exchange", "token.introspect", "token.revoke"),
            "inbound_event.receive",
        }
        return
    others = ALL_PERMISSIONS - {spec.needs}
    with pytest.raises(PermissionDenied, match=str(spec.needs)):
        await door(context_of(database, permissions=others), LINE)
    if not spec.is_audited:
        assert (database.opened, database.entries.appended) == ([], [])
        return
    assert database.opened == [("write", f"/{RESELLER}/")]
    (entry,) = database.entries.appended
    assert (entry.phase, entry.action, entry.code) == (
        Phase.DENIED,
        spec.name,
        "permission_denied",
    )
    assert (entry.resource_id, entry.operation_id) == (LINE, None)
    assert (entry.reseller_id, entry.owner_path) == (RESELLER, f"/{RESELLER}/")
    assert (entry.asker.key_id, entry.asker.ip) == ("key_1", "203.0.113.7")
    assert (entry.before, entry.after) == (None, None)


@pytest.mark.parametrize(
    "door",
    [door for door in doors() if spec_of(door).is_audited],
    ids=lambda door: spec_of(door).name,
)
async def test_a_suspended_caller_changes_nothing_even_with_all_permissions(door: Door) -> None:
    database = Watched()
    with pytest.raises(PermissionDenied, match="suspended"):
        await door(context_of(database, permissions=ALL_PERMISSIONS, suspended=True), LINE)
    assert [entry.phase for entry in database.entries.appended] == [Phase.DENIED]


#: What storefronts may do; nothing else, until this line is changed.
FOR_STOREFRONTS = {
    *("me.read", "document.find", "operation.read", "operation.watch"),
    *("line.read", "line.read_info", "line.list_info", "line.watch", "line.rotate_password"),
    *("device.read", "device.read_info", "device.list_info", "device.watch"),
}


def a_storefront(**changes: Any) -> dict[str, Any]:
    members: dict[str, Any] = {
        "kind": CallerKind.STOREFRONT,
        "id": LINE,
        "resource_id": LINE,
        "key_id": "cli_1",
        "chain": ("cli_1", "cli_0"),
        "permissions": ALL_PERMISSIONS,
    }
    return members | changes


def test_an_action_is_for_storefronts_only_if_it_says_so() -> None:
    allowed = [spec_of(door) for door in doors() if spec_of(door).subscriber is not MAY_NOT]
    assert {spec.name for spec in allowed} == FOR_STOREFRONTS


@pytest.mark.parametrize(
    "door",
    [door for door in doors() if spec_of(door).subscriber is MAY_NOT],
    ids=lambda door: spec_of(door).name,
)
async def test_a_storefront_with_all_permissions_gets_through_no_other_door(door: Door) -> None:
    database = Watched()
    with pytest.raises(PermissionDenied, match="storefront"):
        await door(context_of(database, **a_storefront()), LINE)
    entries = database.entries.appended
    assert [entry.phase for entry in entries] == [Phase.DENIED] * spec_of(door).is_audited
    for entry in entries:
        asker = entry.asker
        assert (asker.caller_kind, asker.caller_id) == ("storefront", LINE)
        assert (asker.key_id, asker.chain) == ("cli_1", ("cli_1", "cli_0"))


@pytest.mark.parametrize(
    "door",
    [door for door in doors() if spec_of(door).subscriber is not MAY_NOT],
    ids=lambda door: spec_of(door).name,
)
async def test_a_storefront_finds_no_other_line_or_device_behind_any_door(door: Door) -> None:
    for kind in (IdKind.LINE, IdKind.DEVICE):
        database = Watched()
        with pytest.raises(NotFound) as caught:
            await door(context_of(database, **a_storefront()), an_id(kind))
        assert caught.value.detail == "There is no such thing."
        assert (database.opened, database.entries.appended) == ([], [])


def test_a_caller_that_is_bound_to_nothing_or_wrongly_has_no_scope() -> None:
    for changes in (a_storefront(resource_id=None), {"resource_id": LINE}):
        with pytest.raises(RuntimeError, match="bound"):
            scope_of(a_caller(**changes))


async def test_a_refusal_that_cannot_be_recorded_is_no_plain_refusal() -> None:
    database = Watched()
    database.entries.broken = True

    @action("thing.change", needs=Permission.LINES_WRITE, is_audited=True)
    async def change(act: Action) -> None:
        raise AssertionError("behind the door")

    with pytest.raises(ServiceUnavailable):
        await change(context_of(database))


async def test_a_refusal_inside_is_recorded_once_and_what_is_no_refusal_is_not() -> None:
    database = Watched()

    @action("thing.change", needs=Permission.LINES_WRITE, is_audited=True)
    async def change(act: Action, error: Exception, line_id: str = LINE) -> None:
        raise error

    context = context_of(database, permissions=ALL_PERMISSIONS)
    kept = StateConflict("No.", operation_id="op_1")
    replayed = StateConflict("No.")
    replayed.replayed = True
    for error in (NotFound("No."), kept, replayed, ZeroDivisionError("a bug")):
        with pytest.raises(type(error)):
            await change(context, error)
    assert database.entries.appended == []
    with pytest.raises(StateConflict):
        await change(context, StateConflict("No."), line_id=LINE)
    (entry,) = database.entries.appended
    assert (entry.phase, entry.code, entry.resource_id) == (Phase.FAILED, "state_conflict", LINE)


async def test_who_sees_everything_opens_the_whole_and_a_reseller_its_own() -> None:
    @action("thing.read", needs=None)
    async def read(act: Action) -> None:
        async with act.read():
            pass

    for kind, path, scope in (
        (CallerKind.OPERATOR, "/", "/"),
        (CallerKind.SYSTEM, "/", "/"),
        (CallerKind.RESELLER, f"/{RESELLER}/", f"/{RESELLER}/"),
    ):
        database = Watched()
        await read(context_of(database, kind=kind, owner_path=path))
        assert database.opened == [("read", scope)]
