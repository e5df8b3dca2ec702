"""Worlds whose panel stands behind a proxy, on a database that is migrated once and then copied."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway.db.migrations import migrate
from tests.faults.rig import Rig, a_rig
from tests.servers.plugin import DATABASE_KINDS
from tests.servers.postgres import Databases


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """What this process would log says nothing; the logs of the others are in files."""
    with capture_logs():
        yield


def _migrated(url: str) -> None:
    """Migrate from synchronous code, also where this thread has a loop."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, migrate(url)).result()


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the newest schema."""
    file = tmp_path_factory.mktemp("migrated") / "gateway.db"
    _migrated(f"sqlite:///{file}")
    return file


@pytest.fixture
def migrated_postgres(databases: Databases) -> Iterator[str]:
    """A PostgreSQL database with the newest schema."""
    url = databases.create(databases.template("migrated", _migrated))
    yield url
    databases.drop(url)


@pytest.fixture(params=DATABASE_KINDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of each kind, here with the newest schema."""
    if request.param == "sqlite":
        file = tmp_path / "gateway.db"
        shutil.copy(request.getfixturevalue("migrated_file"), file)
        return f"sqlite:///{file}"
    url: str = request.getfixturevalue("migrated_postgres")
    return url


@pytest.fixture
async def rig(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Rig]:
    """A rig on each database, with a Redis."""
    async with a_rig(database_url, redis_url, tmp_path) as made:
        yield made


@pytest.fixture
async def shared_rig(migrated_postgres: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Rig]:
    """A rig on PostgreSQL only, for several processes that serve."""
    async with a_rig(migrated_postgres, redis_url, tmp_path) as made:
        yield made
