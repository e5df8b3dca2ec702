"""No method of any repository reads or changes what belongs to a stranger."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pytest

from gateway.db.store import SqlDatabase
from gateway.domain.audit import AuditEntry, AuditFilter
from gateway.domain.catalog import CreditAlert
from gateway.domain.clients import Client
from gateway.domain.deliveries import Attempt, Delivery
from gateway.domain.devices import Device
from gateway.domain.documents import TrustedDocument
from gateway.domain.drifts import Drift, DriftFilter
from gateway.domain.errors import GatewayError, NotFound
from gateway.domain.events import Event, EventFilter
from gateway.domain.ids import DeliveryId, OperationId, ResellerId
from gateway.domain.inbound import InboundEvent, Source
from gateway.domain.inbound_subjects import Subject
from gateway.domain.keys import Key
from gateway.domain.lines import Line
from gateway.domain.operations import Operation, OperationFilter, OperationState
from gateway.domain.paging import PageRequest
from gateway.domain.webhooks import Endpoint
from gateway.services.ports import (
    callers_store,
    events_store,
    operations_store,
    subscriptions_store,
    webhooks_store,
)
from gateway.services.ports import inbound_store as inbound_ports
from gateway.services.ports.store import Store
from gateway.services.scope import Scope, system_scope
from tests.db.conftest import Family, scope_for
from tests.db.kinds import DEVICES, KINDS, LINES, Kind
from tests.factories import (
    NOW,
    PANEL_ID,
    a_client,
    a_delivery,
    a_device,
    a_document,
    a_drift,
    a_kept_answer,
    a_key,
    a_line,
    a_source,
    a_subject,
    an_attempt,
    an_audit_entry,
    an_endpoint,
    an_event,
    an_inbound_event,
    an_operation,
    owned_by,
)

AN_ALERT = CreditAlert(reseller_id=ResellerId("rsl_1"), low_threshold="1")


@dataclass(frozen=True)
class Belongings:
    """What Bob has."""

    line: Line
    device: Device
    key: Key
    client: Client
    operation: Operation
    drift: Drift
    event: Event
    entry: AuditEntry
    document: TrustedDocument
    source: Source
    arrival: InboundEvent
    subject: Subject
    endpoint: Endpoint
    delivery: Delivery

    def of(self, kind: Kind) -> Any:
        return self.line if kind is LINES else self.device


@pytest.fixture
async def bobs(registry: SqlDatabase, family: Family) -> Belongings:
    mine = owned_by(family.bob)
    source = a_source(**mine)
    endpoint = an_endpoint(**mine, mail_at=NOW)
    made = Belongings(
        line=a_line(**mine, external_id="x", username="bobs", is_trial=True),
        device=a_device(**mine, external_id="x", is_trial=True),
        key=a_key(**mine),
        client=a_client(**mine),
        operation=an_operation(**mine, state=OperationState.SENDING, settles_at=NOW, watch_at=NOW),
        drift=a_drift(**mine),
        event=an_event(**mine),
        entry=an_audit_entry(**mine),
        document=a_document(**mine),
        source=source,
        arrival=an_inbound_event(source, subject_id="x"),
        subject=a_subject(source, next_at=NOW),
        endpoint=endpoint,
        delivery=a_delivery(endpoint),
    )
    async with registry.write(system_scope()) as store:
        for kind in KINDS:
            await kind.of(store).add(made.of(kind))
            await kind.of(store).add_reference(made.of(kind).id, "invoice", OperationId("op_1"))
        await store.keys.add(made.key, b"b" * 32)
        await store.clients.add(made.client)
        await store.operations.add(made.operation)
        await store.drifts.add(made.drift)
        await store.events.append(made.event)
        alert = replace(AN_ALERT, reseller_id=family.bob.id, low_threshold="5")
        await store.credit_alerts.put(family.bob, alert)
        await store.audit.append(made.entry)
        await store.answers.add(a_kept_answer(id="a1", owner=family.bob.id, key="k"))
        await store.documents.add([made.document])
        await store.inbound_sources.add(made.source)
        await store.inbound_events.add(made.arrival)
        await store.inbound_subjects.lock(made.subject)
        await store.endpoints.add(made.endpoint)
        await store.deliveries.add_missing([made.delivery])
        await store.deliveries.add_attempts([an_attempt(made.delivery)])
    return made


async def everything(database: SqlDatabase, bobs: Belongings, family: Family) -> tuple[Any, ...]:
    """Return all that Bob has, as the operator sees it."""
    page = PageRequest()
    async with database.read(system_scope()) as store:
        return (
            *[await kind.of(store).list(kind.criteria(), page, NOW) for kind in KINDS],
            *[await kind.of(store).find_reference(bobs.of(kind).id, "invoice") for kind in KINDS],
            await store.resellers.get(family.bob.id),
            await store.keys.list(page, None),
            await store.clients.list(page, None),
            await store.operations.list(OperationFilter(), page),
            await store.drifts.list(DriftFilter(), page),
            await store.events.list(EventFilter(), page),
            await store.credit_alerts.find(family.bob.id),
            *[await kind.of(store).list_compared(PANEL_ID, 9) for kind in KINDS],
            await store.audit.list(AuditFilter(), page),
            await store.answers.find(family.bob.id, "k"),
            await store.documents.list(page, None),
            await store.inbound_sources.list(page, None),
            await store.inbound_events.list(page, bobs.source.id),
            await store.inbound_subjects.peek(bobs.subject.id),
            await store.endpoints.list(page, None),
            await store.deliveries.list(bobs.endpoint.id, page),
            await store.deliveries.list_attempts([bobs.delivery.id]),
        )


async def attempts_of(store: Store, delivery_id: DeliveryId) -> tuple[Attempt, ...]:
    return (await store.deliveries.list_attempts([delivery_id]))[delivery_id]


LONG_AGO = NOW.replace(year=2020)
Call = Callable[..., Awaitable[object]]
EMPTY_PAGE = "an empty page"


def grid_of(kind: Kind) -> dict[str, tuple[Call, object]]:
    """Return what lines and devices have in common."""
    of, make = kind.of, kind.make
    methods: dict[str, tuple[Call, object]] = {
        "get": (lambda s, b, f: of(s).get(b.of(kind).id), NotFound),
        "find_by_external_id": (lambda s, b, f: of(s).find_by_external_id(f.bob.id, "x"), None),
        "list": (
            lambda s, b, f: of(s).list(kind.criteria(reseller_id=f.bob.id), PageRequest(), NOW),
            EMPTY_PAGE,
        ),
        "list_by_ids": (lambda s, b, f: of(s).list_by_ids([b.of(kind).id]), ()),
        "add": (lambda s, b, f: of(s).add(make(**owned_by(f.bob))), RuntimeError),
        "save": (lambda s, b, f: of(s).save(replace(b.of(kind), notes="x")), NotFound),
        "raise_epoch": (lambda s, b, f: of(s).raise_epoch(b.of(kind).id), NotFound),
        "delete": (lambda s, b, f: of(s).delete(b.of(kind).id), NotFound),
        "count": (lambda s, b, f: of(s).count(f.bob.id), 0),
        "count_trials": (lambda s, b, f: of(s).count_trials(f.bob.id, NOW), 0),
        "find_reference": (lambda s, b, f: of(s).find_reference(b.of(kind).id, "invoice"), None),
        "add_reference": (
            lambda s, b, f: of(s).add_reference(b.of(kind).id, "y", OperationId("op_2")),
            NotFound,
        ),
        "delete_reference": (lambda s, b, f: of(s).delete_reference(OperationId("op_1")), None),
        "take_uncompared": (
            lambda s, b, f: of(s).take_uncompared(PANEL_ID, NOW.replace(year=2030), NOW, 9),
            (),
        ),
        "set_compared": (lambda s, b, f: of(s).set_compared(b.of(kind).id, LONG_AGO), None),
        "list_compared": (lambda s, b, f: of(s).list_compared(PANEL_ID, 9), ()),
        "take_telling": (lambda s, b, f: of(s).take_telling(NOW.replace(year=2030), 9), ()),
        "set_telling": (lambda s, b, f: of(s).set_telling(b.of(kind).id, None), None),
        "look_anew": (lambda s, b, f: of(s).look_anew(f.bob.id, NOW), None),
    }
    return {f"{kind.noun.capitalize()}.{name}": it for name, it in methods.items()}


#: Every method: how a stranger would call it, and what it may answer.
GRID: dict[str, tuple[Call, object]] = {
    **grid_of(LINES),
    **grid_of(DEVICES),
    "Lines.find_by_username": (
        lambda s, b, f: s.lines.find_by_username(b.line.panel_id, "bobs"),
        None,
    ),
    "Lines.list_by_username": (lambda s, b, f: s.lines.list_by_username("bobs"), ()),
    "Lines.list_controls": (
        lambda s, b, f: s.lines.list_controls(PANEL_ID, NOW, but="", limit=9),
        (),
    ),
    "Devices.find_by_mac": (
        lambda s, b, f: s.devices.find_by_mac(b.device.panel_id, b.device.mac),
        None,
    ),
    "Devices.list_by_mac": (lambda s, b, f: s.devices.list_by_mac(b.device.mac), ()),
    "Resellers.get": (lambda s, b, f: s.resellers.get(f.bob.id), NotFound),
    "Resellers.is_suspended": (lambda s, b, f: s.resellers.is_suspended(f.bob.owner_path), False),
    "Resellers.list": (lambda s, b, f: s.resellers.list(PageRequest()), "without Bob"),
    "Resellers.add": (
        lambda s, b, f: s.resellers.add(replace(f.bob, owner_path="/rsl_new/")),
        RuntimeError,
    ),
    "Resellers.save": (lambda s, b, f: s.resellers.save(replace(f.bob, name="x")), NotFound),
    "Resellers.lock": (lambda s, b, f: s.resellers.lock(f.bob.id), NotFound),
    "Keys.get": (lambda s, b, f: s.keys.get(b.key.id), NotFound),
    "Keys.find_by_digest": (lambda s, b, f: s.keys.find_by_digest(b"b" * 32), None),
    "Keys.list": (lambda s, b, f: s.keys.list(PageRequest(), f.bob.id), EMPTY_PAGE),
    "Keys.add": (lambda s, b, f: s.keys.add(a_key(**owned_by(f.bob)), b"c" * 32), RuntimeError),
    "Keys.revoke": (lambda s, b, f: s.keys.revoke(b.key.id, NOW), NotFound),
    "Keys.touch": (lambda s, b, f: s.keys.touch(b.key.id, NOW), None),
    "Clients.get": (lambda s, b, f: s.clients.get(b.client.id), NotFound),
    "Clients.find": (lambda s, b, f: s.clients.find(b.client.id), None),
    "Clients.origins": (lambda s, b, f: s.clients.origins(), frozenset()),
    "Clients.list": (lambda s, b, f: s.clients.list(PageRequest(), f.bob.id), EMPTY_PAGE),
    "Clients.add": (lambda s, b, f: s.clients.add(a_client(**owned_by(f.bob))), RuntimeError),
    "Clients.save": (lambda s, b, f: s.clients.save(replace(b.client, name="x")), NotFound),
    "Clients.touch": (lambda s, b, f: s.clients.touch(b.client.id, NOW), None),
    "Operations.get": (lambda s, b, f: s.operations.get(b.operation.id), NotFound),
    "Operations.list": (
        lambda s, b, f: s.operations.list(OperationFilter(), PageRequest()),
        EMPTY_PAGE,
    ),
    "Operations.find_open": (
        lambda s, b, f: s.operations.find_open(b.operation.resource_id),
        None,
    ),
    "Operations.add": (
        lambda s, b, f: s.operations.add(an_operation(**owned_by(f.bob))),
        RuntimeError,
    ),
    "Operations.claim": (lambda s, b, f: s.operations.claim(b.operation), False),
    "Operations.save": (
        lambda s, b, f: s.operations.save(b.operation, was=OperationState.SENDING),
        False,
    ),
    "Operations.list_stale": (
        lambda s, b, f: s.operations.list_stale(OperationState.SENDING, NOW.replace(year=2030), 9),
        (),
    ),
    "Operations.take_due": (
        lambda s, b, f: s.operations.take_due(NOW.replace(year=2030), NOW, 9),
        (),
    ),
    "Operations.list_watched": (
        lambda s, b, f: s.operations.list_watched(NOW.replace(year=2030), 9),
        (),
    ),
    "Drifts.list": (lambda s, b, f: s.drifts.list(DriftFilter(), PageRequest()), EMPTY_PAGE),
    "Drifts.find_open": (lambda s, b, f: s.drifts.find_open(b.drift.resource_id), None),
    "Drifts.count_open": (lambda s, b, f: s.drifts.count_open([b.drift.resource_id]), 0),
    "Drifts.add": (lambda s, b, f: s.drifts.add(a_drift(**owned_by(f.bob))), RuntimeError),
    "Drifts.save": (lambda s, b, f: s.drifts.save(replace(b.drift, closed_at=NOW)), NotFound),
    "Events.append": (
        lambda s, b, f: s.events.append(an_event(**owned_by(f.bob))),
        RuntimeError,
    ),
    "Events.find": (lambda s, b, f: s.events.find(b.event.id), None),
    "Events.list": (lambda s, b, f: s.events.list(EventFilter(), PageRequest()), EMPTY_PAGE),
    "Events.list_ids": (lambda s, b, f: s.events.list_ids([b.event.id]), ()),
    "Events.list_after": (lambda s, b, f: s.events.list_after(None, 9), ()),
    "Events.delete_older": (lambda s, b, f: s.events.delete_older(NOW.replace(year=2030), 9), 0),
    "Events.settle": (lambda s, b, f: s.events.settle(), 0),
    "CreditAlerts.find": (lambda s, b, f: s.credit_alerts.find(f.bob.id), None),
    "CreditAlerts.list_after": (lambda s, b, f: s.credit_alerts.list_after(None, 9), ()),
    "CreditAlerts.put": (
        lambda s, b, f: s.credit_alerts.put(f.bob, replace(AN_ALERT, reseller_id=f.bob.id)),
        RuntimeError,
    ),
    "CreditAlerts.delete": (lambda s, b, f: s.credit_alerts.delete(f.bob.id), None),
    "AuditEntries.append": (
        lambda s, b, f: s.audit.append(an_audit_entry(**owned_by(f.bob))),
        RuntimeError,
    ),
    "AuditEntries.list": (lambda s, b, f: s.audit.list(AuditFilter(), PageRequest()), EMPTY_PAGE),
    "KeptAnswers.find": (lambda s, b, f: s.answers.find(f.bob.id, "k"), None),
    "KeptAnswers.add": (
        lambda s, b, f: s.answers.add(a_kept_answer(owner=f.bob.id)),
        RuntimeError,
    ),
    "KeptAnswers.delete": (lambda s, b, f: s.answers.delete("a1"), None),
    "KeptAnswers.delete_older": (
        lambda s, b, f: s.answers.delete_older(NOW.replace(year=2030), 9),
        0,
    ),
    "TrustedDocuments.get": (
        lambda s, b, f: s.documents.get(f.bob.owner_path, b.document.id),
        NotFound,
    ),
    "TrustedDocuments.find_for_caller_at": (
        lambda s, b, f: s.documents.find_for_caller_at(f.bob.owner_path, b.document.id),
        None,
    ),
    "TrustedDocuments.list": (
        lambda s, b, f: s.documents.list(PageRequest(), f.bob.id),
        EMPTY_PAGE,
    ),
    "TrustedDocuments.known": (
        lambda s, b, f: s.documents.known(f.bob.owner_path, [b.document.id]),
        frozenset(),
    ),
    "TrustedDocuments.count": (lambda s, b, f: s.documents.count(f.bob.owner_path), 0),
    "TrustedDocuments.lock": (lambda s, b, f: s.documents.lock(f.bob.owner_path), RuntimeError),
    "TrustedDocuments.add": (
        lambda s, b, f: s.documents.add([a_document(**owned_by(f.bob))]),
        RuntimeError,
    ),
    "TrustedDocuments.delete": (
        lambda s, b, f: s.documents.delete(f.bob.owner_path, b.document.id),
        NotFound,
    ),
    "Endpoints.lock": (lambda s, b, f: s.endpoints.lock(f.bob.owner_path), RuntimeError),
    "Endpoints.count": (lambda s, b, f: s.endpoints.count(f.bob.owner_path), 0),
    "Endpoints.get": (lambda s, b, f: s.endpoints.get(b.endpoint.id), NotFound),
    "Endpoints.list": (lambda s, b, f: s.endpoints.list(PageRequest(), f.bob.id), EMPTY_PAGE),
    "Endpoints.add": (
        lambda s, b, f: s.endpoints.add(an_endpoint(**owned_by(f.bob))),
        RuntimeError,
    ),
    "Endpoints.save": (
        lambda s, b, f: s.endpoints.save(replace(b.endpoint, description="x")),
        NotFound,
    ),
    "Endpoints.take_mail_due": (
        lambda s, b, f: s.endpoints.take_mail_due(NOW.replace(year=2030), NOW),
        None,
    ),
    "Endpoints.set_mail_at": (
        lambda s, b, f: s.endpoints.set_mail_at(b.endpoint.id, NOW, None),
        False,
    ),
    "Endpoints.list_active": (lambda s, b, f: s.endpoints.list_active(), ()),
    "Endpoints.look": (lambda s, b, f: s.endpoints.look(b.endpoint.id), None),
    "Endpoints.find": (lambda s, b, f: s.endpoints.find(b.endpoint.id), None),
    "Deliveries.get": (lambda s, b, f: s.deliveries.get(b.delivery.id), NotFound),
    "Deliveries.find": (lambda s, b, f: s.deliveries.find(b.delivery.id), None),
    "Deliveries.list": (
        lambda s, b, f: s.deliveries.list(b.endpoint.id, PageRequest()),
        EMPTY_PAGE,
    ),
    "Deliveries.add_missing": (
        lambda s, b, f: s.deliveries.add_missing([a_delivery(b.endpoint)]),
        RuntimeError,
    ),
    "Deliveries.save": (
        lambda s, b, f: s.deliveries.save(replace(b.delivery, attempts=9)),
        NotFound,
    ),
    "Deliveries.take_due": (
        lambda s, b, f: s.deliveries.take_due(
            NOW.replace(year=2030), NOW, busy={}, each=9, failing=9, limit=9
        ),
        (),
    ),
    "Deliveries.take_next": (
        lambda s, b, f: s.deliveries.take_next(b.endpoint.id, NOW.replace(year=2030), NOW, limit=9),
        (),
    ),
    "Deliveries.end_delivered": (
        lambda s, b, f: s.deliveries.end_delivered([b.delivery.id], NOW),
        0,
    ),
    "Deliveries.release": (lambda s, b, f: s.deliveries.release([b.delivery], NOW), 0),
    "Deliveries.give_up": (lambda s, b, f: s.deliveries.give_up(b.endpoint.id, NOW), 0),
    "Deliveries.begin_failed": (
        lambda s, b, f: s.deliveries.begin_failed(b.endpoint.id, [b.delivery.event_id], NOW),
        0,
    ),
    "Deliveries.add_attempts": (
        lambda s, b, f: s.deliveries.add_attempts([an_attempt(b.delivery)]),
        RuntimeError,
    ),
    "Deliveries.list_attempts": (
        lambda s, b, f: attempts_of(s, b.delivery.id),
        (),
    ),
    "Deliveries.delete_older": (
        lambda s, b, f: s.deliveries.delete_older(NOW.replace(year=2030), 9),
        0,
    ),
    "Endpoints.delete": (lambda s, b, f: s.endpoints.delete(b.endpoint.id), NotFound),
    "InboundSources.get": (lambda s, b, f: s.inbound_sources.get(b.source.id), NotFound),
    "InboundSources.list": (
        lambda s, b, f: s.inbound_sources.list(PageRequest(), f.bob.id),
        EMPTY_PAGE,
    ),
    "InboundSources.add": (
        lambda s, b, f: s.inbound_sources.add(a_source(**owned_by(f.bob))),
        RuntimeError,
    ),
    "InboundSources.save": (
        lambda s, b, f: s.inbound_sources.save(replace(b.source, rules="x")),
        NotFound,
    ),
    "InboundSources.delete": (lambda s, b, f: s.inbound_sources.delete(b.source.id), NotFound),
    "InboundEvents.get": (lambda s, b, f: s.inbound_events.get(b.arrival.id), NotFound),
    "InboundEvents.list": (
        lambda s, b, f: s.inbound_events.list(PageRequest(), b.source.id),
        EMPTY_PAGE,
    ),
    "InboundEvents.add": (
        lambda s, b, f: s.inbound_events.add(an_inbound_event(b.source)),
        RuntimeError,
    ),
    "InboundEvents.save": (
        lambda s, b, f: s.inbound_events.save(replace(b.arrival, payload=None)),
        NotFound,
    ),
    "InboundEvents.take_received": (lambda s, b, f: s.inbound_events.take_received(), None),
    "InboundEvents.list_waiting": (lambda s, b, f: s.inbound_events.list_waiting("x"), ()),
    "InboundEvents.delete_older": (
        lambda s, b, f: s.inbound_events.delete_older(NOW.replace(year=2030), 9),
        0,
    ),
    "InboundSubjects.lock": (
        lambda s, b, f: s.inbound_subjects.lock(a_subject(b.source, "another")),
        RuntimeError,
    ),
    "InboundSubjects.find": (lambda s, b, f: s.inbound_subjects.find(b.subject.id), None),
    "InboundSubjects.peek": (lambda s, b, f: s.inbound_subjects.peek(b.subject.id), None),
    "InboundSubjects.save": (
        lambda s, b, f: s.inbound_subjects.save(replace(b.subject, attempts=9)),
        NotFound,
    ),
    "InboundSubjects.take_due": (
        lambda s, b, f: s.inbound_subjects.take_due(NOW.replace(year=2030), NOW, 9),
        (),
    ),
}


async def test_a_stranger_reads_and_changes_nothing(
    registry: SqlDatabase, family: Family, bobs: Belongings
) -> None:
    before = await everything(registry, bobs, family)
    for method, (call, expected) in GRID.items():
        answer = await as_ann(registry, family, partial(call, b=bobs, f=family))
        if expected == EMPTY_PAGE:
            assert getattr(answer, "items", None) == (), method
        elif expected == "without Bob":
            assert getattr(answer, "items", None) == (family.child, family.ann), method
        else:
            assert answer == expected, method
        assert await everything(registry, bobs, family) == before, method
    async with registry.write(system_scope()) as store:  # When they were compared is not shown.
        for kind in KINDS:
            assert await kind.of(store).take_uncompared(PANEL_ID, LONG_AGO, NOW, 9) == ()
            untouched = ((bobs.of(kind), NOW),)
            assert await kind.of(store).take_telling(NOW, 9) == untouched


#: What a storefront of Bob's may do that Ann may not: it adds to the log what it was refused.
STOREFRONT_MAY = {"AuditEntries.append": None}


async def test_a_storefront_of_the_same_reseller_is_a_stranger_too(
    registry: SqlDatabase, family: Family, bobs: Belongings
) -> None:
    """Bob's other line reads and changes nothing of what Bob has besides."""
    other = a_line(**owned_by(family.bob), username="other")
    async with registry.write(system_scope()) as store:
        await store.lines.add(other)
    before = await everything(registry, bobs, family)
    scope = Scope(family.bob.owner_path, other.id)
    for method, (call, expected) in GRID.items():
        answer = await as_scope(registry, scope, partial(call, b=bobs, f=family))
        if method in STOREFRONT_MAY:
            assert answer == STOREFRONT_MAY[method], method
            before = await everything(registry, bobs, family)
        elif expected in {EMPTY_PAGE, "without Bob"}:
            items = getattr(answer, "items", None)
            assert items == ((other,) if method == "Lines.list" else ()), method
        elif method in {"Lines.count", "Lines.list_compared", "Lines.list_controls"}:
            assert answer in (1, (other.id,), (other,)), method
        elif method == "Lines.take_uncompared":
            assert answer == (other,), method
        elif method == "Lines.take_telling":
            assert answer == ((other, other.created_at),), method
        else:
            assert answer == expected, method
        assert await everything(registry, bobs, family) == before, method


async def as_ann(
    database: SqlDatabase, family: Family, call: Callable[[Store], Awaitable[object]]
) -> object:
    """Return what Ann gets from a call: its answer, or the type of its error."""
    return await as_scope(database, scope_for(family.ann), call)


async def as_scope(
    database: SqlDatabase, scope: Scope, call: Callable[[Store], Awaitable[object]]
) -> object:
    try:
        async with database.write(scope) as store:
            return await call(store)
    except (GatewayError, RuntimeError) as error:
        return type(error)


def test_the_grid_has_every_method() -> None:
    protocols = [
        *(subscriptions_store.Lines, subscriptions_store.Devices),
        *(callers_store.Resellers, callers_store.Keys, callers_store.Clients),
        *(callers_store.TrustedDocuments, operations_store.AuditEntries),
        *(operations_store.Operations, operations_store.Drifts, operations_store.KeptAnswers),
        *(events_store.Events, events_store.CreditAlerts),
        inbound_ports.InboundSources,
        inbound_ports.InboundEvents,
        inbound_ports.InboundSubjects,
        webhooks_store.Endpoints,
        webhooks_store.Deliveries,
    ]
    methods = {
        f"{protocol.__name__}.{name}"
        for protocol in protocols
        for name in dir(protocol)
        if not name.startswith("_")
    }
    assert methods == set(GRID)
