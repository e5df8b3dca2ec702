"""Asking a panel in the same process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from gateway.simulator.clock import Clock
from gateway.simulator.faults import Match, Rule, RuleForm
from gateway.simulator.messages import PanelAnswer, PanelRequest
from gateway.simulator.panel import SimulatedPanel
from gateway.simulator.switches import changed, profile


def a_panel(profile_name: str = "v2", **settings: Any) -> SimulatedPanel:
    """A panel under the virtual clock."""
    switches = changed(profile(profile_name), settings)
    return SimulatedPanel(switches=switches, clock=Clock("virtual"))


def request(call: str, form: str = "", **others: Any) -> PanelRequest:
    """`user/create` and a form."""
    action, _, sub = call.partition("/")
    made = PanelRequest(query=f"action={action}&sub={sub}", body=form.encode())
    return replace(made, **others)


async def ask(panel: SimulatedPanel, call: str, form: str = "", **others: Any) -> PanelAnswer:
    return await panel.handle(request(call, form, **others))


async def told(panel: SimulatedPanel, call: str, form: str = "", **others: Any) -> Any:
    return json.loads((await ask(panel, call, form, **others)).body)


def line_form(username: str = "alice", password: str = "secret", **fields: str) -> str:
    pairs = {"username": username, "password": password} | fields
    return "&".join(f"user_data[{name}]={value}" for name, value in pairs.items())


async def info(panel: SimulatedPanel, username: str = "alice", password: str = "secret") -> Any:
    answer = await told(panel, "user/info", f"username={username}&password={password}")
    return answer.get("user_info", answer)


def add_fault(
    panel: SimulatedPanel,
    fault: str,
    times: int | None = 1,
    match: Match | None = None,
    **params: Any,
) -> Rule:
    form = RuleForm(fault=fault, params=params, times=times, match=match or Match())
    return panel.faults.add(form, panel.clock.now())


async def until(is_so: Callable[[], bool]) -> None:
    """Let others run until *is_so*; fails rather than waits for ever."""
    for _ in range(1000):
        if is_so():
            return
        await asyncio.sleep(0)
    raise AssertionError("It never came to be.")


async def eventually(is_so: Callable[[], bool]) -> None:
    """Wait until *is_so* where a socket or another process is in between."""
    async with asyncio.timeout(30):
        while not is_so():  # noqa: ASYNC110 - there is no event to wait for.
            await asyncio.sleep(0.005)


STRICT_TEXTS = {"admin_notes": "", "reseller_notes": "", "forced_country": "", "play_token": ""}
"""What strict SQL wants of every create."""


def row(panel: SimulatedPanel, key: int = 1) -> dict[str, Any]:
    """One line as it is stored."""
    return panel.tables["users"].rows[key]


async def with_alice(profile_name: str = "v2", **fields: str) -> SimulatedPanel:
    """A panel that has one line."""
    panel = a_panel(profile_name)
    await ask(panel, "user/create", line_form(**STRICT_TEXTS, **fields))
    return panel
