"""P8: how many calls a panel is spared, and that nobody reads what is older than an own write."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from benchmarks.load import Answer, Connection, Plan
from benchmarks.machine import BenchError
from benchmarks.outcome import Part
from benchmarks.place import Place
from benchmarks.rounds import Rounds

READERS: Final = 64
PANEL_SECONDS: Final = 0.05
#: While one line is written again and again.
WATCHERS: Final = 4


def steps(rounds: Rounds) -> int:
    """Return how many steps `measure` takes."""
    return rounds.herds + rounds.writes


def measure(place: Place, rounds: Rounds, step: Callable[[], None]) -> tuple[Part, ...]:
    """Let many read a cold line at once; then read a line while it is written."""
    herd_line, written_line = place.lines(2)
    place.panel_takes(PANEL_SECONDS)
    calls = []
    for _ in range(rounds.herds):
        calls.append(_calls_of_a_herd(place, herd_line))
        step()
    watched = asyncio.run(_watch(place, written_line, rounds.writes, step))
    place.panel_takes(0)
    worst = max(calls)
    return (
        Part(
            name=f"{READERS} readers of a cold line",
            unit="calls",
            ours=worst,
            floor=READERS,
            ratio=worst / READERS,
            judged="ours",
            goal=1,
            bound="at most",
            more={"times": len(calls)},
        ),
        Part(
            name="reads older than an own write",
            unit="reads",
            ours=watched.old,
            floor=watched.reads,
            ratio=watched.old / watched.reads,
            judged="ours",
            goal=0,
            bound="at most",
            more={"writes": rounds.writes, "reads": watched.reads},
        ),
    )


def _calls_of_a_herd(place: Place, line: dict[str, Any]) -> int:
    place.forget()
    before = place.panel_calls()
    plan = Plan(
        port=place.gateway.port,
        requests=(place.info_request(line),),
        connections=READERS,
        count=READERS,
    )
    place.programs.load(place.gateway, plan)
    return place.panel_calls() - before


@dataclass(slots=True)
class _Watched:
    """What readers saw while `written` rose."""

    written: int = 0
    reads: int = 0
    old: int = 0
    over: bool = False


async def _watch(
    place: Place, line: dict[str, Any], writes: int, step: Callable[[], None]
) -> _Watched:
    """Write ever greater numbers; no read that begins after a write's answer may show less."""
    watched = _Watched(written=line["max_connections"])
    read = place.info_request(line)

    async def keep_reading() -> None:
        connection = await Connection.opened("127.0.0.1", place.gateway.port)
        while not watched.over:
            least = watched.written
            shown = _decoded(await connection.ask(read))["max_connections"]
            watched.reads += 1
            watched.old += shown < least
        connection.close()

    async def write() -> None:
        connection = await Connection.opened("127.0.0.1", place.gateway.port)
        for number in range(watched.written + 1, watched.written + 1 + writes):
            request = place.request("PATCH", f"/v1/lines/{line['id']}", {"max_connections": number})
            _decoded(await connection.ask(request))
            watched.written = number
            await asyncio.sleep(PANEL_SECONDS)  # Let readers come to a kept answer as well.
            step()
        connection.close()
        watched.over = True

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        for _ in range(WATCHERS):
            group.create_task(keep_reading())
        group.create_task(write())
    return watched


def _decoded(answer: Answer) -> dict[str, Any]:
    if answer.status != 200:
        raise BenchError(f"{answer.status}: {answer.body[:300].decode(errors='replace')}")
    found: dict[str, Any] = msgspec.json.decode(answer.body)
    return found
