"""A bug of ours, before and after the sending: what is promised holds all the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.domain.calls import GetLineInfo, LineInfo
from gateway.domain.errors import PanelOutcomeUnknown
from tests.e2e.support import problem_of, process
from tests.world import World

KEYED = {"Idempotency-Key": "order-1"}
NEW = {"period": "P1M", "username": "anna"}


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[Any]]:
    """What is logged; pretty tracebacks of bugs on purpose take longer than all else here."""
    with capture_logs() as captured:
        yield captured


class Buggy:
    """Panels of which one method breaks with an exception that nobody knows."""

    def __init__(self, panels: Any, method: str, *, after: bool = False) -> None:
        self.panels = panels
        self.method = method
        self.after = after

    def __getattr__(self, name: str) -> Any:
        if name != self.method:
            return getattr(self.panels, name)
        return self._break if self.after else self._break_at_once

    def _break_at_once(self, *args: Any, **kwargs: Any) -> Any:
        raise ZeroDivisionError("s3cret-Pass in a bug")

    async def _break(self, *args: Any, **kwargs: Any) -> Any:
        await getattr(self.panels, self.method)(*args, **kwargs)
        raise ZeroDivisionError("s3cret-Pass in a bug")


async def operation(world: World, operation_id: str) -> dict[str, Any]:
    return await world.a.api.ok("GET", f"/v1/operations/{operation_id}")


async def phases(world: World, operation_id: str) -> list[str]:
    found = await world.a.api.ok("GET", "/v1/audit/entries", params={"operation_id": operation_id})
    return [entry["phase"] for entry in reversed(found["data"])]


async def test_a_bug_while_planning_is_500_failed_and_never_sent(
    small_world: World, logs: list[Any]
) -> None:
    """A renewal plans by reading; a creation is checked before it is sent."""
    line = await small_world.line()
    sent = len(small_world.calls("edit")) + len(small_world.calls("create"))
    for method, target, body in (
        ("read", f"/v1/lines/{line['id']}/renew", {"period": "P1M", "reference": "INV-7"}),
        ("check", "/v1/lines", NEW),
    ):
        panels = Buggy(small_world.runtime.ports.panels, method)
        headers = {"Idempotency-Key": method}
        async with process(small_world, panels=panels) as world:
            answer = await world.a.api.post(target, body, headers=headers)
        problem = problem_of(answer, 500, "internal_error")
        assert "s3cret-Pass" not in answer.text
        seen = await operation(small_world, problem["operation_id"])
        assert (seen["state"], seen["attempts"]) == ("failed", 0)
        assert seen["problem"]["code"] == "internal_error"
        assert await phases(small_world, seen["id"]) == ["started", "failed"]
        assert [entry["task"] for entry in logs if entry["event"] == "task.failed"][-1] == (
            f"operation:{seen['id']}"
        )
        assert len(small_world.calls("edit")) + len(small_world.calls("create")) == sent
        again = await small_world.a.api.post(target, body, headers=headers)
        assert again.status_code in {200, 201}, again.text
        assert "Idempotent-Replayed" not in again.headers
        sent += 1


@pytest.mark.parametrize(
    ("method", "after"),
    [("change", True), ("change", False), ("read", False)],
    ids=["after the call", "before the call", "while reading back"],
)
async def test_a_bug_once_it_may_be_sent_is_unknown_and_never_500(
    small_world: World, logs: list[Any], method: str, after: bool
) -> None:
    panels = Buggy(small_world.runtime.ports.panels, method, after=after)
    async with process(small_world, panels=panels) as world:
        answer = await world.a.api.post("/v1/lines", NEW, headers=KEYED)
    found = answer.json()
    assert (answer.status_code, found["state"]) == (202, "unknown")
    assert found["problem"]["code"] == "outcome_unknown"
    assert "s3cret-Pass" not in answer.text
    assert [entry["operation_id"] for entry in logs if entry["event"] == "operation.bug"] == [
        found["id"]
    ]
    assert await phases(small_world, found["id"]) == ["started", "unknown"]
    line = await small_world.a.api.ok("GET", f"/v1/lines/{found['resource_id']}")
    assert line["state"] == "unknown"
    again = await small_world.a.api.post("/v1/lines", NEW, headers=KEYED)
    assert (again.status_code, again.json()["id"]) == (202, found["id"])
    assert len(small_world.calls("create")) <= 1


async def test_a_bug_in_a_read_is_500_and_the_next_read_is_not(small_world: World) -> None:
    line = await small_world.line()
    panels = Buggy(small_world.runtime.ports.panels, "read")
    fresh = {"Cache-Control": "no-cache"}
    async with process(small_world, panels=panels) as world:
        answer = await world.a.api.get(f"/v1/lines/{line['id']}", headers=fresh)
        problem = problem_of(answer, 500, "internal_error")
        assert "operation_id" not in problem
        assert "s3cret-Pass" not in answer.text
    await small_world.a.api.ok("GET", f"/v1/lines/{line['id']}", headers=fresh)


class Lying:
    """Panels whose info says something else than the panel does."""

    def __init__(self, panels: Any, **lies: Any) -> None:
        self.panels = panels
        self.lies = lies

    def __getattr__(self, name: str) -> Any:
        return getattr(self.panels, name)

    async def read(self, panel: Any, call: Any, **more: Any) -> Any:
        found = await self.panels.read(panel, call, **more)
        assert isinstance(call, GetLineInfo)
        assert isinstance(found, LineInfo)
        return replace(found, **self.lies)


LIES: list[dict[str, Any]] = [
    {"expires_at": None},
    {"max_connections": 9},
    {"max_connections": None},
    {"bouquet_ids": (1,)},
    {"bouquet_ids": None},
    {"is_trial": True},
    {"is_restreamer": True},
    {"enabled": False},
    {"admin_enabled": False},
    {"member_id": 1},
    {"notes": "other"},
    {"allowed_ips": ("203.0.113.9",)},
    {"allowed_user_agents": ("x",)},
    {"panel_line_id": 999},
]


async def test_done_with_other_values_is_unknown_and_names_them(small_world: World) -> None:
    """The panel says true and a row is there, but it is not the one that was asked for."""
    for number, lies in enumerate(LIES):
        panels = Lying(small_world.runtime.ports.panels, **lies)
        body = NEW | {"username": f"anna{number}", "bouquet_ids": [1, 2]}
        async with process(small_world, panels=panels) as world:
            answer = await world.a.api.post("/v1/lines", body)
        assert (answer.status_code, answer.json()["state"]) == (202, "unknown"), lies
        name = "another line" if "panel_line_id" in lies else next(iter(lies))
        assert name in answer.json()["problem"]["detail"]
        assert "password" not in answer.json()
    assert len(small_world.users()) == len(LIES)


async def test_an_error_that_only_reads_may_raise_is_unknown_after_a_change(
    small_world: World,
) -> None:
    """Whatever the read-back says, the change was sent and may be there."""

    class Failing(Lying):
        async def read(self, panel: Any, call: Any, **more: Any) -> Any:
            raise PanelOutcomeUnknown("No.")

    async with process(small_world, panels=Failing(small_world.runtime.ports.panels)) as world:
        answer = await world.a.api.post("/v1/lines", NEW)
    assert (answer.status_code, answer.json()["state"]) == (202, "unknown")
