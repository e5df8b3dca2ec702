"""The command: measures goals, shows progress, prints the table and writes the JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks import ceiling, place, report
from benchmarks.goals import GOALS, Goal
from benchmarks.machine import BenchError, Cores, facts
from benchmarks.outcome import Outcome
from benchmarks.place import DatabaseKind
from benchmarks.programs import ROOT
from benchmarks.rounds import FULL, QUICK, Rounds

Tell = Callable[[str], Callable[[], None]]
"""Begins a goal's progress; what it returns is called after each step."""

DEFAULT_OUTPUT: Final = ROOT / "var" / "bench.json"
app = typer.Typer(add_completion=False)


@app.command()
def bench(
    *,
    only: Annotated[
        list[str] | None, typer.Option(help="Measure this goal only; may be repeated.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Show that everything works; rough figures.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the JSON instead of the table.")
    ] = False,
    database: Annotated[str, typer.Option(help="postgresql or sqlite.")] = "postgresql",
    output: Annotated[Path, typer.Option(help="Where the JSON is written.")] = DEFAULT_OUTPUT,
) -> None:
    """Measure the goals. A goal that is not met is a result, not a failure."""
    chosen = _chosen(only)
    if database not in {"postgresql", "sqlite"}:
        raise typer.BadParameter("postgresql or sqlite", param_hint="--database")
    kind: DatabaseKind = "sqlite" if database == "sqlite" else "postgresql"
    try:
        outcomes, run = measured(chosen, QUICK if quick else FULL, kind)
    except BenchError as error:
        sys.stderr.write(f"The benchmark broke: {error}\n")
        raise typer.Exit(1) from error
    run |= {"quick": quick}
    made = report.document(outcomes, run)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")
    if as_json:
        sys.stdout.write(json.dumps(made, indent=2) + "\n")
    else:
        report.print_table(outcomes, run)


def measured(
    chosen: dict[str, Goal], rounds: Rounds, kind: DatabaseKind
) -> tuple[dict[str, Outcome], dict[str, Any]]:
    """Measure the goals that are *chosen*; return every goal's outcome, and what the run was.

    Raises:
        BenchError: something does not start, or does not answer as it should.
    """
    began = time.monotonic()
    outcomes = {name: goal.left_out() for name, goal in GOALS.items()}
    cores = Cores.chosen()
    run: dict[str, Any] = {"machine": facts(cores), "database": kind, "generator": {}}
    with ExitStack() as stack:
        tell = stack.enter_context(_progress(chosen, rounds))
        if any(goal.measure for goal in chosen.values()):
            there = stack.enter_context(place.opened(cores, kind))
            if "P2" in chosen:
                run["generator"] = ceiling.measure(there.programs, rounds)
            for name, goal in chosen.items():
                if goal.measure is not None:
                    parts = goal.measure(there, rounds, tell(name))
                    outcomes[name] = Outcome(
                        sentence=goal.sentence, parts=parts, missing=goal.missing
                    )
    run["seconds"] = round(time.monotonic() - began, 1)
    return outcomes, run


def _chosen(only: list[str] | None) -> dict[str, Goal]:
    names = [name.upper() for name in only or GOALS]
    unknown = [name for name in names if name not in GOALS]
    if unknown:
        raise typer.BadParameter(
            f"no such goal: {', '.join(unknown)}; there are {', '.join(GOALS)}",
            param_hint="--only",
        )
    return {name: goal for name, goal in GOALS.items() if name in names}


@contextmanager
def _progress(chosen: dict[str, Goal], rounds: Rounds) -> Iterator[Tell]:
    """Show a bar on a terminal, nothing elsewhere."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        total = sum(goal.steps(rounds) for goal in chosen.values())
        task = bar.add_task("starting", total=total)

        def tell(name: str) -> Callable[[], None]:
            bar.update(task, description=name)
            return lambda: bar.advance(task)

        yield tell


def main() -> None:
    """Run the command."""
    app()
