"""P2: a cached info read over REST, with everything on, beside the bare floor."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from typing import Final

from benchmarks.figures import paired_ratio, percentile
from benchmarks.load import Plan
from benchmarks.outcome import Part
from benchmarks.place import Place
from benchmarks.programs import Measured, Server
from benchmarks.rounds import Rounds

#: Connections -> the least ratio that is good enough; None: told only.
GOALS: Final[dict[int, float | None]] = {64: 1.8, 1: None}


def steps(rounds: Rounds) -> int:
    """Return how many steps `measure` takes."""
    return rounds.rounds * len(GOALS) * 2


def measure(place: Place, rounds: Rounds, step: Callable[[], None]) -> tuple[Part, ...]:
    """Read the same lines from both, by turns."""
    lines = place.lines(rounds.lines)
    bodies = {line["id"]: place.info(line) for line in lines}
    place.fill_floor(bodies)
    floor = place.floor()
    requests = tuple(place.info_request(line) for line in lines)
    calls_before = place.panel_calls()

    def load(server: Server, connections: int) -> Measured:
        plan = Plan(
            port=server.port,
            requests=requests,
            connections=connections,
            warm_seconds=rounds.warm_seconds,
            seconds=rounds.seconds,
        )
        measured = place.programs.load(server, plan)
        step()
        return measured

    found: dict[tuple[str, int], list[Measured]] = {}
    for number in range(rounds.rounds):
        # Who goes first changes, so that neither always has the quieter moment.
        order = (floor, place.gateway) if number % 2 == 0 else (place.gateway, floor)
        for connections in GOALS:
            for server in order:
                found.setdefault((server.name, connections), []).append(load(server, connections))
    told = {
        "body_bytes": median(len(body) for body in bodies.values()),
        "panel_calls": place.panel_calls() - calls_before,
    }
    return tuple(
        _part(connections, found["gateway", connections], found["floor", connections], told)
        for connections in GOALS
    )


def _part(
    connections: int, ours: list[Measured], floor: list[Measured], told: dict[str, float]
) -> Part:
    our_rates = [it.result.per_second for it in ours]
    floor_rates = [it.result.per_second for it in floor]
    ratios = [mine / other for mine, other in zip(our_rates, floor_rates, strict=True)]
    more = {**told, "least_ratio": min(ratios), "greatest_ratio": max(ratios)}
    for name, side in (("ours", ours), ("floor", floor)):
        took = [value for it in side for value in it.result.milliseconds]
        more[f"{name}_p50_ms"] = percentile(took, 50)
        more[f"{name}_p99_ms"] = percentile(took, 99)
        more[f"{name}_generator_busy"] = max(it.result.busy for it in side)
        spent = [it.cpu_microseconds for it in side if it.cpu_microseconds is not None]
        if spent:
            more[f"{name}_cpu_us"] = median(spent)
    return Part(
        name=f"c={connections}",
        unit="req/s",
        ours=median(our_rates),
        floor=median(floor_rates),
        ratio=paired_ratio(our_rates, floor_rates),
        judged="ratio",
        goal=GOALS[connections],
        more=more,
        note="not all answers came from the cache" if told["panel_calls"] else "",
    )
