"""A server that is not what it should be, or answers what Redis never would."""

from __future__ import annotations

import pytest

from gateway.cache.events import CacheEvent
from gateway.services.ports.cache import Lookup
from tests.cache.scripted import ScriptedServer
from tests.cache.support import LINE, Rig, know, ready, until

NOTHING = Lookup(entry=None, epoch=None)


@pytest.fixture
def rig() -> Rig:
    return Rig()


@pytest.mark.parametrize(
    "answer",
    [
        b":5\r\n",
        b"$3\r\nabc\r\n",
        b"*-1\r\n",
        b"*1\r\n$1\r\nx\r\n",
        b"*2\r\n:1\r\n:2\r\n",
        b"*2\r\n*0\r\n*0\r\n",
        b"-MOVED 3999 127.0.0.1:6381\r\n",
        b"-CROSSSLOT Keys in request don't hash to the same slot\r\n",
        b"-NOPERM this user has no permissions\r\n",
        b"-LOADING Redis is loading the dataset in memory\r\n",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"",
    ],
)
async def test_whatever_it_answers_a_reader_gets_nothing_and_no_error(
    rig: Rig, answer: bytes
) -> None:
    server = ScriptedServer(lambda command: answer if command[0] == b"MGET" else None)
    async with server.running(), rig.process(server.url, answer_seconds=0.2) as cache:
        for _ in range(3):
            await ready(cache)
            assert await cache.look_up(LINE) == NOTHING


@pytest.mark.parametrize("part", ["role", "run_id"])
async def test_a_replica_or_a_nameless_server_is_not_used(rig: Rig, part: str) -> None:
    server = ScriptedServer()
    setattr(server, part, "slave" if part == "role" else "")
    async with server.running(), rig.process(server.url) as cache:
        await until(lambda: server.connections >= 3)
        assert not await cache.is_ready()
        assert rig.events[CacheEvent.FAILED] >= 2


async def test_another_server_behind_the_same_connection_is_noticed(rig: Rig) -> None:
    keys: list[bytes] = []
    server = ScriptedServer(lambda command: keys.extend(command[1:]) if len(command) > 3 else None)
    async with server.running(), rig.process(server.url, check_every_seconds=0.02) as cache:
        server.run_id = "b" * 40
        await until(lambda: server.connections >= 2)
        await ready(cache)
        await know(cache, LINE, 5)
        assert b"b" * 40 in b"".join(keys)
        assert b"a" * 40 not in b"".join(keys)


async def test_a_server_that_takes_no_invalidation_is_not_read_either(rig: Rig) -> None:
    """Else this process would go on serving what its own writer made old."""
    is_refusing = True

    def answer(command: list[bytes]) -> bytes | None:
        return b":0\r\n" if is_refusing and command[0] == b"EVALSHA" else None

    server = ScriptedServer(answer)
    async with server.running(), rig.process(server.url) as cache:
        await know(cache, LINE, 5)
        await until(lambda: server.connections >= 4)
        assert not await cache.is_ready()
        assert rig.events[CacheEvent.RAISE_LANDED] == 0
        is_refusing = False
        await ready(cache)
        assert rig.events[CacheEvent.RAISE_LANDED] == 1


async def test_nothing_is_sent_under_an_old_name_over_a_new_connection(rig: Rig) -> None:
    """The connection was lost unnoticed, and another server answers there now."""
    asked: list[bytes] = []
    server = ScriptedServer(lambda command: asked.extend(command) if len(command) > 2 else None)
    async with server.running(), rig.process(server.url) as cache:
        link = cache._link
        assert link is not None
        await link.close()
        server.run_id = "b" * 40
        assert await cache.look_up(LINE) == NOTHING
        await ready(cache)
        assert await cache.look_up(LINE) == NOTHING
        assert b"b" * 40 in b"".join(asked)
        assert b"a" * 40 not in b"".join(asked)
