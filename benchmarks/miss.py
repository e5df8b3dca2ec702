"""P7: what a read adds over asking the panel directly, when nothing is cached."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from typing import Final, Literal

from benchmarks.figures import paired_difference, percentile
from benchmarks.load import Plan
from benchmarks.outcome import Part
from benchmarks.place import Place
from benchmarks.rounds import Rounds

PANEL_SECONDS: Final = 0.05
PACE: Final = 15.0
ADDED_MEDIAN_MS: Final = 1.5
ADDED_P99_MS: Final = 6.0
WAYS: Final = ("c=1", "15 req/s")
Side = Literal["ours", "floor"]


def steps(rounds: Rounds) -> int:
    """Return how many steps `measure` takes."""
    return rounds.rounds * len(WAYS) * 2


def measure(place: Place, rounds: Rounds, step: Callable[[], None]) -> tuple[Part, ...]:
    """Read cold lines through the gateway, and the same from the panel, by turns."""
    counts = {"c=1": rounds.misses, "15 req/s": round(PACE * rounds.paced_seconds)}
    lines = place.lines(max(counts.values()))
    through = tuple(place.info_request(line) for line in lines)
    direct = tuple(place.panel_request(line) for line in lines)
    _ = place.info(lines[0])  # The first call to the panel sets up what later ones share.
    place.panel_takes(PANEL_SECONDS)

    def ask(way: str, side: Side) -> list[float]:
        place.forget()
        server = place.gateway if side == "ours" else place.panel
        plan = Plan(
            port=server.port,
            requests=through if side == "ours" else direct,
            count=counts[way],
            rate=PACE if way == "15 req/s" else None,
            connections=1 if way == "c=1" else 16,
            keep_alive=side == "ours",
        )
        took = place.programs.load(server, plan).result.milliseconds
        step()
        return took

    found: dict[tuple[str, Side], list[list[float]]] = {}
    for number in range(rounds.rounds):
        order: tuple[Side, ...] = ("floor", "ours") if number % 2 == 0 else ("ours", "floor")
        for way in WAYS:
            for side in order:
                found.setdefault((way, side), []).append(ask(way, side))
    place.panel_takes(0)
    return tuple(
        part for way in WAYS for part in _parts(way, found[way, "ours"], found[way, "floor"])
    )


def _parts(way: str, ours: list[list[float]], floor: list[list[float]]) -> tuple[Part, Part]:
    our_medians, floor_medians = [median(took) for took in ours], [median(took) for took in floor]
    all_ours = [value for took in ours for value in took]
    all_floor = [value for took in floor for value in took]
    our_p99, floor_p99 = percentile(all_ours, 99), percentile(all_floor, 99)
    return (
        Part(
            name=f"{way}, median",
            unit="ms",
            ours=median(our_medians),
            floor=median(floor_medians),
            ratio=median(our_medians) / median(floor_medians),
            judged="added",
            added=paired_difference(our_medians, floor_medians),
            goal=ADDED_MEDIAN_MS,
            bound="at most",
            more={"misses": len(all_ours)},
        ),
        Part(
            name=f"{way}, p99",
            unit="ms",
            ours=our_p99,
            floor=floor_p99,
            ratio=our_p99 / floor_p99,
            judged="added",
            goal=ADDED_P99_MS,
            bound="at most",
            more={"misses": len(all_ours)},
        ),
    )
