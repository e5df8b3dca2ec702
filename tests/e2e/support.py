"""What end-to-end tests share: another process on the same data, and a clock to set."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2

from gateway.bootstrap import Runtime
from gateway.domain.clock import SystemClock
from gateway.panels.breaker import Breakers, Pauses
from gateway.panels.client import HttpPanels
from gateway.panels.pacing import LocalBudgets
from tests.world import BASE_URL, Api, Tenant, World

OPERATOR_FIELDS: dict[str, Any] = {
    "member_id": 7,
    "force_server_id": 1,
    "isp_lock": True,
    "enabled": False,
    "admin_enabled": False,
    "admin_notes": "x",
    "extra": {},
}


class SetClock(SystemClock):
    """Stands still at `at`; sleeping moves it on and takes no time."""

    def __init__(self, at: datetime) -> None:
        self.at = at
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += timedelta(seconds=seconds)
        await super().sleep(0)


class NoWaiting(SystemClock):
    """The machine's clock for one who never waits."""

    async def sleep(self, seconds: float) -> None:
        await super().sleep(0)


def eager(world: World) -> dict[str, Any]:
    """Return the ports of a process that tries again at once where others wait a while."""
    clock, real = NoWaiting(), world.runtime.ports.panels
    assert isinstance(real, HttpPanels)
    at_once = Pauses(first=0.0, longest=0.0, ban_first=0.0, ban_longest=0.0)
    panels = HttpPanels(
        transport=real._exchange._transport,
        budgets=LocalBudgets(clock),
        clock=clock,
        random=world.runtime.ports.random,
        breakers=Breakers(clock, pauses=at_once),
    )
    return {"panels": panels, "clock": clock}


@asynccontextmanager
async def process(world: World, **ports: Any) -> AsyncIterator[World]:
    """Another process on the same data and panel; *ports* replace its own."""
    made = runtime_of(world, **ports)
    transport = httpx2.ASGITransport(app=made.app())
    async with httpx2.AsyncClient(transport=transport, base_url=BASE_URL) as client:
        yield replace(
            world,
            runtime=made,
            client=client,
            operator=Api(client, world.operator.key),
            a=Tenant(id=world.a.id, api=Api(client, world.a.api.key)),
            b=Tenant(id=world.b.id, api=Api(client, world.b.api.key)),
        )


def hasty(world: World) -> dict[str, Any]:
    """Return the port by which a process answers 202 after a fifth of a second."""
    return {"limits": replace(world.runtime.ports.limits, change_deadline_seconds=0.2)}


def runtime_of(world: World, **ports: Any) -> Runtime:
    """Return the world's runtime with some ports replaced."""
    return replace(world.runtime, ports=replace(world.runtime.ports, **ports))


def text_of(moment: datetime) -> str:
    """Return *moment* as the API writes it."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def unix(text: str) -> int:
    """Return the Unix seconds of a time as the API writes it."""
    return int(datetime.fromisoformat(text).timestamp())


def on_panel(world: World, line: dict[str, Any], **cells: Any) -> None:
    """Change a line on the panel by hand, behind our back."""
    row = world.user(line["username"])
    world.simulator.panel.tables["users"].update([row["id"]], cells, strict=False)


def changes_sent(world: World) -> int:
    """Return how many calls the panel has had that could change something."""
    return len(world.calls("create")) + len(world.calls("edit"))


def problem_of(answer: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    """Expect a problem of this status and code, in the one form of all problems."""
    assert (answer.status_code, answer.json().get("code")) == (status, code), answer.text
    problem: dict[str, Any] = answer.json()
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert problem["status"] == status
    assert problem["request_id"] == answer.headers["X-Request-Id"]
    assert set(problem) <= {
        *("type", "title", "status", "detail", "code", "request_id", "errors", "operation_id"),
    }
    return problem


def pointers(problem: dict[str, Any]) -> list[str]:
    """Return where the faults of a problem are."""
    return [fault["pointer"] for fault in problem["errors"]]


@asynccontextmanager
async def panel_held(world: World, step: str) -> AsyncIterator[None]:
    """Let the panel stop at a step of its script, until the block ends."""
    panel = world.simulator.panel.world
    panel.pause_at.add(step)
    try:
        yield
    finally:
        panel.pause_at.discard(step)
        panel.gates.release()


async def held(world: World, count: int = 1) -> None:
    """Wait until the panel holds so many requests."""
    gates = world.simulator.panel.world.gates
    while gates.waiting < count:  # noqa: ASYNC110 - the panel has no event for it
        await asyncio.sleep(0.01)
