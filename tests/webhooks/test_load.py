"""Many events for many endpoints, some of them poisonous: nothing is lost, in order, on time.

Times are told and not asserted. `LONG=1` plays 10,000 events for 50 endpoints.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from gateway.domain.events import EventType
from gateway.domain.ids import ResellerId
from gateway.services.scope import system_scope
from gateway.services.telling import About, tell
from tests.faults.processes import Fleet
from tests.servers.flags import flag
from tests.webhooks.storm import POISONS, Got, Storm, a_storm
from tests.world import World, a_world

WORKERS: Final = 2
#: Events of one resource, which have to come in their order.
OF_EACH: Final = 5
BATCH: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How much to play, and for how long at most."""

    events: int
    healthy: int
    poisonous: int
    seconds_max: float


LOAD: Final = (
    Load(events=10_000, healthy=40, poisonous=10, seconds_max=3_000)
    if flag("LONG")
    else Load(events=200, healthy=8, poisonous=6, seconds_max=120)
)


@pytest.mark.timeout(LOAD.seconds_max + 120)
async def test_nothing_is_lost_and_poison_holds_up_nobody(
    database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two processes share the queue."""
    async with (
        a_storm(tmp_path) as storm,
        a_world(database_url, dangerous_webhook_targets=storm.places) as world,
        Fleet.of(world, tmp_path, LOG_LEVEL="info") as fleet,
    ):
        for url in storm.urls(LOAD.healthy, LOAD.poisonous):
            await world.operator.ok("POST", "/v1/webhook-endpoints", {"url": url}, status=201)
        for _ in range(WORKERS):
            fleet.work()
        began = time.monotonic()
        await _tell_all(world)
        told = time.monotonic() - began
        await _wait_for(storm)
        seconds = time.monotonic() - began
        await _wait_for_poison(storm)
        assert all(process.is_alive for process in fleet.processes)
        _check(storm)
        with capsys.disabled():
            print(f"\n{database_url.partition(':')[0]}: {_figures(storm, told, seconds)}")  # noqa: T201 - what a load is for


async def _tell_all(world: World) -> None:
    """Write the events, a transaction for some at a time: those of a resource are apart."""
    resources = LOAD.events // OF_EACH
    numbers = [n % resources for n in range(LOAD.events)]
    about = [
        About(resource_id=f"line_{n:026}", owner_path="/", reseller_id=ResellerId(world.a.id))
        for n in range(resources)
    ]
    for start in range(0, LOAD.events, BATCH):
        async with world.runtime.database.write(system_scope()) as store:
            for n in numbers[start : start + BATCH]:
                data = {"id": about[n].resource_id, "object": "line", "state": "active"}
                await tell(store, world.runtime.ports, EventType.LINE_UPDATED, about[n], data)


async def _wait_for(storm: Storm) -> None:
    """Wait until the healthy ones have all; what is missing then is told by `_check`."""
    end = time.monotonic() + LOAD.seconds_max
    while time.monotonic() < end:
        got = storm.got.values()
        if len(got) == LOAD.healthy and all(len(each.ids) >= LOAD.events for each in got):
            return
        await asyncio.sleep(0.05)


async def _wait_for_poison(storm: Storm) -> None:
    """Every sort of poison was tried; the handshake with the wrong certificate leaves no trace."""
    async with asyncio.timeout(60):
        while not set(POISONS) - {"tls"} <= set(storm.poisoned):  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.05)


def _check(storm: Storm) -> None:
    assert len(storm.got) == LOAD.healthy
    every = set(next(iter(storm.got.values())).ids)
    for path, got in storm.got.items():
        assert len(got.ids) == LOAD.events, f"{path} lacks {LOAD.events - len(got.ids)}"
        assert set(got.ids) == every, path
        assert got.changed == 0, path
        for resource_id, numbers in got.order.items():
            assert numbers == list(range(1, OF_EACH + 1)), (path, resource_id, numbers)
    assert storm.canary.connections == 0
    assert storm.poisoned["through-tls"] == 0


def _figures(storm: Storm, told: float, seconds: float) -> str:
    got: list[Got] = list(storm.got.values())
    delays = sorted(delay for each in got for delay in each.delays)
    doubled = sum(count - 1 for each in got for count in each.ids.values())
    percentiles = statistics.quantiles(delays, n=100)
    return (
        f"{LOAD.events} events, written in {told:.1f} s, to {LOAD.healthy} healthy endpoints "
        f"beside {LOAD.poisonous} poisonous ones, by {WORKERS} processes: all in {seconds:.1f} s, "
        f"{len(delays) / seconds:.0f} deliveries a second, delay p50 {percentiles[49]:.2f} s, "
        f"p99 {percentiles[98]:.2f} s, {doubled} sent twice, poison tried {dict(storm.poisoned)}"
    )
