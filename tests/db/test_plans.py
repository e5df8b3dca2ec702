"""The lists that are paged are found by indexes, on both databases."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from gateway.db.store import SqlDatabase
from gateway.domain.audit import AuditFilter, Phase
from gateway.domain.deliveries import DeliveryState
from gateway.domain.devices import DeviceFilter
from gateway.domain.documents import DocumentId
from gateway.domain.drifts import DriftFilter, DriftKind, DriftState
from gateway.domain.events import EventFilter
from gateway.domain.ids import ClientId, EndpointId, PanelId, ResellerId
from gateway.domain.lines import LineFilter
from gateway.domain.operations import OperationFilter, OperationState, ShownState
from gateway.domain.paging import PageRequest
from gateway.domain.subscriptions import State
from gateway.services.scope import Scope, system_scope
from tests.db.kinds import DEVICES, KINDS, LINES, Kind
from tests.factories import NOW

Statements = list[tuple[str, Any]]
PAGE = PageRequest(after="zzz")
ANN = ResellerId("rsl_ann")


@pytest.fixture
async def statements(database: SqlDatabase) -> Statements:
    """Every SELECT that is run, with its parameters."""
    seen: Statements = []

    def note(*args: Any) -> None:
        if args[2].startswith("SELECT"):
            seen.append((args[2], args[3]))

    event.listen(database._engine.sync_engine, "before_cursor_execute", note)
    return seen


async def plan_of(engine: AsyncEngine, statement: str, parameters: Any) -> str:
    """Return the plan as text; PostgreSQL is told that reading a whole table is expensive."""
    async with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            for setting in ("enable_seqscan", "enable_sort"):
                await connection.execute(sa.text(f"SET LOCAL {setting} = off"))
            explain = "EXPLAIN "
        else:
            explain = "EXPLAIN QUERY PLAN "
        rows = await connection.exec_driver_sql(explain + statement, parameters)
        return "\n".join(str(row[-1]) for row in rows)


def queries_of(kind: Kind) -> dict[str, Any]:
    """Return what is asked of lines and of devices."""
    filters: dict[str, dict[str, Any]] = {
        "all": {},
        "of a state": {"state": State.EXPIRED},
        "by external id": {"external_id": "x"},
        "by plan": {"plan_id": "x"},
        "by expiry": {"expires_before": NOW},
        "by update": {"updated_since": NOW},
        "of a reseller": {"reseller_id": ANN},
        "by prefix": {"q": "x"},
    }
    return {
        f"{kind.noun} {name}": lambda s, it=it: kind.of(s).list(kind.criteria(**it), PAGE, NOW)
        for name, it in filters.items()
    } | {
        f"{kind.noun}, external id": lambda s: kind.of(s).find_by_external_id(ANN, "x"),
        f"{kind.noun}, count": lambda s: kind.of(s).count(ANN),
        f"{kind.noun}, trials": lambda s: kind.of(s).count_trials(ANN, NOW - timedelta(days=1)),
        f"{kind.noun}, reference": lambda s: kind.of(s).find_reference("x", "y"),
        f"{kind.noun}, compared last": lambda s: kind.of(s).list_compared(PanelId("pnl_1"), 50),
    }


QUERIES: dict[str, Any] = {
    **queries_of(LINES),
    **queries_of(DEVICES),
    "lines by username": lambda s: s.lines.list(LineFilter(username="x"), PAGE, NOW),
    "username": lambda s: s.lines.find_by_username(PanelId("pnl_1"), "x"),
    "username anywhere": lambda s: s.lines.list_by_username("x"),
    "devices by MAC": lambda s: s.devices.list(DeviceFilter(mac="x"), PAGE, NOW),
    "devices by prefix of a MAC": lambda s: s.devices.list(DeviceFilter(q="00:1A"), PAGE, NOW),
    "MAC": lambda s: s.devices.find_by_mac(PanelId("pnl_1"), "x"),
    "MAC anywhere": lambda s: s.devices.list_by_mac("x"),
    "keys": lambda s: s.keys.list(PAGE, None),
    "keys of a reseller": lambda s: s.keys.list(PAGE, ANN),
    "clients": lambda s: s.clients.list(PAGE, None),
    "clients of a reseller": lambda s: s.clients.list(PAGE, ANN),
    "client": lambda s: s.clients.find(ClientId("cli_1")),
    "key": lambda s: s.keys.find_by_digest(b"d" * 32),
    "resellers": lambda s: s.resellers.list(PAGE),
    "suspended": lambda s: s.resellers.is_suspended("/rsl_a/rsl_b/"),
    "operations": lambda s: s.operations.list(OperationFilter(), PAGE),
    "operations of a state": lambda s: s.operations.list(
        OperationFilter(state=ShownState.UNKNOWN), PAGE
    ),
    "operations of a kind": lambda s: s.operations.list(OperationFilter(kind="x"), PAGE),
    "operations of a resource": lambda s: s.operations.list(OperationFilter(resource_id="x"), PAGE),
    "open operation": lambda s: s.operations.find_open("x"),
    "stale operations": lambda s: s.operations.list_stale(OperationState.SENDING, NOW, 5),
    "entries": lambda s: s.audit.list(AuditFilter(), PAGE),
    "entries of a phase": lambda s: s.audit.list(AuditFilter(phase=Phase.DENIED), PAGE),
    "entries of an action": lambda s: s.audit.list(AuditFilter(action="x"), PAGE),
    "entries of a resource": lambda s: s.audit.list(AuditFilter(resource_id="x"), PAGE),
    "entries of an operation": lambda s: s.audit.list(AuditFilter(operation_id="x"), PAGE),
    "entries of a time": lambda s: s.audit.list(AuditFilter(since=NOW, until=NOW), PAGE),
    "drifts": lambda s: s.drifts.list(DriftFilter(), PAGE),
    "open drifts": lambda s: s.drifts.list(DriftFilter(state=DriftState.OPEN), PAGE),
    "drifts of a kind": lambda s: s.drifts.list(DriftFilter(kind=DriftKind.MISSING), PAGE),
    "drifts of a resource": lambda s: s.drifts.list(DriftFilter(resource_id="x"), PAGE),
    "drifts of a panel": lambda s: s.drifts.list(DriftFilter(panel_id=PanelId("pnl_1")), PAGE),
    "drifts of a reseller": lambda s: s.drifts.list(DriftFilter(reseller_id=ANN), PAGE),
    "open drift": lambda s: s.drifts.find_open("x"),
    "open drifts of some": lambda s: s.drifts.count_open(["x", "y"]),
    "answer": lambda s: s.answers.find("x", "y"),
    "count of endpoints": lambda s: s.endpoints.count("/rsl_a/"),
    "documents": lambda s: s.documents.list(PAGE, None),
    "documents of a reseller": lambda s: s.documents.list(PAGE, ANN),
    "document upwards": lambda s: s.documents.find_for_caller_at("/rsl_a/rsl_b/", DocumentId("x")),
    "known documents": lambda s: s.documents.known("/rsl_a/", ["x", "y"]),
    "count of documents": lambda s: s.documents.count("/rsl_a/"),
}


@pytest.mark.parametrize("scope", [system_scope(), Scope("/rsl_a/")], ids=["all", "reseller"])
async def test_a_query_is_answered_from_an_index(
    database: SqlDatabase, statements: Statements, scope: Scope
) -> None:
    for name, run in QUERIES.items():
        statements.clear()
        async with database.read(scope) as store:
            await run(store)
        (found,) = statements
        plan = await plan_of(database._engine, *found)
        assert "Seq Scan" not in plan, (name, plan)
        words = ("USING", "CONSTANT", "subquery")
        for line in plan.splitlines():
            assert not line.startswith("SCAN") or any(it in line for it in words), (name, plan)


ORDERED: list[tuple[dict[str, Any], str]] = [
    ({"plan_id": "x"}, "plan_id_id"),
    ({"external_id": "x"}, "external_id_id"),
    ({"reseller_id": ANN}, "reseller_id_id"),
    ({"state": State.PENDING}, "status_id"),
]


@pytest.mark.parametrize(
    ("kind", "criteria", "index"),
    [
        *[(kind, *it) for kind in KINDS for it in ORDERED],
        (DEVICES, {"mac": "x"}, "mac_id"),
    ],
)
async def test_a_filtered_page_is_read_in_order_without_sorting(
    database: SqlDatabase, statements: Statements, kind: Kind, criteria: dict[str, Any], index: str
) -> None:
    async with database.read(system_scope()) as store:
        await kind.of(store).list(kind.criteria(**criteria), PAGE, NOW)
    plan = await plan_of(database._engine, *statements[0])
    assert f"ix_{kind.noun}_{index}" in plan
    assert "Sort" not in plan
    assert "TEMP B-TREE" not in plan


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.noun)
async def test_what_was_compared_long_ago_is_found_in_order_without_sorting(
    database: SqlDatabase, statements: Statements, kind: Kind
) -> None:
    async with database.write(system_scope()) as store:
        assert await kind.of(store).take_uncompared(PanelId("pnl_1"), NOW, NOW, 5) == ()
    plan = await plan_of(database._engine, *statements[0])
    assert f"ix_{kind.noun}_panel_id_compared_at" in plan
    assert "Sort" not in plan
    assert "TEMP B-TREE" not in plan


@pytest.mark.parametrize(("kind", "name"), [(LINES, "username_norm"), (DEVICES, "mac_id")])
async def test_a_prefix_is_looked_up_in_both_of_its_indexes(
    database: SqlDatabase, statements: Statements, kind: Kind, name: str
) -> None:
    async with database.read(system_scope()) as store:
        await kind.of(store).list(kind.criteria(q="ab"), PAGE, NOW)
    plan = await plan_of(database._engine, *statements[0])
    if database._engine.dialect.name == "sqlite":
        assert f"ix_{kind.noun}_{name}" in plan
        assert f"ix_{kind.noun}_external_id_norm" in plan


EVENTS: dict[str, tuple[Any, str, str]] = {
    "all": (
        lambda s: s.events.list(EventFilter(), PageRequest()),
        *("ix_events_xact_number",) * 2,
    ),
    "oldest": (lambda s: s.events.list_after(None, 9), *("ix_events_xact_number",) * 2),
    "of a resource": (
        lambda s: s.events.list(EventFilter(resource_id="x"), PageRequest()),
        *("sqlite_autoindex_events_2", "uq_events_resource_id_sequence"),
    ),
    "old": (lambda s: s.events.delete_older(NOW, 9), *("ix_events_at",) * 2),
    "deliveries in a state": (
        lambda s: s.deliveries.list(EndpointId("whe_x"), PAGE, DeliveryState.FAILED),
        *("ix_webhook_deliveries_endpoint_id_state_id",) * 2,
    ),
}


@pytest.mark.parametrize("name", EVENTS)
async def test_events_are_read_in_order_from_an_index(
    database: SqlDatabase, statements: Statements, name: str
) -> None:
    run, *indexes = EVENTS[name]
    async with database.write(system_scope()) as store:
        await run(store)
    plan = await plan_of(database._engine, *statements[0])
    assert any(index in plan for index in indexes), plan
    assert not any(it in plan for it in ("Seq Scan", "Sort", "TEMP B-TREE")), plan


async def test_what_is_due_to_be_told_is_read_in_order_from_an_index(
    database: SqlDatabase, statements: Statements, kind: Kind
) -> None:
    """However many lines there are: only those that are due are touched."""
    async with database.write(system_scope()) as store:
        await kind.of(store).take_telling(NOW, 9)
    plan = await plan_of(database._engine, *statements[0])
    assert f"ix_{kind.noun}_tell_at" in plan, plan
    assert not any(it in plan for it in ("Seq Scan", "Sort", "TEMP B-TREE"))
