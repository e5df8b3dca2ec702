"""The Panels port leaves a panel alone that is not well, and large lists do not stop the loop."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from gateway.domain.calls import ListStreams, NotOnPanel, Streams
from gateway.domain.clock import SystemClock
from gateway.domain.errors import PanelMisconfigured, PanelUnavailable
from gateway.domain.panels import Panel
from gateway.panels.breaker import Breakers, Pauses
from gateway.panels.client import HttpPanels
from gateway.panels.pacing import Budget
from gateway.panels.queueing import Priority
from gateway.panels.transport import Transport
from tests.panels.makers import TOKEN, NoChance, a_create, a_panel, an_info
from tests.panels.servers import answering, free_port, page, serving

NOT_EXISTS = page(b'{"result":false,"error":"NOT EXISTS"}')
KEY_WRONG = page(b'{"result":false,"0":"KEY WRONG"}')


class RecordingBudgets:
    """Budgets without limits that remember who asked at which priority."""

    def __init__(self) -> None:
        self.asked: list[Priority] = []

    def of(self, panel: Panel) -> Budget:
        return self

    @asynccontextmanager
    async def turn(
        self, deadline: float, priority: Priority = Priority.READ
    ) -> AsyncIterator[None]:
        self.asked.append(priority)
        yield


@dataclass
class Bench:
    port: HttpPanels
    budgets: RecordingBudgets
    breakers: Breakers

    def reason(self) -> str | None:
        (state,) = self.breakers.states()
        return state.reason


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    clock = SystemClock()
    budgets = RecordingBudgets()
    breakers = Breakers(clock, pauses=Pauses(first=0.2, longest=0.2))
    async with Transport.opened() as transport:
        port = HttpPanels(
            transport=transport,
            budgets=budgets,
            clock=clock,
            random=NoChance(),
            breakers=breakers,
        )
        yield Bench(port, budgets, breakers)


async def test_a_panel_that_is_gone_is_asked_no_more_until_it_is_back(bench: Bench) -> None:
    port = free_port()
    panel = a_panel(base_url=f"http://127.0.0.1:{port}")
    with pytest.raises(PanelUnavailable):
        await bench.port.read(panel, an_info(), timeout_seconds=5)
    assert bench.reason() == "unreachable"
    turns = len(bench.budgets.asked)
    with pytest.raises(PanelUnavailable) as caught:
        await bench.port.change(panel, a_create(), TOKEN, timeout_seconds=5)
    assert caught.value.retry_after_seconds == 1
    assert len(bench.budgets.asked) == turns
    await asyncio.sleep(0.25)
    async with serving(answering(NOT_EXISTS), port=port):
        assert await bench.port.read(panel, an_info(), timeout_seconds=5) == NotOnPanel()
    assert bench.reason() is None


async def test_a_panel_that_refuses_us_is_asked_no_more_for_a_while(bench: Bench) -> None:
    requests: list[bytes] = []

    async def refuse(request: bytes, writer: asyncio.StreamWriter) -> None:
        requests.append(request)
        await answering(KEY_WRONG)(request, writer)

    async with serving(refuse) as url:
        panel = a_panel(base_url=url)
        for _ in range(3):
            with pytest.raises(PanelMisconfigured):
                await bench.port.read(panel, an_info(), timeout_seconds=5)
            with pytest.raises(PanelMisconfigured) as caught:
                await bench.port.change(panel, a_create(), TOKEN, timeout_seconds=5)
            assert caught.value.unsent
        assert (len(requests), bench.reason()) == (1, "key_wrong")


async def test_a_probe_asks_all_the_same_and_its_answer_counts(bench: Bench) -> None:
    async with serving(answering(KEY_WRONG)) as url:
        panel = a_panel(base_url=url)
        for _ in range(2):
            probe = await bench.port.probe(panel)
            assert [warning.code for warning in probe.warnings] == ["key_wrong"]
            assert bench.reason() == "key_wrong"
    async with serving(answering(page(b"[]"), NOT_EXISTS, page(b"[]"), NOT_EXISTS)) as url:
        assert (await bench.port.probe(a_panel(base_url=url))).reachable
    assert bench.reason() is None


async def test_changes_go_before_reads_and_what_nobody_waits_for_last(bench: Bench) -> None:
    exists = page(b'{"result":false,"error":"EXISTS"}')
    async with serving(answering(NOT_EXISTS, NOT_EXISTS, exists, exists)) as url:
        panel = a_panel(base_url=url)
        await bench.port.read(panel, an_info(), timeout_seconds=5)
        await bench.port.read(panel, an_info(), timeout_seconds=5, is_background=True)
        await bench.port.change(panel, a_create(), TOKEN, timeout_seconds=5)
        await bench.port.change(panel, a_create(), TOKEN, timeout_seconds=5, is_background=True)
    assert bench.budgets.asked == [
        Priority.READ,
        Priority.BACKGROUND,
        Priority.CHANGE,
        Priority.BACKGROUND,
    ]


async def test_a_list_of_megabytes_is_read_without_stopping_everything(bench: Bench) -> None:
    rows = [{"id": str(number), "stream_name": "x" * 60} for number in range(1, 40_000)]
    body = json.dumps(rows).encode()
    assert len(body) > 3_000_000
    async with serving(answering(page(body))) as url:
        found = await bench.port.read(a_panel(base_url=url), ListStreams(), timeout_seconds=20)
    assert isinstance(found, Streams)
    assert len(found.streams) == 39_999
