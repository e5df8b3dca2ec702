"""What a run leaves: the table on the screen and the JSON document."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from benchmarks.outcome import Outcome, Part

PIPE_WIDTH: Final = 160
_VERDICTS: Final = {True: "met", False: "not met", None: "-"}
_COLOURS: Final = {True: "green", False: "red", None: "dim"}


def document(outcomes: Mapping[str, Outcome], run: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON document: every goal, and what this run was."""
    return {
        "goals": {name: outcome.as_dict() for name, outcome in outcomes.items()},
        "run": {"at": datetime.now(UTC).isoformat(timespec="seconds"), **run},
    }


def print_table(outcomes: Mapping[str, Outcome], run: Mapping[str, Any]) -> None:
    """Print one row for each part of each goal."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=PIPE_WIDTH)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("goal", "figure"):
        table.add_column(name, overflow="fold")
    for name in ("ours", "floor", "ratio", "bound"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("")
    for goal, outcome in outcomes.items():
        for part in outcome.parts:
            table.add_row(goal, part.name, *_cells(part))
    console.print(table)
    missing = [
        f"{goal}: {outcome.sentence}: {outcome.missing}"
        for goal, outcome in outcomes.items()
        if outcome.missing
    ]
    notes = [
        f"{goal} {part.name}: {part.note}"
        for goal, outcome in outcomes.items()
        for part in outcome.parts
        if part.note
    ]
    for word in (*notes, *missing, *_words(run)):
        console.print(word, style="dim", highlight=False)


def _cells(part: Part) -> tuple[str, ...]:
    bound = ""
    if part.goal is not None:
        sign = ">=" if part.bound == "at least" else "<="
        unit = "x" if part.judged == "ratio" else part.unit
        added = "+" if part.judged == "added" else ""
        bound = f"{sign} {added}{part.goal:g} {unit}"
    verdict = f"[{_COLOURS[part.met]}]{_VERDICTS[part.met]}[/]"
    if part.judged == "added":
        verdict += f" ({part.value:+.2f} {part.unit})"
    return (
        f"{_number(part.ours)} {part.unit}",
        f"{_number(part.floor)} {part.unit}",
        f"{part.ratio:.2f}",
        bound,
        verdict,
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 or value == int(value) else f"{value:,.2f}"


def _words(run: Mapping[str, Any]) -> list[str]:
    """Return what one should know when reading the figures."""
    machine = run["machine"]
    pinned = "server on a core of its own" if machine["pinned"] else "nothing pinned to a core"
    load = machine["load_average"]
    busy = "" if load is None else f"; load average {load:.1f} at the start"
    words = [
        f"{machine['cores']} cores, {pinned}{busy}; {run['database']}, Python {machine['python']}.",
        "Compare figures of one run only.",
    ]
    if run["quick"]:
        words.append("A quick run: it shows that everything works; its figures mean little.")
    if run["generator"]:
        words.append(
            f"The load generator asks up to {run['generator']['requests_per_second']:,.0f} req/s."
        )
    return words
