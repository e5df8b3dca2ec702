"""A panel that is down for a while, with readers and writers at the door: what they are told."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from gateway.panels.breaker import Pauses
from tests.servers.flags import flag
from tests.world import FREE_RATES, World, a_world

#: For a minute, 200 reads a second, in the long mode.
DOWN_SECONDS = 60.0 if flag("LONG") else 4.0
READS_A_SECOND = 200 if flag("LONG") else 25
WRITES_A_SECOND = 2
AFTER_SECONDS = 2 * Pauses().longest + 3.0 if flag("LONG") else 7.0
TTL_SECONDS = 1
LINES = 20
#: Each asks again when it has its answer: a slow machine makes fewer reads, not a longer queue.
READERS = 12


@dataclass
class Watch:
    """What was told, and when it was asked for, in seconds from the panel's end."""

    began: float
    reads: list[tuple[float, httpx2.Response]] = field(default_factory=list)
    writes: list[tuple[float, str, httpx2.Response]] = field(default_factory=list)

    @property
    def now(self) -> float:
        return time.monotonic() - self.began

    async def read(self, world: World, line_id: str) -> None:
        asked = self.now
        self.reads.append((asked, await world.a.api.get(f"/v1/lines/{line_id}")))

    async def write(self, world: World, number: int) -> None:
        asked, name = self.now, f"late{number}"
        body = {"period": "P1M", "username": name}
        answer = await world.a.api.post("/v1/lines", body, headers={"Idempotency-Key": name})
        self.writes.append((asked, name, answer))


async def watched(world: World, lines: list[dict[str, Any]]) -> Watch:
    """Take the panel away and bring it back, while callers go on."""
    for restart in world.simulator.panel.world.restarts:
        restart(DOWN_SECONDS)
    watch = Watch(time.monotonic())
    end = DOWN_SECONDS + AFTER_SECONDS

    async def reader(number: int) -> None:
        for count in itertools.count():
            await watch.read(world, lines[(number + count) % LINES]["id"])
            await asyncio.sleep(max(0.0, (count + 1) * READERS / READS_A_SECOND - watch.now))
            if watch.now >= end:
                return

    async def writer() -> None:
        for count in itertools.count():
            await watch.write(world, count)
            await asyncio.sleep(max(0.0, (count + 1) / WRITES_A_SECOND - watch.now))
            if watch.now >= end:
                return

    await asyncio.gather(writer(), *(reader(number) for number in range(READERS)))
    return watch


@pytest.mark.timeout(300)
async def test_readers_get_what_is_cached_with_its_age_and_writers_the_truth(
    tmp_path: Path,
) -> None:
    cache = {"info_ttl_seconds": TTL_SECONDS}
    async with a_world(f"sqlite:///{tmp_path}/g.db", cache=cache, limits=FREE_RATES) as world:
        lines = [await world.line(username=f"line{number}") for number in range(LINES)]
        await asyncio.sleep(TTL_SECONDS)
        calls_before = world.runtime.metrics.render()[0]
        watch = await watched(world, lines)
        calls = sent(world.runtime.metrics.render()[0]) - sent(calls_before)

        # Every read is answered: from the cache, with its age, while the panel is away.
        statuses = Counter(answer.status_code for _asked, answer in watch.reads)
        assert statuses == {200: len(watch.reads)}
        down = [answer.json()["observed"] for asked, answer in watch.reads if asked < DOWN_SECONDS]
        old = [observed for observed in down if observed["stale"]]
        assert len(old) > 0.5 * len(down)
        assert max(observed["age_seconds"] for observed in old) >= DOWN_SECONDS - 2

        # Writes: done, or nothing was sent, or open; and what was refused left nothing behind.
        made = set()
        for _asked, name, answer in watch.writes:
            assert answer.status_code in {201, 202, 503}, answer.text
            if answer.status_code == 503:
                assert answer.json()["code"] == "panel_unavailable"
                assert int(answer.headers["Retry-After"]) >= 1
            else:
                made.add(name)
        assert any(answer.status_code == 503 for _asked, _name, answer in watch.writes)
        users = {row["username"] for row in world.users()}
        assert users & {name for _asked, name, _answer in watch.writes} == made

        # Few calls go to a panel that is away, and it is found again within two pauses.
        asked = sum(at < DOWN_SECONDS for at, _answer in watch.reads)
        fresh = [
            at
            for at, answer in watch.reads
            if at > DOWN_SECONDS and not answer.json()["observed"]["stale"]
        ]
        after = sum(at >= DOWN_SECONDS for at, _answer in watch.reads)
        assert fresh[0] - DOWN_SECONDS <= 2 * Pauses().longest
        assert calls - after - 3 * len(made) <= 1.1 * asked + 10 * DOWN_SECONDS


def sent(metrics: bytes) -> float:
    """Return how many calls went out to panels, those to a closed port included."""
    rows = [row for row in metrics.decode().splitlines() if row.startswith("gateway_panel_calls_t")]
    return sum(float(row.rpartition(" ")[2]) for row in rows)
