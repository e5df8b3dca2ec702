"""A caller's time: no call starts too late to be of use, and one that was sent has its time."""

from __future__ import annotations

import asyncio

import pytest

from gateway.domain.calls import CreatedLine, NotOnPanel
from gateway.domain.errors import PanelOutcomeUnknown, PanelUnavailable
from gateway.panels.exchange import LEAST_SECONDS
from tests.panels.makers import TOKEN, a_create, an_info
from tests.panels.stand_in import BUSY, Bench, a_bench


async def ask(bench: Bench, what: str, within: float) -> object:
    if what == "read":
        return await bench.port.read(bench.panel, an_info(), timeout_seconds=within)
    if what == "background":
        return await bench.port.read(
            bench.panel, an_info(), timeout_seconds=within, is_background=True
        )
    return await bench.port.change(bench.panel, a_create(), TOKEN, timeout_seconds=within)


@pytest.mark.parametrize("what", ["read", "background", "change"])
@pytest.mark.parametrize("within", [-1.0, 0.0, 0.02, 0.0499])
async def test_with_less_than_fifty_milliseconds_nothing_is_sent_and_nobody_waits(
    what: str, within: float
) -> None:
    async with a_bench() as bench:
        began = bench.clock.monotonic()
        with pytest.raises(PanelUnavailable) as caught:
            await ask(bench, what, within)
        assert caught.value.retry_after_seconds is not None
        assert (bench.stand_in.sent, bench.clock.monotonic()) == ([], began)


@pytest.mark.parametrize(("what", "outcome"), [("read", NotOnPanel), ("change", CreatedLine)])
async def test_with_a_little_more_it_is_sent(what: str, outcome: type) -> None:
    async with a_bench() as bench:
        assert isinstance(await ask(bench, what, 0.07), outcome)


@pytest.mark.parametrize("what", ["read", "background", "change"])
async def test_whoever_waited_too_long_for_a_turn_sends_nothing(what: str) -> None:
    async with a_bench(in_flight=1) as bench:
        bench.stand_in.behaviour = bench.stand_in.answers(after=3.0)
        first = asyncio.ensure_future(ask(bench, "read", 60))
        await asyncio.sleep(0)
        with pytest.raises(PanelUnavailable):
            await ask(bench, what, 3.0 + LEAST_SECONDS / 2)
        await first
        assert len(bench.stand_in.sent) == 1


async def test_a_change_needs_a_quarter_of_its_time_when_it_starts() -> None:
    async with a_bench(in_flight=1) as bench:
        bench.stand_in.behaviour = bench.stand_in.answers(after=16.0)
        first = asyncio.ensure_future(ask(bench, "read", 60))
        await asyncio.sleep(0)
        with pytest.raises(PanelUnavailable):
            await ask(bench, "change", 20.0)
        await first
        assert len(bench.stand_in.sent) == 1
        bench.stand_in.behaviour = bench.stand_in.answers(after=14.0)
        first = asyncio.ensure_future(ask(bench, "read", 60))
        await asyncio.sleep(0)
        bench.stand_in.behaviour = bench.stand_in.answers()
        assert isinstance(await ask(bench, "change", 20.0), CreatedLine)
        await first
        assert bench.stand_in.given[-1] == pytest.approx(6.0)


async def test_a_read_is_not_repeated_into_the_last_fifty_milliseconds() -> None:
    async with a_bench() as bench:
        bench.stand_in.behaviour = bench.stand_in.answers(BUSY, after=0.0)
        with pytest.raises(PanelUnavailable):
            await ask(bench, "read", 1.0 + LEAST_SECONDS / 2)  # A busy panel is left for a second.
        assert (len(bench.stand_in.sent), bench.retries) == (1, [])


async def test_a_change_that_was_sent_has_its_whole_time() -> None:
    async with a_bench() as bench:
        bench.stand_in.behaviour = bench.stand_in.hangs()
        began = bench.clock.monotonic()
        with pytest.raises(PanelOutcomeUnknown):
            await ask(bench, "change", 45.0)
        assert bench.clock.monotonic() - began == pytest.approx(45.0)
        assert len(bench.stand_in.sent) == 1


async def test_a_probe_does_not_start_too_late_either() -> None:
    async with a_bench(calls_per_second=1 / 15, burst=1) as bench:
        await ask(bench, "read", 60)
        probe = await bench.port.probe(bench.panel)
        assert [warning.code for warning in probe.warnings] == ["busy"]
        assert len(bench.stand_in.sent) == 1
