"""Ten thousand malformed answers of panels, from their bytes to our problem, without a socket.

Everything between is ours and real: the transport, the dialect, the engine's verdicts, the reads,
the problems. The edge and the database join in `tests/e2e/test_malformed_bodies.py`.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
from structlog.testing import capture_logs

from gateway.api.problems import describe
from gateway.domain.calls import LineInfo, NotOnPanel
from gateway.domain.errors import (
    GatewayError,
    PanelError,
    PanelMisconfigured,
    PanelOutcomeUnknown,
    PanelUnavailable,
    StateConflict,
)
from gateway.domain.panels import Tls
from gateway.domain.subscriptions import Subscription
from gateway.panels.breaker import Breakers, Pauses
from gateway.panels.client import HttpPanels
from gateway.panels.pacing import LocalBudgets
from gateway.panels.transport import Transport
from gateway.services import engine
from gateway.services.asking import ask
from gateway.services.context import Ports
from gateway.services.device_noun import DEVICES
from gateway.services.kinds import Verdict, Work
from gateway.services.line_noun import LINES
from gateway.services.noun import Noun
from gateway.services.registry import kind_named
from tests.api.support import some_ports
from tests.e2e.support import NoWaiting
from tests.factories import a_device, a_line, a_panel, an_operation
from tests.impostor import Impostor
from tests.panels.makers import FREE
from tests.spoiling import (
    REFUSALS,
    changed_nothing,
    denies_it,
    said_is_shown,
    says_what_is_right,
)

BODIES = 1_250  # For each of eight.
pytestmark = pytest.mark.timeout(600)  # Seconds of a busy machine; only a hang takes as long.
NEVER = [None, datetime(2031, 1, 1, tzinfo=UTC)]


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[Any]]:
    with capture_logs() as lines:
        yield lines


async def whole(body: bytes) -> AsyncIterator[bytes]:
    """Yield a body that has to be read from its stream, as one from a socket."""
    yield body


@asynccontextmanager
async def facing(impostor: Impostor) -> AsyncIterator[Ports]:
    """Ports whose panels are the impostor, asked in this very process; nobody waits."""

    async def answer(request: httpx2.Request) -> httpx2.Response:
        body = impostor.answer(request.url.query.decode(), request.content.decode())
        return httpx2.Response(200, content=whole(body), headers={"Content-Type": "text/html"})

    clock = NoWaiting()
    at_once = Pauses(first=0.0, longest=0.0)
    async with Transport.opened() as transport:
        client = httpx2.AsyncClient(transport=httpx2.MockTransport(answer))
        transport._clients[Tls()] = await transport._stack.enter_async_context(client)
        ports = some_ports()
        panels = HttpPanels(
            transport=transport,
            budgets=LocalBudgets(clock),
            clock=clock,
            random=ports.random,
            breakers=Breakers(clock, pauses=at_once),
        )
        yield replace(ports, panels=panels, clock=clock)


class Bench:
    """One line or device after the other on a panel whose answers are spoilt."""

    def __init__(self, ports: Ports, impostor: Impostor, noun: str) -> None:
        self.ports = ports
        self.impostor = impostor
        self.noun = noun
        self.panel = a_panel(budget=FREE)

    def name_of(self, resource: Any) -> str:
        return str(resource.username if self.noun == "line" else resource.mac)

    async def change(self, verb: str, resource: Subscription) -> Verdict:
        """Send one change and return what came of it."""
        kind = kind_named(f"{self.noun}.{verb}")
        work: Work[Any, Any] = Work(
            operation=an_operation(kind=kind.name, attempts=1),
            request=None,
            resource=resource,
            panel=self.panel,
            ports=self.ports,
        )
        return await engine.outcome_of(kind, work, await kind.plan(work))

    async def read(self, resource: Subscription) -> LineInfo | NotOnPanel | GatewayError:
        """Read it and return what is found, or why nothing is."""
        noun: Noun[Any, Any] = LINES if self.noun == "line" else DEVICES
        try:
            return await ask(self.ports, self.panel, noun.read(resource))
        except (PanelError, StateConflict) as error:
            return error

    def judge(self, resource: Subscription, error: GatewayError | None, *, is_sent: bool) -> str:
        """Hold what we say against the spoilt body; return our code."""
        name = self.name_of(resource)
        said, right = self.impostor.said[name], self.impostor.right[name]
        if error is None:
            may_be_unchanged = self.noun == "device" and self.impostor.spoil == "edit"
            is_right = says_what_is_right(said, right)
            assert is_right or (may_be_unchanged and changed_nothing(said)), said
            return "ok"
        problem = describe(error, "req_1")
        assert problem["code"] == error.code != "internal_error", said
        assert problem["status"] < 500 or problem["status"] in {502, 503, 504}, said
        if is_sent and not isinstance(error, PanelOutcomeUnknown):
            assert any(word in said for word in REFUSALS), (said, error)
        return error.code


def some(noun: str, random: random.Random) -> Subscription:
    """Return a line or a device to make, with members of each sort."""
    members: dict[str, Any] = {
        "expires_at": random.choice(NEVER),
        "bouquet_ids": random.choice([(), (1, 2), (3,)]),
        "member_id": random.choice([None, 1001]),
        "is_trial": random.random() < 0.5,
        "allowed_ips": random.choice([(), ("203.0.113.7",)]),
        "notes": random.choice(["", "living room"]),
    }
    return a_line(**members) if noun == "line" else a_device(**members)


@pytest.fixture(params=["line", "device"])
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    """A bench of each noun, with another seed in each run."""
    impostor = Impostor(random.getrandbits(32))
    async with facing(impostor) as ports:
        yield Bench(ports, impostor, request.param)


@pytest.mark.parametrize(
    ("verb", "spoil"), [("create", "create"), ("create", "info"), ("suspend", "edit")]
)
async def test_a_change_with_a_spoilt_answer_is_done_only_where_it_says_so(
    bench: Bench, verb: str, spoil: str, logs: list[Any]
) -> None:
    codes: Counter[str] = Counter()
    for _ in range(BODIES):
        resource = some(bench.noun, random.Random(random.getrandbits(32)))
        if spoil == "edit":
            assert (await bench.change("create", resource)).error is None
        bench.impostor.spoil = spoil
        verdict = await bench.change(verb, resource)
        codes[bench.judge(resource, verdict.error, is_sent=True)] += 1
        bench.impostor.spoil = ""
        logs[:] = [line for line in logs if line["event"] == "operation.bug"]
    assert logs == []
    assert codes.total() == BODIES
    assert codes["ok"] > BODIES / 50, codes
    assert codes["outcome_unknown"] > BODIES / 2, codes


async def test_a_read_with_a_spoilt_answer_shows_only_what_it_says(
    bench: Bench, logs: list[Any]
) -> None:
    codes: Counter[str] = Counter()
    for _ in range(BODIES):
        resource = some(bench.noun, random.Random(random.getrandbits(32)))
        assert (await bench.change("create", resource)).error is None
        bench.impostor.spoil = "info"
        found = await bench.read(resource)
        bench.impostor.spoil = ""
        logs.clear()
        said = bench.impostor.said[bench.name_of(resource)]
        match found:
            case LineInfo():
                assert said_is_shown(said, found), said
                codes["ok"] += 1
            case NotOnPanel():
                assert denies_it(said, bench.impostor.right[bench.name_of(resource)]), said
                codes["absent"] += 1
            case GatewayError():
                codes[bench.judge(resource, found, is_sent=False)] += 1
    assert codes.total() == BODIES
    assert min(codes["ok"], codes[PanelUnavailable.code], codes[PanelMisconfigured.code]) > 0, codes
