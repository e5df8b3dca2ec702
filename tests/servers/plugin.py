"""The pytest side: what a run needs is had before its first test, and fixtures hand it out.

What cannot be had ends the run with one list, or, with MISSING_OK=1, skips the tests that need it.
A parallel run starts everything in the controller, which outlives its workers and stops it all.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NoReturn
from urllib.request import pathname2url

import pytest
import redis

from tests.servers.deploy_tools import Builder
from tests.servers.flags import flag
from tests.servers.npm import NpmProject, npm_project
from tests.servers.obtain import Missing
from tests.servers.postgres import Databases
from tests.servers.redis import RedisServer
from tests.servers.session import Services

SERVICES: Final = pytest.StashKey[Services]()
NEED_OF_FIXTURE: Final = {
    "chromium": "chromium",
    "databases": "postgres",
    "hadolint": "hadolint",
    "helm": "helm",
    "image_builder": "image builder",
    "kubectl": "kubectl",
    "node": "node",
    "npm": "node",
    "php": "php",
    "redis_url": "redis",
    "stoppable_redis": "redis program",
}
#: Not got in advance: rarely needed, or slow to make.
ON_DEMAND: Final = frozenset({"node"}) if flag("LONG") else frozenset({"image builder", "node"})
DATABASE_KINDS: Final = ("sqlite", "postgresql")


def pytest_configure(config: pytest.Config) -> None:
    worker_input = getattr(config, "workerinput", None)
    config.stash[SERVICES] = Services(worker_input["services"] if worker_input else None)


def pytest_sessionstart(session: pytest.Session) -> None:
    """In a parallel run, start everything here: only the controller sees the run's end."""
    config = session.config
    if _is_worker(config) or config.getoption("dist", "no") == "no":
        return
    services = config.stash[SERVICES]
    services.try_all(set(NEED_OF_FIXTURE.values()) - ON_DEMAND)
    whole_suite = config.args_source is not pytest.Config.ArgsSource.ARGS
    if whole_suite:
        _end_if_missing(services)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: object) -> None:
    """Tell a worker of a parallel run where the servers are."""
    config: pytest.Config = node.config  # type: ignore[attr-defined]
    worker: dict[str, object] = node.workerinput  # type: ignore[attr-defined]
    is_first = worker["workerid"] == "gw0"
    worker["services"] = config.stash[SERVICES].shared(is_first=is_first)


def pytest_collection_finish(session: pytest.Session) -> None:
    """In a run of one process, get what the collected tests need, and nothing else."""
    config = session.config
    if _is_worker(config) or config.option.collectonly:
        return
    services = config.stash[SERVICES]
    services.try_all({need for item in session.items for need in needs_of(item)})
    _end_if_missing(services)


def pytest_unconfigure(config: pytest.Config) -> None:
    if (services := config.stash.get(SERVICES, None)) is not None:
        services.close()


def needs_of(item: pytest.Item) -> set[str]:
    """Return what one test needs, told by the fixtures it uses; nothing if it is left out."""
    if item.get_closest_marker("long") is not None and not flag("LONG"):
        return set()
    used = set(getattr(item, "fixturenames", ()))
    call = getattr(item, "callspec", None)
    needs = {need for fixture, need in NEED_OF_FIXTURE.items() if fixture in used}
    if call is not None and call.params.get("database_url") == "postgresql":
        needs.add("postgres")
    return needs


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def _end_if_missing(services: Services) -> None:
    if services.missing and not flag("MISSING_OK"):
        lines = ["The tests need what is missing here and could not be obtained:"]
        lines += [f"  - {sentence}" for sentence in services.missing.values()]
        lines += ["Install it, or run with MISSING_OK=1 to skip the tests that need it."]
        pytest.exit("\n".join(lines), returncode=pytest.ExitCode.USAGE_ERROR)


def _get(request: pytest.FixtureRequest, need: str) -> str:
    try:
        return request.config.stash[SERVICES].get(need)
    except Missing as error:
        _do_without(error)


def _do_without(error: Missing) -> NoReturn:
    if flag("MISSING_OK"):
        pytest.skip(f"missing: {error}")
    pytest.fail(f"missing: {error}")


@pytest.fixture
def redis_url(request: pytest.FixtureRequest, worker_id: str) -> str:
    """The URL of a real Redis, emptied for this test; each worker has its own database number."""
    number = int(worker_id.removeprefix("gw")) if worker_id != "master" else 0
    url = f"{_get(request, 'redis')}/{number}"
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    return url


@pytest.fixture
def stoppable_redis(request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    """A Redis of this test's own, to kill(), start(), pause() and resume()."""
    _get(request, "redis program")
    server = RedisServer.started()
    yield server
    server.close()


@pytest.fixture(scope="session")
def databases(request: pytest.FixtureRequest, worker_id: str) -> Databases:
    """Makes and drops databases on the run's PostgreSQL, also from templates."""
    return Databases(_get(request, "postgres"), worker_id)


@pytest.fixture
def postgres_url(databases: Databases) -> Iterator[str]:
    """The URL of a real PostgreSQL database, new and empty for this test."""
    url = databases.create()
    yield url
    databases.drop(url)


@pytest.fixture(params=DATABASE_KINDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new and empty database: the same test runs on a SQLite file and on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{pathname2url(str(tmp_path / 'gateway.db'))}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def chromium(request: pytest.FixtureRequest) -> Path:
    """The path of a Chromium."""
    return Path(_get(request, "chromium"))


@pytest.fixture
def hadolint(request: pytest.FixtureRequest) -> Path:
    """The path of hadolint."""
    return Path(_get(request, "hadolint"))


@pytest.fixture(scope="session")
def helm(request: pytest.FixtureRequest) -> Path:
    """The path of Helm 3 or 4."""
    return Path(_get(request, "helm"))


@pytest.fixture
def kubectl(request: pytest.FixtureRequest) -> Path:
    """The path of kubectl."""
    return Path(_get(request, "kubectl"))


@pytest.fixture(scope="session")
def image_builder(request: pytest.FixtureRequest) -> Builder:
    """Builds images without a daemon; the Dockerfile's base is there."""
    return Builder.working(Path(_get(request, "image builder")))


@pytest.fixture
def node(request: pytest.FixtureRequest) -> Path:
    """The folder of the programs node and npm."""
    return Path(_get(request, "node"))


@pytest.fixture
def php(request: pytest.FixtureRequest) -> Path:
    """The path of a php for the command line."""
    return Path(_get(request, "php"))


@pytest.fixture
def npm(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Path], NpmProject]:
    """Copies a folder with a package.json to a place of this test's own, its packages in reach.

    Call it in a fixture: installing takes time, which is not the test's.
    """
    programs = Path(_get(request, "node"))

    def project(source: Path) -> NpmProject:
        try:
            return npm_project(source, tmp_path / source.name, programs)
        except Missing as error:
            _do_without(error)

    return project
