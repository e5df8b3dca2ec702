"""A panel that is down for a minute under 200 reads a second, counted call by call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from gateway.domain.errors import PanelError, PanelOutcomeUnknown, PanelUnavailable
from gateway.panels.breaker import Pauses
from gateway.panels.dialect import Reason
from tests.panels.makers import TOKEN, a_create, an_info
from tests.panels.stand_in import BUSY, Behaviour, Bench, StandIn, a_bench
from tests.servers.flags import flag

READS_A_SECOND = 200
CHANGES_A_SECOND = 2
WARM, DOWN, AFTER = 3.0, 60.0, 25.0
PROBE_SECONDS = Pauses().longest


@dataclass
class Told:
    """What callers were told, and when they had asked; seconds from the start."""

    served: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    unknown: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    without_pause: int = 0


async def under_load(
    bench: Bench, trouble: Behaviour, reads_a_second: int = READS_A_SECOND
) -> tuple[Told, Told, float]:
    """Read and change steadily while the panel goes down and comes back; return what was told."""
    clock, reads, changes = bench.clock, Told(), Told()
    began = clock.monotonic()
    well = bench.stand_in.behaviour

    async def call(told: Told, *, is_change: bool) -> None:
        asked = clock.monotonic() - began
        try:
            if is_change:
                await bench.port.change(bench.panel, a_create(), TOKEN, timeout_seconds=45)
            else:
                await bench.port.read(bench.panel, an_info(), timeout_seconds=15)
            told.served.append(asked)
        except PanelUnavailable as error:
            told.refused.append(asked)
            told.without_pause += not error.retry_after_seconds
        except PanelOutcomeUnknown:
            told.unknown.append(asked)
        except PanelError:  # EXISTS and the like: the panel has answered.
            told.served.append(asked)
        told.waits.append(clock.monotonic() - began - asked)

    async def load(told: Told, a_second: int, *, is_change: bool) -> None:
        asking = []
        for _ in range(int(a_second * (WARM + DOWN + AFTER))):
            asking.append(asyncio.ensure_future(call(told, is_change=is_change)))
            await clock.sleep(1 / a_second)
        await asyncio.gather(*asking)

    async def weather() -> None:
        await clock.sleep(WARM)
        bench.stand_in.behaviour = trouble
        await clock.sleep(DOWN)
        bench.stand_in.behaviour = well

    await asyncio.gather(
        weather(),
        load(reads, reads_a_second, is_change=False),
        load(changes, CHANGES_A_SECOND, is_change=True),
    )
    return reads, changes, began


TROUBLES: dict[str, Callable[[StandIn], Behaviour]] = {
    "refuses connections": lambda it: it.fails(Reason.UNREACHABLE),
    "hangs": lambda it: it.hangs(),
    "answers 503": lambda it: it.answers(BUSY),
    "breaks off": lambda it: it.fails(Reason.BROKEN_OFF, sent=True, after=0.05),
}


#: Trouble that does not open the circuit: tens of thousands of calls, so fewer in the short mode.
OF_A_LIVING_PANEL = frozenset({"answers 503", "breaks off"})


@pytest.mark.timeout(600)  # Many calls, on a machine that may be busy.
@pytest.mark.parametrize("name", TROUBLES)
async def test_a_minute_of_trouble_costs_few_calls_and_ends_soon(name: str) -> None:
    async with a_bench(in_flight=16) as bench:
        stand_in = bench.stand_in
        is_short = name in OF_A_LIVING_PANEL and not flag("LONG")
        rate = READS_A_SECOND // 5 if is_short else READS_A_SECOND
        reads, changes, began = await under_load(bench, TROUBLES[name](stand_in), rate)
        down = [began + WARM, began + WARM + DOWN]
        sent = stand_in.sends_between(*down)
        asked = (rate + CHANGES_A_SECOND) * DOWN
        repeats = bench.retries.count(True)

        # Amplification, exactly: first calls and repeats.
        assert repeats <= 0.1 * rate * (WARM + DOWN + AFTER) + 10 * (WARM + DOWN + AFTER)
        assert sent <= 1.1 * asked + 10 * DOWN

        # Every caller got an answer, in time, and who was refused was told when to come back.
        total = WARM + DOWN + AFTER
        assert len(reads.waits) == int(rate * total)
        assert len(changes.waits) == int(CHANGES_A_SECOND * total)
        assert (max(reads.waits), max(changes.waits)) <= (15.0, 45.0)
        assert (reads.without_pause, changes.without_pause) == (0, 0)

        # A change is unknown only if it was sent: at most one for each call that reached the panel.
        assert len(changes.unknown) <= sent
        if name == "refuses connections":
            assert changes.unknown == []

        # Back within two pauses: the last refusal of one who asked after the panel was back.
        back = WARM + DOWN
        late = [moment for moment in (*reads.refused, *changes.refused) if moment >= back]
        recovery = max(late, default=back) - back
        assert recovery <= 2 * PROBE_SECONDS


@pytest.mark.timeout(600)
async def test_while_the_circuit_is_open_nobody_waits() -> None:
    async with a_bench(in_flight=16) as bench:
        bench.stand_in.behaviour = bench.stand_in.fails(Reason.UNREACHABLE)
        reads, changes, _began = await under_load(bench, bench.stand_in.behaviour)
        assert reads.served == []
        assert sum(wait == 0 for wait in reads.waits) > 0.99 * len(reads.waits)
        assert changes.unknown == []
        # 2 + 4 + 8 s, then one call in ten seconds.
        total = WARM + DOWN + AFTER
        assert len(bench.stand_in.sent) <= 3 + 3 + (total - 14) / PROBE_SECONDS + 1
