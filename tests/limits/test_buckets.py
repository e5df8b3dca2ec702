"""Shared buckets: as the local ones, across processes, and while Redis is away."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.domain.clock import SystemClock
from gateway.domain.limits import MICROSECONDS, Charge, Rate
from gateway.limits.buckets import SharedBuckets
from gateway.limits.runner import PATIENCE_SECONDS, RETRY_SECONDS, ScriptRunner
from gateway.services.ports.limits import Buckets
from gateway.services.rates import LocalBuckets
from tests.servers.flags import flag
from tests.servers.redis import RedisServer

PATIENT = 20.0
RATE = Rate(20, 3_600)


class Hands(SystemClock):
    """A clock that is set by hand, for the local bucket and for Redis."""

    def __init__(self) -> None:
        self.microseconds = 10**15

    def monotonic(self) -> float:
        return self.microseconds / MICROSECONDS


class Exact(Hands):
    """A local bucket's clock: whole microseconds survive the way through seconds."""

    def monotonic(self) -> float:
        return (self.microseconds - 10**15) / MICROSECONDS + 1e-9


STEPS = st.lists(
    st.tuples(
        st.integers(0, 4_000_000),
        st.lists(
            st.tuples(st.sampled_from("abc"), st.integers(1, 4)),
            min_size=1,
            max_size=3,
            unique_by=lambda part: part[0],
        ),
    ),
    max_size=25,
)


@given(
    history=STEPS,
    rates=st.fixed_dictionaries(
        {key: st.builds(Rate, st.integers(1, 30), st.integers(1, 20)) for key in "abc"}
    ),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_the_script_comes_to_the_same_as_the_local_buckets(
    redis_url: str, history: list[tuple[int, list[tuple[str, int]]]], rates: dict[str, Rate]
) -> None:
    async def play() -> None:
        clock = Exact()
        async with ScriptRunner.opened(
            redis_url, SystemClock(), patience_seconds=PATIENT
        ) as runner:
            await runner._client.flushdb()
            shared = SharedBuckets(runner, Never(), now=lambda: clock.microseconds)
            local = LocalBuckets(clock)
            for gap, parts in history:
                clock.microseconds += gap
                charges = [
                    Charge(policy=key, key=key, rate=rates[key], cost=cost) for key, cost in parts
                ]
                assert await shared.take(charges) == await local.take(charges)

    asyncio.run(play())


class Never:
    """Buckets that must not be asked."""

    async def take(self, charges: Sequence[Charge]) -> tuple[()]:
        raise AssertionError("Redis was there, and was not asked")


async def test_two_processes_together_let_through_what_one_bucket_does(redis_url: str) -> None:
    seconds = 30 if flag("LONG") else 4
    rate = Rate(200, 1)
    start = SystemClock().monotonic() + 6  # By then both have begun.
    words = [redis_url, str(rate), str(start), str(start + seconds)]
    hammers = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.limits.hammer", *words, stdout=asyncio.subprocess.PIPE
        )
        for _ in range(2)
    ]
    answers = [(await hammer.communicate())[0].split() for hammer in hammers]
    taken, alone = (sum(int(answer[place]) for answer in answers) for place in (0, 1))
    assert alone == 0
    assert all(int(answer[0]) > 0 for answer in answers)
    assert taken == pytest.approx(rate.quota + rate.quota * seconds, rel=0.05)


async def taken_of(buckets: Buckets, count: int, key: str = "a") -> int:
    """Ask *count* times; return how often there was enough."""
    charge = Charge(policy="default", key=key, rate=RATE)
    answers = [await buckets.take([charge]) for _ in range(count)]
    return sum(not standing.wait for (standing,) in answers)


async def test_while_redis_is_away_each_process_has_its_part_and_then_all_is_shared_again(
    stoppable_redis: RedisServer,
) -> None:
    clock = SystemClock()
    async with ScriptRunner.opened(stoppable_redis.url, clock, patience_seconds=PATIENT) as runner:
        buckets = SharedBuckets(runner, LocalBuckets(clock, share=4))
        assert await taken_of(buckets, 25) == 20
        stoppable_redis.kill()
        assert await taken_of(buckets, 25) == 5
        stoppable_redis.start()
        await until_shared(buckets)
        assert await taken_of(buckets, 25) == 20


async def until_shared(buckets: Buckets) -> None:
    """Wait until answers show the whole quota, not the part of one process."""
    async with asyncio.timeout(30):
        while True:
            (standing,) = await buckets.take([Charge(policy="default", key="x", rate=RATE)])
            if standing.rate == RATE:
                return
            await asyncio.sleep(RETRY_SECONDS / 4)


async def test_a_redis_that_hangs_holds_a_few_requests_up_shortly_and_then_none(
    stoppable_redis: RedisServer,
) -> None:
    clock = Counted()
    async with ScriptRunner.opened(
        stoppable_redis.url, clock, patience_seconds=PATIENCE_SECONDS
    ) as runner:
        local = LocalBuckets(SystemClock())
        buckets = SharedBuckets(runner, local)
        await until_shared(buckets)
        stoppable_redis.pause()
        assert await taken_of(buckets, 30) == 20
        # Behind the open breaker nothing is sent: the answer comes without giving up control.
        waiting = asyncio.ensure_future(buckets.take([Charge(policy="d", key="b", rate=RATE)]))
        await asyncio.sleep(0)
        assert waiting.done()
        clock.past = 10 * RETRY_SECONDS
        stoppable_redis.resume()
        await until_shared(buckets)


class Counted(SystemClock):
    """The machine's clock, which stands still until it is told otherwise."""

    def __init__(self) -> None:
        self.began = super().monotonic()
        self.past = 0.0

    def monotonic(self) -> float:
        return self.began + self.past


async def test_a_script_that_redis_has_forgotten_is_told_again(redis_url: str) -> None:
    async with ScriptRunner.opened(redis_url, SystemClock(), patience_seconds=PATIENT) as runner:
        buckets = SharedBuckets(runner, Never())
        assert await taken_of(buckets, 3) == 3
        await runner._client.script_flush()
        answers = await asyncio.gather(*(taken_of(buckets, 1) for _ in range(30)))
        assert sum(answers) == 17


async def test_an_error_of_the_server_is_no_free_pass(redis_url: str) -> None:
    clock = SystemClock()
    async with ScriptRunner.opened(redis_url, clock, patience_seconds=PATIENT) as runner:
        buckets = SharedBuckets(runner, LocalBuckets(clock, share=4))
        await runner._client.rpush("xgw:rate:1:a", "not a bucket")
        assert await taken_of(buckets, 25) == 5


async def test_buckets_end_when_they_are_full(redis_url: str) -> None:
    async with ScriptRunner.opened(redis_url, SystemClock(), patience_seconds=PATIENT) as runner:
        buckets = SharedBuckets(runner, Never())
        await taken_of(buckets, 2)
        life = await runner._client.pttl("xgw:rate:1:a")
        assert 0 < life <= 2 * RATE.interval / 1000 + 2


async def test_a_process_remembers_a_bounded_number_of_buckets() -> None:
    clock = Hands()
    buckets = LocalBuckets(clock, most=10)
    for number in range(50):
        await taken_of(buckets, 1, key=str(number))
    assert len(buckets._full_at) == 10
    clock.microseconds += 3_600 * MICROSECONDS
    for number in range(6):
        await taken_of(buckets, 1, key=f"later {number}")
    assert len(buckets._full_at) == 6
