"""Lock-outs: the same in Redis and within a process, and across processes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.domain.clock import SystemClock
from gateway.domain.errors import RateLimited
from gateway.domain.limits import MICROSECONDS, LockRule
from gateway.limits.locks import SharedLocks
from gateway.limits.runner import ScriptRunner
from gateway.services.lockouts import (
    LocalLocks,
    Lockouts,
    of_address,
    of_client,
    of_look_up,
)
from tests.limits.test_buckets import PATIENT, Exact
from tests.servers.redis import RedisServer

RULE = LockRule()


class Nothing:
    """Locks that know of nobody."""

    async def locked_for(self, subjects: Sequence[str]) -> float:
        return 0.0

    async def failed(self, subjects: Sequence[str], rule: LockRule) -> None:
        """Forget it."""


@given(
    st.lists(
        st.tuples(st.integers(0, 40_000_000), st.sampled_from(["a", "b"]), st.integers(1, 12)),
        max_size=25,
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_the_scripts_come_to_the_same_as_the_local_locks(
    redis_url: str, history: list[tuple[int, str, int]]
) -> None:
    async def play() -> None:
        clock = Exact()
        async with ScriptRunner.opened(
            redis_url, SystemClock(), patience_seconds=PATIENT
        ) as runner:
            await runner._client.flushdb()
            moving = Exact()  # What was free is asked for again each time.
            shared = SharedLocks(runner, Nothing(), moving, now=lambda: clock.microseconds)
            local = LocalLocks(clock)
            for gap, subject, failures in history:
                clock.microseconds += gap
                moving.microseconds += 10 * MICROSECONDS
                for _ in range(failures):
                    await shared.failed([subject], RULE)
                    await local.failed([subject], RULE)
                here, there = await local.locked_for(["a"]), await shared.locked_for(["a"])
                assert there == pytest.approx(here, abs=1e-5)

    asyncio.run(play())


async def test_who_is_locked_out_of_one_process_is_locked_out_of_all(redis_url: str) -> None:
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        both = [
            Lockouts(
                SharedLocks(
                    await stack.enter_async_context(
                        ScriptRunner.opened(redis_url, clock, patience_seconds=PATIENT)
                    ),
                    LocalLocks(clock),
                    clock,
                ),
                LockRule(first_seconds=60),
            )
            for _ in range(2)
        ]
        for number in range(RULE.free_max):
            await both[number % 2].check("a")
            await both[number % 2].failed("a")
        await both[0].check("b")
        for one in both:
            async with asyncio.timeout(30):
                while not await one.locks.locked_for(["a"]):  # noqa: ASYNC110 - others' locks come late
                    await asyncio.sleep(0.1)
            with pytest.raises(RateLimited) as caught:
                await one.check("b", "a")
            assert 1 <= (caught.value.retry_after_seconds or 0) <= 60


async def test_without_redis_a_process_still_locks(stoppable_redis: RedisServer) -> None:
    clock = SystemClock()
    async with ScriptRunner.opened(stoppable_redis.url, clock, patience_seconds=PATIENT) as runner:
        locks = SharedLocks(runner, LocalLocks(clock), clock)
        lockouts = Lockouts(locks, LockRule(first_seconds=60))
        stoppable_redis.kill()
        for _ in range(RULE.free_max):
            await lockouts.check("a")
            await lockouts.failed("a")
        with pytest.raises(RateLimited):
            await lockouts.check("a")
        await lockouts.check("b")


async def test_a_lock_ends_and_the_next_one_is_twice_as_long() -> None:
    clock = Exact()
    lockouts = Lockouts(LocalLocks(clock))
    for _ in range(RULE.free_max):
        await lockouts.failed("a")
    for seconds in (1, 2, 4, 8):
        with pytest.raises(RateLimited) as caught:
            await lockouts.check("a")
        assert caught.value.retry_after_seconds == seconds
        clock.microseconds += seconds * MICROSECONDS
        await lockouts.check("a")
        await lockouts.failed("a")


async def test_a_process_remembers_a_bounded_number_of_guessers() -> None:
    locks = LocalLocks(Exact(), most=10)
    for number in range(50):
        await locks.failed([str(number)], RULE)
    assert len(locks._known) == 10


async def test_nobody_is_locked_out_who_is_not_known() -> None:
    lockouts = Lockouts()
    for _ in range(2 * RULE.free_max):
        await lockouts.failed(None)
    await lockouts.check(None, of_address(None))


def test_addresses_of_one_customer_are_one_subject() -> None:
    assert (
        of_address("2001:db8:1:2:3::4") == of_address("2001:db8:1:2::1") == "ip:2001:db8:1:2::/64"
    )
    assert of_address("2001:db8:1:3::1") != of_address("2001:db8:1:2::1")
    assert of_address("::ffff:192.0.2.1") == of_address("192.0.2.1") == "ip:192.0.2.1"
    assert of_address("::1") == "ip:::/64"
    assert of_address("not an address") is None


def test_a_client_is_locked_out_where_it_was_guessed_only() -> None:
    assert of_client("cli_a", "192.0.2.1") != of_client("cli_a", "192.0.2.2")
    assert of_client("cli_a", "192.0.2.1") != of_client("cli_b", "192.0.2.1")


def test_what_a_stranger_sends_does_not_stand_in_a_key() -> None:
    assert "anna" not in of_look_up("rsl_a", "anna")
    assert len(of_look_up("rsl_a", "x" * 10_000)) < 100
    assert of_look_up("rsl_a", "\udc80")
