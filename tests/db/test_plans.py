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
from gateway.domain.ids import PanelId, ResellerId
from gateway.domain.lines import LineFilter, LineState
from gateway.domain.operations import OperationFilter, OperationState
from gateway.domain.paging import PageRequest
from gateway.services.ports.store import Store
from gateway.services.scope import Scope, system_scope
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


QUERIES: dict[str, Any] = {
    "lines": lambda s: s.lines.list(LineFilter(), PAGE, NOW),
    "lines of a state": lambda s: s.lines.list(LineFilter(state=LineState.EXPIRED), PAGE, NOW),
    "lines by external id": lambda s: s.lines.list(LineFilter(external_id="x"), PAGE, NOW),
    "lines by username": lambda s: s.lines.list(LineFilter(username="x"), PAGE, NOW),
    "lines by plan": lambda s: s.lines.list(LineFilter(plan_id="x"), PAGE, NOW),
    "lines by expiry": lambda s: s.lines.list(LineFilter(expires_before=NOW), PAGE, NOW),
    "lines by update": lambda s: s.lines.list(LineFilter(updated_since=NOW), PAGE, NOW),
    "lines of a reseller": lambda s: s.lines.list(LineFilter(reseller_id=ANN), PAGE, NOW),
    "lines by prefix": lambda s: s.lines.list(LineFilter(q="x"), PAGE, NOW),
    "external id": lambda s: s.lines.find_by_external_id(ANN, "x"),
    "username": lambda s: s.lines.find_by_username(PanelId("pnl_1"), "x"),
    "count": lambda s: s.lines.count(ANN),
    "trials": lambda s: s.lines.count_trials(ANN, NOW - timedelta(days=1)),
    "keys": lambda s: s.keys.list(PAGE, None),
    "keys of a reseller": lambda s: s.keys.list(PAGE, ANN),
    "key": lambda s: s.keys.find_by_digest(b"d" * 32),
    "resellers": lambda s: s.resellers.list(PAGE),
    "suspended": lambda s: s.resellers.is_suspended("/rsl_a/rsl_b/"),
    "operations": lambda s: s.operations.list(OperationFilter(), PAGE),
    "operations of a state": lambda s: s.operations.list(
        OperationFilter(state=OperationState.UNKNOWN), PAGE
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
    "answer": lambda s: s.answers.find("x", "y"),
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


async def _list(store: Store, **criteria: Any) -> None:
    await store.lines.list(LineFilter(**criteria), PAGE, NOW)


@pytest.mark.parametrize(
    ("criteria", "index"),
    [
        ({"plan_id": "x"}, "ix_lines_plan_id_id"),
        ({"external_id": "x"}, "ix_lines_external_id_id"),
        ({"reseller_id": ANN}, "ix_lines_reseller_id_id"),
        ({"state": LineState.PENDING}, "ix_lines_status_id"),
    ],
)
async def test_a_filtered_page_is_read_in_order_without_sorting(
    database: SqlDatabase, statements: Statements, criteria: dict[str, Any], index: str
) -> None:
    async with database.read(system_scope()) as store:
        await _list(store, **criteria)
    plan = await plan_of(database._engine, *statements[0])
    assert index in plan
    assert "Sort" not in plan
    assert "TEMP B-TREE" not in plan


async def test_a_prefix_is_looked_up_in_both_of_its_indexes(
    database: SqlDatabase, statements: Statements
) -> None:
    async with database.read(system_scope()) as store:
        await _list(store, q="an")
    plan = await plan_of(database._engine, *statements[0])
    if database._engine.dialect.name == "sqlite":
        assert "ix_lines_username_norm" in plan
        assert "ix_lines_external_id_norm" in plan
