"""Notices among processes, and a Redis that is down, hangs or comes back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import redis.asyncio
from redis.utils import str_if_bytes
from structlog.testing import capture_logs

from gateway.notices.redis import PAUSE_MAX_SECONDS, UNTOLD_MAX, RedisNotices
from tests.cache.support import HandClock
from tests.notices.support import LINE, OTHER, not_woken, process, until, woken
from tests.servers.redis import RedisServer


@pytest.fixture
async def pair(stoppable_redis: RedisServer) -> AsyncIterator[tuple[RedisNotices, RedisNotices]]:
    """Two processes on one Redis."""
    url = stoppable_redis.url
    async with process(url) as here, process(url) as there:
        yield here, there


async def channels(url: str) -> set[str]:
    """Return what somebody has subscribed to."""
    async with redis.asyncio.Redis.from_url(url) as server:
        return {str_if_bytes(channel) for channel in await server.pubsub_channels()}


async def test_processes_hear_of_each_others_changes(
    pair: tuple[RedisNotices, RedisNotices],
) -> None:
    here, there = pair
    async with here.listen(LINE) as mine, there.listen(LINE) as theirs:
        for listener in (mine, theirs):
            await woken(listener)  # The server has begun to tell.
            await not_woken(listener)
        here.publish([OTHER, LINE])
        await woken(theirs)
        await woken(mine)
        there.publish([LINE])
        await woken(mine)


async def test_ones_own_change_wakes_a_listener_once(
    pair: tuple[RedisNotices, RedisNotices],
) -> None:
    """The message comes back from Redis as well; what follows it shows that it was passed by."""
    here, there = pair
    async with here.listen(LINE) as mine, here.listen(OTHER) as after:
        await woken(mine)
        await woken(after)
        here.publish([LINE])
        await woken(mine)
        await until(lambda: not here._untold)
        there.publish([OTHER])
        await woken(after)
        await not_woken(mine)


async def test_who_begins_to_listen_misses_nothing_though_it_waits_for_nobody(
    pair: tuple[RedisNotices, RedisNotices], stoppable_redis: RedisServer
) -> None:
    """A change between its first look and the subscription is made good by waking it."""
    _, there = pair
    late = process(stoppable_redis.url)
    async with late.listen(LINE) as listener:
        there.publish([LINE])
        await there._all_told.wait()
        await not_woken(listener)  # Nobody told this process, and nobody will.
        async with late:
            await woken(listener)


async def test_a_resource_is_subscribed_while_somebody_listens(
    pair: tuple[RedisNotices, RedisNotices], stoppable_redis: RedisServer
) -> None:
    here, _ = pair
    channel = f"xgw:notices:1:0:{LINE}"
    async with here.listen(LINE) as first:
        await woken(first)
        async with here.listen(LINE):
            assert await channels(stoppable_redis.url) == {channel}
        async with here.listen(OTHER) as other:
            await woken(other)
        assert channel in await channels(stoppable_redis.url)
    while await channels(stoppable_redis.url):  # noqa: ASYNC110 - Redis does it in its own time
        await asyncio.sleep(0.005)


async def test_all_share_two_connections(
    pair: tuple[RedisNotices, RedisNotices], stoppable_redis: RedisServer
) -> None:
    here, there = pair
    async with AsyncExitStack() as stack:
        for number in range(1_200):
            await stack.enter_async_context(here.listen(f"line_{number}"))
        last = await stack.enter_async_context(here.listen(LINE))
        await woken(last)
        await until(lambda: len(here._tuned) == 1_201 and there.is_linked)
        async with redis.asyncio.Redis.from_url(stoppable_redis.url) as server:
            assert len(await server.client_list()) == 2 * 2 + 1
        there.publish([f"line_{number}" for number in range(1_200)] + [LINE])
        await woken(last)


async def test_gateways_on_other_databases_of_one_server_stay_apart(
    stoppable_redis: RedisServer,
) -> None:
    async with (
        process(f"{stoppable_redis.url}/1") as here,
        process(f"{stoppable_redis.url}/2") as stranger,
        process(f"{stoppable_redis.url}/1") as there,
        here.listen(LINE) as listener,
    ):
        await woken(listener)
        stranger.publish([LINE])
        await until(lambda: stranger.is_linked and not stranger._untold)
        await not_woken(listener)
        there.publish([LINE])
        await woken(listener)


async def test_after_an_outage_every_listener_is_woken_and_hears_again(
    pair: tuple[RedisNotices, RedisNotices], stoppable_redis: RedisServer
) -> None:
    here, there = pair
    async with here.listen(LINE) as line, here.listen(OTHER) as other:
        for listener in (line, other):
            await woken(listener)
        stoppable_redis.kill()
        await until(lambda: not here.is_linked)
        await asyncio.to_thread(stoppable_redis.start)
        for listener in (line, other):  # What may have been missed is made good.
            await woken(listener)
        await until(lambda: there.is_linked)
        there.publish([LINE])
        await woken(line)
        await not_woken(other)


async def test_what_was_published_while_it_was_away_is_told_afterwards(
    pair: tuple[RedisNotices, RedisNotices], stoppable_redis: RedisServer
) -> None:
    here, there = pair
    stoppable_redis.kill()
    await until(lambda: not here.is_linked)
    here.publish([LINE])
    assert list(here._untold) == [LINE]
    await asyncio.to_thread(stoppable_redis.start)
    async with there.listen(LINE) as listener:
        await woken(listener)
    await until(lambda: not here._untold)


async def test_without_redis_the_listeners_of_the_same_process_are_woken_all_the_same() -> None:
    async with process("redis://127.0.0.1:1") as alone, alone.listen(LINE) as listener:
        alone.publish([LINE])
        assert await listener.wait(0)
        await not_woken(listener)


async def test_what_cannot_be_told_is_kept_up_to_a_bound() -> None:
    async with process("redis://127.0.0.1:1") as alone:
        for number in range(UNTOLD_MAX + 10):
            alone.publish([f"line_{number}"])
        assert len(alone._untold) == UNTOLD_MAX
        assert next(iter(alone._untold)) == "line_10"
        for number in range(1_000):
            async with alone.listen(f"op_{number}"):
                pass
        assert not alone._moved


async def test_a_hanging_server_costs_callers_nothing(stoppable_redis: RedisServer) -> None:
    """Nothing here waits but for its turn of the event loop, which one pass of it shows."""
    async with process(stoppable_redis.url, answer_seconds=0.05) as notices:
        await until(lambda: notices.is_linked)
        stoppable_redis.pause()
        for number in range(1_000):
            notices.publish([f"line_{number}"])
            listening = notices.listen(f"line_{number}")
            assert ended_at_once(listening.__aenter__())
            assert ended_at_once(listening.__aexit__(None, None, None))
        await until(lambda: not notices.is_linked)
        stoppable_redis.resume()
        await until(lambda: notices.is_linked and not notices._untold)


def ended_at_once(work: object) -> bool:
    """Tell whether an awaitable ends without ever giving the event loop back."""
    assert hasattr(work, "send")
    try:
        work.send(None)
    except StopIteration:
        return True
    return False


async def test_a_server_that_falls_silent_is_noticed_by_itself(
    stoppable_redis: RedisServer,
) -> None:
    async with process(
        stoppable_redis.url, answer_seconds=0.1, check_every_seconds=0.05
    ) as notices:
        await until(lambda: notices.is_linked)
        stoppable_redis.pause()
        await until(lambda: not notices.is_linked)
        stoppable_redis.resume()
        await until(lambda: notices.is_linked)


async def test_a_quiet_link_lasts(stoppable_redis: RedisServer) -> None:
    """Checks are answered, with and without a subscription."""
    clock = HandClock()
    async with process(stoppable_redis.url, clock, check_every_seconds=0.01) as notices:
        await until(lambda: notices.is_linked)
        await asyncio.sleep(0.1)
        async with notices.listen(LINE) as listener:
            await woken(listener)
            await asyncio.sleep(0.1)
            assert notices.is_linked
        assert clock.pauses == []


async def test_tries_become_rarer_while_it_is_down_and_one_line_tells_of_it() -> None:
    clock = HandClock()
    with capture_logs() as logs:
        async with process("redis://127.0.0.1:1", clock):
            await until(lambda: len(clock.pauses) >= 9)
    assert clock.pauses[0] == 0.0
    assert clock.pauses == sorted(clock.pauses)
    assert clock.pauses[-1] == PAUSE_MAX_SECONDS
    assert [entry["event"] for entry in logs] == ["notices.lost"]


async def test_a_server_that_refuses_to_subscribe_is_not_tried_without_pause(
    stoppable_redis: RedisServer,
) -> None:
    """It lets the connection in and answers checks, so only its use shows that it is of none."""
    async with redis.asyncio.Redis.from_url(stoppable_redis.url) as server:
        await server.acl_setuser(
            "deaf", enabled=True, passwords=["+p"], commands=["+ping", "+publish"], channels=["*"]
        )
    clock = HandClock()
    url = stoppable_redis.url.replace("//", "//deaf:p@")
    async with process(url, clock) as notices, notices.listen(LINE):
        await until(lambda: PAUSE_MAX_SECONDS in clock.pauses)


async def test_an_account_with_the_named_rights_is_enough(stoppable_redis: RedisServer) -> None:
    rights = ["+subscribe", "+unsubscribe", "+publish", "+ping"]
    async with redis.asyncio.Redis.from_url(stoppable_redis.url) as server:
        await server.acl_setuser(
            "xgw",
            enabled=True,
            passwords=["+p"],
            commands=rights,
            channels=["xgw:notices:*"],
            reset_channels=True,
        )
    url = stoppable_redis.url.replace("//", "//xgw:p@")
    async with process(url) as here, process(url) as there:
        async with here.listen(LINE) as listener:
            await woken(listener)
            there.publish([LINE])
            await woken(listener)
        await until(lambda: not here._tuned)


async def test_the_last_words_of_a_process_are_heard(
    pair: tuple[RedisNotices, RedisNotices], stoppable_redis: RedisServer
) -> None:
    """A command that ends right after its change tells of it all the same."""
    here, _ = pair
    async with here.listen(LINE) as listener:
        await woken(listener)
        async with process(stoppable_redis.url) as command:
            await until(lambda: command.is_linked)
            command.publish([LINE])
        await woken(listener)


async def test_closing_does_not_hang_with_a_server_that_does(
    stoppable_redis: RedisServer,
) -> None:
    async with process(stoppable_redis.url) as notices:
        await until(lambda: notices.is_linked)
        stoppable_redis.pause()
        notices.publish([LINE])
    assert not notices.is_linked
    stoppable_redis.resume()


async def test_a_server_that_talks_nonsense_is_left(stoppable_redis: RedisServer) -> None:
    """Another program, or another protocol: a shape that nobody asked for ends the link."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"+PONG\r\n*1\r\n$3\r\nwho\r\n")
        await reader.read()
        writer.close()
        await writer.wait_closed()

    clock = HandClock()
    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, process(f"redis://127.0.0.1:{port}", clock):
        await until(lambda: len(clock.pauses) >= 3)
        assert clock.pauses[2] > 0
