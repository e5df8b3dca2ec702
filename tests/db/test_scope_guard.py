"""The scope guard: every shape of ORM statement is narrowed, everything else is refused."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from gateway.db.columns import Base, Owned
from gateway.db.engine import make_engine
from gateway.db.lines import columns_of
from gateway.db.rows import PanelRow, ResellerRow
from gateway.db.rows_lines import LineRow
from gateway.db.scope_guard import WITH_ANCESTORS, ScopedSession, ancestors_of
from gateway.db.store import SqlDatabase
from gateway.db.touched import touching
from gateway.domain.catalog import CreditAlert
from gateway.domain.ids import IdKind, OperationId, PanelId
from gateway.domain.lines import Line
from gateway.services.ports.store import Store
from gateway.services.scope import Scope, system_scope
from tests.db.conftest import KEYRING, Family, scope_for
from tests.factories import (
    a_client,
    a_delivery,
    a_device,
    a_document,
    a_drift,
    a_kept_answer,
    a_key,
    a_line,
    a_panel,
    a_source,
    a_subject,
    an_attempt,
    an_audit_entry,
    an_endpoint,
    an_event,
    an_id,
    an_inbound_event,
    an_operation,
    owned_by,
)

Table: Any = LineRow.__table__
Other = aliased(LineRow)
Select = Callable[[], Any]


def row_of(line: Line) -> LineRow:
    return LineRow(**columns_of(line, KEYRING))


@pytest.fixture
async def rows(registry: SqlDatabase, family: Family) -> dict[str, Line]:
    """One line each of the operator, Ann, her child and Bob, by the owner's name."""
    owners = {"operator": None, "Ann": family.ann, "Child": family.child, "Bob": family.bob}
    made = {name: a_line(username=name, **owned_by(owner)) for name, owner in owners.items()}
    async with registry.write(system_scope()) as store:
        for line in made.values():
            await store.lines.add(line)
    return made


@pytest.fixture
async def session(
    registry: SqlDatabase, family: Family, rows: dict[str, Line]
) -> AsyncIterator[AsyncSession]:
    """A session of Ann's, who sees her own and her child's."""
    async with registry.session(scope_for(family.ann), writable=True) as session:
        yield session


NARROWED: dict[str, Select] = {
    "column": lambda: sa.select(LineRow.username),
    "alias": lambda: sa.select(Other.username),
    "entity": lambda: sa.select(LineRow).with_only_columns(LineRow.username),
    "cte": lambda: sa.select(sa.select(LineRow.username).cte().c.username),
    "subquery": lambda: sa.select(sa.select(LineRow.username).subquery().c.username),
    "union": lambda: sa.union(sa.select(LineRow.username), sa.select(Other.username)),
    "join": lambda: sa.select(LineRow.username).join(
        ResellerRow, ResellerRow.id == LineRow.reseller_id
    ),
    "join to itself": lambda: sa.select(LineRow.username).join(Other, Other.id == LineRow.id),
    "in": lambda: sa.select(LineRow.username).where(LineRow.id.in_(sa.select(Other.id))),
    "exists": lambda: sa.select(ResellerRow.name).where(
        sa.exists().where(LineRow.reseller_id == ResellerRow.id)
    ),
    "or": lambda: sa.select(LineRow.username).where(sa.true() | (LineRow.username == "Bob")),
    "limit": lambda: sa.select(LineRow.username).order_by(LineRow.id).limit(10),
    "for update": lambda: sa.select(LineRow.username).with_for_update(key_share=True),
}


async def test_a_select_sees_the_scope_only(session: AsyncSession) -> None:
    for shape, make in NARROWED.items():
        assert set(await session.scalars(make())) == {"Ann", "Child"}, shape


async def test_every_table_with_an_owner_is_narrowed(registry: SqlDatabase, family: Family) -> None:
    async with registry.write(system_scope()) as store:
        for owner in (None, family.ann, family.bob):
            await fill_all(store, **owned_by(owner))
        for reseller in (family.ann, family.bob):
            alert = CreditAlert(reseller_id=reseller.id, low_threshold="1")
            await store.credit_alerts.put(reseller, alert)
    mapped = [it.class_ for it in Base.registry.mappers]
    async with registry.session(scope_for(family.ann), writable=False) as session:
        for row in (it for it in mapped if issubclass(it, Owned)):
            found = set(await session.scalars(sa.select(row.owner_path)))
            below = {family.child.owner_path} if row is ResellerRow else set()
            assert found == {family.ann.owner_path} | below, row


async def test_a_bound_scope_has_of_every_table_what_is_about_its_own_line_only(
    registry: SqlDatabase, family: Family
) -> None:
    mine, other = (a_line(**owned_by(family.ann)) for _ in range(2))
    elsewhere = a_panel(id=PanelId(an_id(IdKind.PANEL)))
    async with registry.write(system_scope()) as store:
        await store.panels.add(elsewhere)
        for line in (mine, other):
            await store.lines.add(line)
            await store.operations.add(an_operation(**owned_by(family.ann), resource_id=line.id))
            await store.answers.add(a_kept_answer(owner=line.id))
        await store.answers.add(a_kept_answer(owner=family.ann.id))
        for owner in (None, family.ann, family.bob):
            await fill_all(store, **owned_by(owner))
    scope = Scope(family.ann.owner_path, mine.id)
    seen: dict[str, set[str]] = {}
    async with registry.session(scope, writable=False) as session:
        for row in (it.class_ for it in Base.registry.mappers):
            key = sa.inspect(row).primary_key[0]
            column = getattr(row, row.about or sa.inspect(row).get_property_by_column(key).key)
            if found := set(await session.scalars(sa.select(column))):
                seen[row.__name__] = found
    assert seen == {
        "LineRow": {mine.id},
        "OperationRow": {mine.id},
        "KeptAnswerRow": {mine.id},
        "PanelRow": {mine.panel_id},
    }


async def test_a_bound_scope_changes_nothing_else_in_bulk(
    registry: SqlDatabase, family: Family
) -> None:
    mine, other = (a_line(**owned_by(family.ann)) for _ in range(2))
    async with registry.write(system_scope()) as store:
        for line in (mine, other):
            await store.lines.add(line)
    everywhere = sa.update(LineRow).values(notes="x")
    async with registry.session(Scope(family.ann.owner_path, mine.id), writable=True) as session:
        await session.execute(touching(everywhere))
    async with registry.read(system_scope()) as store:
        assert (await store.lines.get(mine.id)).notes == "x"
        assert (await store.lines.get(other.id)).notes == other.notes


async def test_a_bound_scope_under_the_root_is_not_everything(
    registry: SqlDatabase, family: Family
) -> None:
    mine, other = a_line(), a_line()
    async with registry.write(system_scope()) as store:
        for line in (mine, other):
            await store.lines.add(line)
    async with registry.session(Scope("/", mine.id), writable=False) as session:
        assert set(await session.scalars(sa.select(LineRow.id))) == {mine.id}


async def fill_all(store: Store, **owner: Any) -> None:
    line, device = a_line(**owner), a_device(**owner)
    await store.lines.add(line)
    await store.lines.add_reference(line.id, "invoice", OperationId("op_1"))
    await store.devices.add(device)
    await store.devices.add_reference(device.id, "invoice", OperationId("op_2"))
    await store.keys.add(a_key(**owner), secrets.token_bytes(32))
    await store.clients.add(a_client(**owner))
    await store.operations.add(an_operation(**owner))
    await store.drifts.add(a_drift(**owner))
    await store.audit.append(an_audit_entry(**owner))
    await store.documents.add([a_document(**owner)])
    await store.events.append(an_event(**owner))
    await fill_webhooks(store, **owner)


async def fill_webhooks(store: Store, **owner: Any) -> None:
    path = {"owner_path": owner["owner_path"]}
    endpoint, source = an_endpoint(**owner), a_source(**owner)
    delivery = a_delivery(endpoint)
    await store.endpoints.add(endpoint)
    await store.deliveries.add_missing([delivery])
    await store.deliveries.add_attempts([an_attempt(delivery)])
    await store.inbound_sources.add(source)
    await store.inbound_events.add(an_inbound_event(source, **path))
    await store.inbound_subjects.lock(a_subject(source, **path))


COUNTS: dict[str, Select] = {
    "count of ids": lambda: sa.select(sa.func.count(LineRow.id)),
    "count of rows": lambda: sa.select(sa.func.count()).select_from(LineRow),
    "scalar subquery": lambda: sa.select(
        sa.select(sa.func.count(LineRow.id)).scalar_subquery()
    ).select_from(PanelRow),
    "panels that have lines of others": lambda: sa.select(sa.func.count(PanelRow.id) + 1).where(
        sa.exists().where(LineRow.panel_id == PanelRow.id, LineRow.username == "Ann")
    ),
}


async def test_a_count_counts_the_scope_only(session: AsyncSession) -> None:
    for shape, make in COUNTS.items():
        assert await session.scalar(make()) == 2, shape


async def test_a_correlated_exists_does_not_see_strangers(session: AsyncSession) -> None:
    query = sa.select(PanelRow.id).where(
        sa.exists().where(LineRow.panel_id == PanelRow.id, LineRow.username == "Bob")
    )
    assert (await session.scalars(query)).all() == []


async def test_get_and_refresh_are_narrowed(session: AsyncSession, rows: dict[str, Line]) -> None:
    assert await session.get(LineRow, rows["Bob"].id) is None
    mine = await session.get_one(LineRow, rows["Child"].id)
    await session.refresh(mine)
    assert mine.username == "Child"


async def test_an_owner_above_is_seen_only_when_asked_for(
    registry: SqlDatabase, family: Family
) -> None:
    query = sa.select(ResellerRow.name)
    async with registry.session(scope_for(family.child), writable=False) as session:
        assert set(await session.scalars(query)) == {"Child"}
        wider = await session.scalars(query, execution_options={WITH_ANCESTORS: True})
        assert set(wider) == {"Ann", "Child"}


@pytest.mark.parametrize(
    ("path", "above"), [("/", []), ("/a/", []), ("/a/b/", ["/a/"]), ("/a/b/c/", ["/a/", "/a/b/"])]
)
def test_the_owners_above_a_path(path: str, above: list[str]) -> None:
    assert ancestors_of(path) == above


async def test_a_bulk_update_touches_the_scope_only(
    registry: SqlDatabase, session: AsyncSession
) -> None:
    await session.execute(touching(sa.update(LineRow).values(notes="touched")))
    await session.commit()
    async with registry.session(system_scope(), writable=False) as everything:
        query = sa.select(LineRow.username).where(LineRow.notes == "touched")
        assert set(await everything.scalars(query)) == {"Ann", "Child"}


async def test_a_bulk_delete_touches_the_scope_only(
    registry: SqlDatabase, session: AsyncSession
) -> None:
    await session.execute(touching(sa.delete(LineRow)))
    await session.commit()
    async with registry.session(system_scope(), writable=False) as everything:
        assert set(await everything.scalars(sa.select(LineRow.username))) == {"operator", "Bob"}


REFUSED: dict[str, Select] = {
    "text": lambda: sa.text("SELECT * FROM lines"),
    "core select": lambda: sa.select(Table),
    "core columns": lambda: sa.select(Table.c.id),
    "core update": lambda: sa.update(Table).values(notes=""),
    "core insert": lambda: sa.insert(Table),
    "orm insert": lambda: sa.insert(LineRow),
    "from text": lambda: sa.select(LineRow).from_statement(sa.text("SELECT * FROM lines")),
    "from core": lambda: sa.select(LineRow).from_statement(sa.select(Table)),
    "core beside orm": lambda: sa.select(PanelRow.id, Table.c.id),
    "core table beside orm": lambda: sa.select(PanelRow, Table),
    "core alias beside orm": lambda: sa.select(PanelRow, Table.alias().c.id),
    "core column of the same table": lambda: sa.select(LineRow).where(
        LineRow.id.in_(sa.select(Table.c.id))
    ),
    "core exists": lambda: sa.select(PanelRow).where(sa.exists(sa.select(Table))),
    "core in": lambda: sa.select(PanelRow).where(PanelRow.id.in_(sa.select(Table.c.panel_id))),
    "core cte": lambda: sa.select(PanelRow, sa.select(Table.c.id).cte().c.id),
    "core join": lambda: sa.select(PanelRow).join(Table, Table.c.panel_id == PanelRow.id),
    "light table": lambda: sa.select(PanelRow, sa.table("lines", sa.column("id")).c.id),
    "text in where": lambda: sa.select(PanelRow).where(sa.text("1 = 1")),
    "literal column": lambda: sa.select(PanelRow.id, sa.literal_column("(SELECT 1)")),
    "core in update": lambda: sa.update(LineRow).values(
        notes=sa.select(Table.c.notes).limit(1).scalar_subquery()
    ),
    "another owner": lambda: sa.update(LineRow).values(owner_path="/"),
    "another owner by column": lambda: sa.update(LineRow).values({LineRow.owner_path: "/"}),
}


async def test_what_cannot_be_narrowed_is_refused(session: AsyncSession) -> None:
    allowed = []
    for shape, make in REFUSED.items():
        try:
            await session.execute(make())
        except RuntimeError:
            continue
        allowed.append(shape)
    assert allowed == []


async def test_an_update_by_primary_keys_is_refused(
    session: AsyncSession, rows: dict[str, Line]
) -> None:
    for values in ([{"id": rows["Bob"].id, "notes": "x"}], {"id": rows["Bob"].id, "notes": "x"}):
        with pytest.raises(RuntimeError):
            await session.execute(sa.update(LineRow), values)


async def test_rows_of_others_are_not_flushed(
    registry: SqlDatabase, family: Family, rows: dict[str, Line]
) -> None:
    async with registry.session(scope_for(family.ann), writable=True) as session:
        session.add(row_of(a_line(**owned_by(family.bob))))
        with pytest.raises(RuntimeError, match="LineRow belongs to another owner"):
            await session.flush()
        session.expunge_all()
    async with registry.session(scope_for(family.ann), writable=True) as session:
        mine = await session.get_one(LineRow, rows["Ann"].id)
        mine.owner_path = family.bob.owner_path
        with pytest.raises(RuntimeError, match="belongs to another owner"):
            await session.flush()
        session.expunge_all()
    async with registry.session(system_scope(), writable=True) as session:
        foreign = await session.get_one(LineRow, rows["Bob"].id)
        session.info["scope"] = scope_for(family.ann)
        await session.delete(foreign)
        with pytest.raises(RuntimeError, match="belongs to another owner"):
            await session.flush()
        session.expunge_all()


async def test_own_rows_are_flushed(registry: SqlDatabase, family: Family) -> None:
    async with registry.session(scope_for(family.ann), writable=True) as session:
        session.add(row_of(a_line(**owned_by(family.child))))
    async with registry.session(scope_for(family.child), writable=True) as session:
        row = (await session.scalars(sa.select(LineRow))).one()
        await session.delete(row)


async def test_a_read_session_changes_nothing(registry: SqlDatabase, family: Family) -> None:
    async with registry.session(system_scope(), writable=False) as session:
        for statement in (sa.update(LineRow).values(notes=""), sa.delete(LineRow)):
            with pytest.raises(RuntimeError, match="only reads"):
                await session.execute(statement)
        session.add(row_of(a_line()))
        with pytest.raises(RuntimeError, match="only reads"):
            await session.flush()
        session.expunge_all()


async def test_a_session_without_scope_does_nothing(migrated_url: str) -> None:
    engine = make_engine(migrated_url)
    async with AsyncSession(engine, sync_session_class=ScopedSession) as session:
        with pytest.raises(KeyError, match="scope"):
            await session.execute(sa.select(LineRow))
        session.add(row_of(a_line()))
        with pytest.raises(KeyError, match="scope"):
            await session.flush()
        session.expunge_all()
    await engine.dispose()


@pytest.mark.parametrize("path", ["/rsl_a/", "/rsl_a/rsl_b/"])
async def test_a_path_that_only_looks_alike_is_foreign(session: AsyncSession, path: str) -> None:
    # A range must end exactly where startswith does.
    for other in (path[:-1] + "x/", path[:-1] + "0/", path.upper()):
        assert not Scope(path).covers(other, None)
        assert not (Scope(path).path <= other < Scope(path).path_end)


def test_a_row_shows_neither_secrets_nor_values() -> None:
    shown = repr(row_of(a_line(username="somebody")))
    assert shown == "<LineRow None>"
