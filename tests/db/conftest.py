"""A migrated registry on each of both databases, and ways to fill it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from gateway.db.encryption import Keyring
from gateway.db.engine import EngineLimits, make_engine
from gateway.db.migrations import migrate
from gateway.db.store import SqlDatabase
from gateway.domain.resellers import Reseller
from gateway.services.ports.store import Store
from gateway.services.scope import Scope, system_scope
from tests.db.kinds import KINDS, Kind
from tests.factories import a_panel, a_reseller

KEYRING = Keyring([("k1", b"1" * 32)])


@pytest.fixture
async def migrated_url(database_url: str) -> str:
    """The URL of an empty database with the newest schema."""
    await migrate(database_url)
    return database_url


@asynccontextmanager
async def opened(
    url: str, keyring: Keyring = KEYRING, limits: EngineLimits | None = None
) -> AsyncIterator[SqlDatabase]:
    """Open a database as another process would."""
    database = SqlDatabase(make_engine(url, limits), keyring)
    try:
        yield database
    finally:
        await database.close()


@pytest.fixture
async def database(migrated_url: str) -> AsyncIterator[SqlDatabase]:
    async with opened(migrated_url) as database:
        yield database


@pytest.fixture
async def registry(database: SqlDatabase) -> SqlDatabase:
    """The database with `a_panel()`, which nearly everything refers to."""
    async with database.write(system_scope()) as store:
        await store.panels.add(a_panel())
    return database


@dataclass(frozen=True)
class Family:
    """Two strangers, and a child of the first."""

    ann: Reseller
    child: Reseller
    bob: Reseller


@pytest.fixture
async def family(registry: SqlDatabase) -> Family:
    ann, bob = a_reseller(name="Ann"), a_reseller(name="Bob")
    made = Family(ann=ann, child=a_reseller(name="Child", parent=ann), bob=bob)
    async with registry.write(system_scope()) as store:
        for reseller in (made.ann, made.bob, made.child):
            await store.resellers.add(reseller)
    return made


@pytest.fixture
async def store(registry: SqlDatabase, family: Family) -> AsyncIterator[Store]:
    """A write transaction of the operator's."""
    async with registry.write(system_scope()) as store:
        yield store


@pytest.fixture(params=KINDS, ids=lambda it: it.noun)
def kind(request: pytest.FixtureRequest) -> Kind:
    """Lines, then devices."""
    assert isinstance(request.param, Kind)
    return request.param


def scope_for(reseller: Reseller) -> Scope:
    return Scope(reseller.owner_path)
