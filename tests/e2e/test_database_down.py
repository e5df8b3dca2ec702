"""Our own database fails: nothing is sent that is not recorded, and what was sent is not lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import aiosqlite
import pytest
from structlog.testing import capture_logs

from gateway.db.migrations import migrate
from gateway.domain.clock import SystemClock
from tests.e2e.relay import Relay
from tests.e2e.support import held, panel_held, problem_of, process
from tests.world import World, a_world

KEYED = {"Idempotency-Key": "order-1"}
NEW = {"period": "P1M", "username": "anna"}


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Pretty tracebacks of failures on purpose take longer than all else here."""
    with capture_logs():
        yield


@pytest.fixture
async def relay(postgres_url: str) -> AsyncIterator[Relay]:
    await migrate(postgres_url)
    async with Relay(postgres_url).listening() as made:
        yield made


@pytest.fixture
async def wired(relay: Relay) -> AsyncIterator[World]:
    """A gateway whose PostgreSQL is behind a wire that can be cut."""
    async with a_world(relay.url, migrated=True, change_deadline_seconds=2) as made:
        yield made
        relay.mend()


@asynccontextmanager
async def refusing_ends(world: World) -> AsyncIterator[aiosqlite.Connection]:
    """Let SQLite refuse the entry that ends an operation, as with a full disk."""
    path = world.settings.database_url.removeprefix("sqlite:///")
    async with aiosqlite.connect(path) as database:
        await database.execute(
            "CREATE TRIGGER full BEFORE INSERT ON audit_entries WHEN NEW.phase <> 'started' "
            "BEGIN SELECT RAISE(FAIL, 'database or disk is full'); END"
        )
        await database.commit()
        yield database
        await allow_ends(database)


async def allow_ends(database: aiosqlite.Connection) -> None:
    await database.execute("DROP TRIGGER IF EXISTS full")
    await database.commit()


class Patience(SystemClock):
    """Sleeps in no time; the given sleep lets the database work again."""

    def __init__(self, database: aiosqlite.Connection, *, good_after: int) -> None:
        self.database = database
        self.good_after = good_after
        self.sleeps = 0

    async def sleep(self, seconds: float) -> None:
        self.sleeps += 1
        if self.sleeps == self.good_after:
            await allow_ends(self.database)
        await super().sleep(0)


async def phases(world: World, operation_id: str) -> list[str]:
    found = await world.operator.ok(
        "GET", "/v1/audit/entries", params={"operation_id": operation_id}
    )
    return [entry["phase"] for entry in reversed(found["data"])]


async def test_an_end_is_written_again_and_again_until_the_database_takes_it(
    small_world: World,
) -> None:
    async with refusing_ends(small_world) as database:
        clock = Patience(database, good_after=5)
        async with process(small_world, clock=clock) as world:
            line = await world.line(username="anna")
    assert clock.sleeps == 5
    assert (line["username"], line["state"]) == ("anna", "active")
    assert len(small_world.calls("create")) == 1
    operations = await small_world.a.api.ok("GET", "/v1/operations")
    assert await phases(small_world, operations["data"][0]["id"]) == ["started", "succeeded"]


async def test_an_end_that_cannot_be_written_is_503_with_the_operation(
    small_world: World,
) -> None:
    """Nobody claims success or failure: the row says that it was being sent."""
    async with (
        refusing_ends(small_world) as database,
        process(small_world, clock=Patience(database, good_after=-1)) as world,
    ):
        answer = await world.a.api.post("/v1/lines", NEW, headers=KEYED)
        operation_id = problem_of(answer, 503, "service_unavailable")["operation_id"]
        assert int(answer.headers["Retry-After"]) > 0
    seen = await small_world.a.api.ok("GET", f"/v1/operations/{operation_id}")
    assert (seen["state"], seen["problem"]) == ("sending", None)
    line = await small_world.a.api.ok("GET", f"/v1/lines/{seen['resource_id']}")
    assert line["state"] == "pending"
    assert await phases(small_world, operation_id) == ["started"]
    again = await small_world.a.api.post("/v1/lines", NEW, headers=KEYED)
    assert (again.status_code, again.json()["id"]) == (202, operation_id)
    assert len(small_world.calls("create")) == 1
    taken = await small_world.b.api.post("/v1/lines", NEW)
    problem_of(taken, 409, "username_taken")


async def test_a_deadline_that_passes_meanwhile_is_202_and_the_end_comes_later(
    tmp_path: Any,
) -> None:
    """The engine insists behind the answer; the same key then has the final one."""
    gate = asyncio.Event()

    class Held(SystemClock):
        async def sleep(self, seconds: float) -> None:
            await gate.wait()

    async with (
        a_world(f"sqlite:///{tmp_path}/g.db", change_deadline_seconds=0.3) as made,
        refusing_ends(made) as database,
        process(made, clock=Held()) as world,
    ):
        answer = await world.a.api.post("/v1/lines", NEW, headers=KEYED)
        assert (answer.status_code, answer.json()["state"]) == (202, "sending")
        assert len(world.calls("create")) == 1
        await allow_ends(database)
        gate.set()
        await world.runtime.ports.tasks.drain(5)
        final = await world.a.api.post("/v1/lines", NEW, headers=KEYED)
        assert final.status_code == 201, final.text
        assert final.headers["Idempotent-Replayed"] == "true"
        assert final.json()["password"] == world.user("anna")["password"]
        assert await phases(world, answer.json()["id"]) == ["started", "succeeded"]
        assert len(world.calls("create")) == 1


async def test_with_the_database_gone_nothing_is_sent_and_all_say_so(
    relay: Relay, wired: World
) -> None:
    line = await wired.line()
    calls = len(wired.calls())
    relay.cut()
    for method, path, body in (
        ("GET", "/v1/me", None),
        ("GET", f"/v1/lines/{line['id']}/info", None),
        ("POST", "/v1/lines", NEW),
        ("PATCH", f"/v1/lines/{line['id']}", {"notes": "x"}),
        ("POST", f"/v1/lines/{line['id']}/renew", {"period": "P1M"}),
        ("POST", f"/v1/lines/{line['id']}/rotate-password", None),
        ("POST", "/v1/keys", {"name": "x"}),
    ):
        answer = await wired.a.api.send(method, path, body)
        problem = problem_of(answer, 503, "service_unavailable")
        assert "operation_id" not in problem
        assert int(answer.headers["Retry-After"]) > 0
    assert (await wired.client.get("/livez")).status_code == 200
    assert (await wired.client.get("/readyz")).status_code == 503
    assert len(wired.calls()) == calls
    relay.mend()
    assert (await wired.client.get("/readyz")).status_code == 200
    await wired.line()


async def test_a_database_that_dies_while_the_panel_works_is_insisted_upon(
    relay: Relay, wired: World
) -> None:
    """Between SENDING and the end (D02): 503 names the operation, which ends after the return."""
    async with panel_held(wired, "answer"):
        asking = asyncio.create_task(wired.a.api.post("/v1/lines", NEW, headers=KEYED))
        await held(wired)
        relay.cut()
    answer = await asking
    operation_id = problem_of(answer, 503, "service_unavailable")["operation_id"]
    assert len(wired.users()) == 1
    relay.mend()
    assert await wired.runtime.ports.tasks.drain(30) == 0
    operation = await wired.a.api.ok("GET", f"/v1/operations/{operation_id}")
    assert operation["state"] == "succeeded"
    final = await wired.a.api.post("/v1/lines", NEW, headers=KEYED)
    assert (final.status_code, final.headers["Idempotent-Replayed"]) == (201, "true")
    assert len(wired.calls("create")) == 1
    assert await phases(wired, operation_id) == ["started", "succeeded"]


@pytest.mark.parametrize("commit", [0, 1, 2], ids=["prepared", "sending", "the end"])
async def test_a_commit_whose_answer_is_lost_is_looked_up_and_not_guessed(
    relay: Relay, wired: World, commit: int
) -> None:
    """D03. Whatever the client was told, the same key leads to one line and the truth."""
    await wired.a.api.ok("GET", "/v1/me")  # So that no use of the key is noted in between.
    relay.lose_answer_of = commit

    async def mend() -> None:
        await relay.lost.wait()
        await asyncio.sleep(0.2)
        relay.mend()

    mending = asyncio.create_task(mend())
    answer = await wired.a.api.post("/v1/lines", NEW, headers=KEYED)
    await mending
    assert await wired.runtime.ports.tasks.drain(30) == 0
    assert answer.status_code in {201, 202, 503}, answer.text
    operations = (await wired.a.api.ok("GET", "/v1/operations"))["data"]
    assert len(operations) == 1
    if answer.status_code == 503:
        # A row that says prepared is taken up later: who is told 503 must be told which.
        assert answer.json()["operation_id"] == operations[0]["id"]
    assert operations[0]["state"] == ("prepared", "sending", "succeeded")[commit]
    again = await wired.a.api.post("/v1/lines", NEW, headers=KEYED)
    assert again.status_code == (202, 202, 201)[commit]
    assert len(wired.calls("create")) == (0, 0, 1)[commit]
    if commit == 2:
        assert answer.status_code == 201, answer.text
        assert await phases(wired, operations[0]["id"]) == ["started", "succeeded"]
        seen = await wired.a.api.ok("GET", f"/v1/lines/{answer.json()['id']}")
        assert seen["version"] == 1
