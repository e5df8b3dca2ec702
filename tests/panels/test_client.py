"""The Panels port over real connections: what is repeated, what is not, and what is logged."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.domain.calls import CreatedLine, Edited, NotOnPanel
from gateway.domain.clock import SystemClock
from gateway.domain.errors import (
    GatewayError,
    PanelLineGated,
    PanelMisconfigured,
    PanelOutcomeUnknown,
    PanelRefusedValues,
    PanelUnavailable,
    PanelUnsupported,
)
from gateway.domain.panels import Budget
from gateway.domain.secrets import Secret
from gateway.panels.client import HttpPanels
from gateway.panels.pacing import LocalBudgets
from gateway.panels.transport import Transport
from gateway.services.ports.panels import Panels
from tests.panels.makers import TOKEN, NoChance, a_create, a_pair, a_panel, an_edit, an_info
from tests.panels.servers import CREATED, answering, free_port, page, reset, serving

NOT_EXISTS = page(b'{"result":false,"error":"NOT EXISTS"}')
BUSY = page(b"<html></html>", b"503 Service Temporarily Unavailable")


class QuickClock(SystemClock):
    """The system's clock, but nobody sleeps for long; `slept` tells for how long they wanted."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(min(seconds, 0.01))


@pytest.fixture
def clock() -> QuickClock:
    return QuickClock()


@pytest.fixture
async def panels(clock: QuickClock) -> AsyncIterator[Panels]:
    async with Transport.opened() as transport:
        yield HttpPanels(
            transport=transport,
            budgets=LocalBudgets(SystemClock()),
            clock=clock,
            random=NoChance(),
        )


def counting(*answers: bytes) -> tuple[list[bytes], Any]:
    requests: list[bytes] = []
    give = answering(*answers)

    async def handle(request: bytes, writer: asyncio.StreamWriter) -> None:
        requests.append(request)
        await give(request, writer)

    return requests, handle


async def test_a_change_is_encoded_sent_once_and_decoded(panels: Panels) -> None:
    requests, handle = counting(page(CREATED))
    async with serving(handle) as url:
        panel = a_panel(base_url=url, api_pass=Secret("k&y"))
        result = await panels.change(panel, a_create(), TOKEN, timeout_seconds=5)
    assert result == CreatedLine(panel_line_id=14)
    assert len(requests) == 1
    assert requests[0].startswith(b"POST /api.php?action=user&sub=create HTTP/1.1\r\n")
    assert b"\r\n\r\napi_pass=k%26y&user_data%5Busername%5D=bob&" in requests[0]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (BUSY, PanelOutcomeUnknown),
        (b"", PanelOutcomeUnknown),
        (page(b""), PanelOutcomeUnknown),
        (page(b"", b"404 Not Found"), PanelLineGated),
        (page(b'{"result":false,"error":"PARAMETER ERROR"}'), PanelRefusedValues),
        (page(b'{"result":false,"0":"KEY WRONG"}'), PanelMisconfigured),
        (page(b"", b"302 Found", b"Location: http://127.0.0.1:1/\r\n"), PanelOutcomeUnknown),
    ],
)
async def test_a_change_is_never_repeated(
    panels: Panels, answer: bytes, error: type[GatewayError]
) -> None:
    requests, handle = counting(answer)
    async with serving(handle) as url:
        with pytest.raises(error):
            await panels.change(
                a_panel(base_url=url), an_edit(enabled=True), TOKEN, timeout_seconds=5
            )
    assert len(requests) == 1


async def test_a_change_cut_off_after_sending_is_unknown(panels: Panels) -> None:
    async def cut(_request: bytes, writer: asyncio.StreamWriter) -> None:
        reset(writer)

    async with serving(cut) as url:
        with pytest.raises(PanelOutcomeUnknown):
            await panels.change(a_panel(base_url=url), a_create(), TOKEN, timeout_seconds=5)


async def test_a_change_to_a_closed_port_was_not_sent(panels: Panels) -> None:
    panel = a_panel(base_url=f"http://127.0.0.1:{free_port()}")
    with pytest.raises(PanelUnavailable) as caught:
        await panels.change(panel, a_create(), TOKEN, timeout_seconds=5)
    assert caught.value.retry_after_seconds == 5


async def test_values_that_the_panel_would_change_are_not_sent(panels: Panels) -> None:
    requests, handle = counting(page(CREATED))
    async with serving(handle) as url:
        panel = a_panel(base_url=url)
        with pytest.raises(PanelRefusedValues):
            await panels.change(panel, a_create(notes="a\\b"), TOKEN, timeout_seconds=5)
        with pytest.raises(PanelRefusedValues):
            await panels.read(panel, an_info("bob "), timeout_seconds=5)
    assert requests == []


@pytest.mark.parametrize("odd", [BUSY, b"", page(b'{"resu'), page(b"", b"502 Bad Gateway")])
async def test_a_read_is_repeated_until_it_comes_good(panels: Panels, odd: bytes) -> None:
    requests, handle = counting(odd, odd, NOT_EXISTS)
    async with serving(handle) as url:
        assert (
            await panels.read(a_panel(base_url=url), an_info(), timeout_seconds=9) == NotOnPanel()
        )
    assert len(requests) == 3


async def test_a_read_is_sent_three_times_at_most(panels: Panels, clock: QuickClock) -> None:
    requests, handle = counting(BUSY)
    async with serving(handle) as url:
        with pytest.raises(PanelUnavailable) as caught:
            await panels.read(a_panel(base_url=url), an_info(), timeout_seconds=9)
    assert len(requests) == 3
    assert caught.value.retry_after_seconds == 2
    assert clock.slept == [1.0, 1.0]


async def test_an_unreachable_panel_is_tried_again_soon(panels: Panels, clock: QuickClock) -> None:
    panel = a_panel(base_url=f"http://127.0.0.1:{free_port()}")
    with pytest.raises(PanelUnavailable):
        await panels.read(panel, an_info(), timeout_seconds=9)
    assert clock.slept == [0.25, 0.5]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (page(b""), PanelMisconfigured),
        (page(b"", b"404 Not Found"), PanelLineGated),
        (page(b'{"result":false,"0":"IP FORBIDDEN"}'), PanelMisconfigured),
    ],
)
async def test_a_read_with_a_clear_answer_is_not_repeated(
    panels: Panels, answer: bytes, error: type[GatewayError]
) -> None:
    requests, handle = counting(answer)
    async with serving(handle) as url:
        with pytest.raises(error):
            await panels.read(a_panel(base_url=url), an_info(), timeout_seconds=5)
    assert len(requests) == 1


async def test_a_read_keeps_to_the_callers_time(panels: Panels, clock: QuickClock) -> None:
    requests, handle = counting(BUSY)
    async with serving(handle) as url:
        with pytest.raises(PanelUnavailable):
            await panels.read(a_panel(base_url=url), an_info(), timeout_seconds=0.9)
    assert len(requests) == 1
    assert clock.slept == []


async def test_without_a_turn_nothing_is_sent(panels: Panels) -> None:
    requests, handle = counting(NOT_EXISTS)
    slow = Budget(calls_per_second=0.01, burst=1, in_flight=1, flood_guard=None)
    async with serving(handle) as url:
        panel = a_panel(base_url=url, budget=slow)
        await panels.read(panel, an_info(), timeout_seconds=5)
        with pytest.raises(PanelUnavailable) as caught:
            await panels.change(panel, a_create(), TOKEN, timeout_seconds=5)
        with pytest.raises(PanelUnavailable):
            await panels.read(panel, an_info(), timeout_seconds=5)
    assert len(requests) == 1
    assert caught.value.retry_after_seconds in {99, 100}


async def test_an_unknown_dialect_is_unsupported(panels: Panels) -> None:
    panel = a_panel(dialect="xui")
    with pytest.raises(PanelUnsupported):
        await panels.read(panel, an_info(), timeout_seconds=5)
    with pytest.raises(PanelUnsupported):
        await panels.change(panel, a_create(), TOKEN, timeout_seconds=5)
    probe = await panels.probe(panel)
    assert [warning.code for warning in probe.warnings] == ["dialect_unknown"]


async def logged(panels: Panels, answer: bytes, call: Callable[[], Any]) -> dict[str, Any]:
    async with serving(answering(answer)) as url:
        panel = a_panel(base_url=url, api_pass=Secret("TOPSECRET"))
        with capture_logs() as lines, suppress(GatewayError):
            await panels.change(panel, call(), TOKEN, timeout_seconds=5)
    (line,) = lines
    assert line.pop("milliseconds") < 5000
    return dict(line)


async def test_each_call_is_one_line_in_the_log(panels: Panels) -> None:
    line = await logged(panels, page(b'{"result":true}'), lambda: an_edit(enabled=True))
    assert line == {
        "event": "panel.called",
        "log_level": "info",
        "panel_id": "pnl_1",
        "action": "user",
        "sub": "edit",
        "outcome": "answered",
        "reason": Edited.__name__,
        "attempt": 1,
        "operation_id": "op_1",
    }


@pytest.mark.parametrize(
    ("answer", "outcome", "reason"),
    [
        (page(b'{"result":false,"error":"PARAMETER ERROR"}'), "panel_refused_values",
         "answered: PARAMETER ERROR"),
        (page(b'{"result":false,"error":"alice TOPSECRET hunter22 no"}'), "outcome_unknown",
         "answered: *** *** *** no"),
        (page(b"<html>"), "outcome_unknown", "not_a_panel"),
        (b"", "maybe_sent", "broken_off"),
    ],
)  # fmt: skip
async def test_the_log_names_the_outcome_and_no_secret(
    panels: Panels, answer: bytes, outcome: str, reason: str
) -> None:
    pair = a_pair("alice", "hunter22")
    line = await logged(panels, answer, lambda: a_create(credentials=pair))
    assert (line["outcome"], line["reason"]) == (outcome, reason)


async def test_a_probe_finds_a_panel_behind_its_address(panels: Panels) -> None:
    answers = [
        page(b'[{"id":1}]'),
        page(b'{"result":false,"error":"PARAMETER ERROR (mac)"}'),
        page(b'[{"id":"1","credits":"0"}]'),
        NOT_EXISTS,
    ]
    async with serving(answering(*answers)) as url:
        probe = await panels.probe(a_panel(base_url=url))
    assert (probe.reachable, probe.dialect, probe.firewall, probe.credits, probe.warnings) == (
        True,
        "xtream_v2",
        False,
        True,
        (),
    )
    assert probe.checked_at.tzinfo is not None


async def test_a_probe_of_a_closed_port_says_so(panels: Panels) -> None:
    probe = await panels.probe(a_panel(base_url=f"http://127.0.0.1:{free_port()}"))
    assert not probe.reachable
    assert [warning.code for warning in probe.warnings] == ["unreachable"]
