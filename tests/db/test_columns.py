"""The types of columns, and how SQLite is set up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import exc
from sqlalchemy.dialects import postgresql, sqlite

from gateway.db.columns import UtcDateTime
from gateway.db.store import SqlDatabase
from gateway.services.ports.store import Store
from gateway.services.scope import system_scope
from tests.factories import a_line, a_panel

DIALECTS: list[sa.Dialect] = [sqlite.dialect(), postgresql.dialect()]  # type: ignore[no-untyped-call]
ZONES = st.integers(-14, 14).map(lambda hours: timezone(timedelta(hours=hours)))
# Half a century from both ends of the calendar, so that no zone leaves it.
MOMENTS = st.timedeltas(timedelta(days=-700_000), timedelta(days=2_900_000)).flatmap(
    lambda it: ZONES.map((datetime(2026, 1, 1, tzinfo=UTC) + it).astimezone)
)


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda it: it.name)
@given(moment=MOMENTS)
def test_a_moment_comes_back_as_utc(dialect: sa.Dialect, moment: datetime) -> None:
    column = UtcDateTime()
    read = column.process_result_value(column.process_bind_param(moment, dialect), dialect)
    assert read == moment
    assert read is not None
    assert read.tzinfo is UTC


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda it: it.name)
def test_a_naive_moment_is_refused(dialect: sa.Dialect) -> None:
    with pytest.raises(ValueError, match="without time zone"):
        UtcDateTime().process_bind_param(datetime(2026, 1, 1), dialect)  # noqa: DTZ001
    assert UtcDateTime().process_bind_param(None, dialect) is None
    assert UtcDateTime().process_result_value(None, dialect) is None


async def test_a_naive_moment_does_not_reach_the_database(store: Store) -> None:
    with pytest.raises(exc.StatementError, match="without time zone"):
        await store.lines.add(a_line(expires_at=datetime(2026, 1, 1)))  # noqa: DTZ001


async def test_moments_of_other_zones_are_compared_as_moments(registry: SqlDatabase) -> None:
    east = datetime(2026, 1, 1, 5, tzinfo=timezone(timedelta(hours=5)))
    line = a_line(expires_at=east)
    async with registry.write(system_scope()) as store:
        await store.lines.add(line)
    async with registry.read(system_scope()) as store:
        assert (await store.lines.get(line.id)).expires_at == datetime(2026, 1, 1, tzinfo=UTC)


async def test_sqlite_is_set_up_to_survive_a_power_cut(database: SqlDatabase) -> None:
    if database._engine.dialect.name != "sqlite":
        pytest.skip("about SQLite")
    expected = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 4000}
    async with database._engine.connect() as connection:
        for pragma, value in expected.items():
            found = await connection.exec_driver_sql(f"PRAGMA {pragma}")
            assert found.scalar() == value


async def test_readers_go_on_while_somebody_writes(registry: SqlDatabase) -> None:
    async with registry.write(system_scope()) as writer:
        await writer.panels.save(a_panel(name="not yet"))
        async with registry.read(system_scope()) as reader:
            assert (await reader.panels.get(a_panel().id)).name == a_panel().name
    async with registry.read(system_scope()) as reader:
        assert (await reader.panels.get(a_panel().id)).name == "not yet"
