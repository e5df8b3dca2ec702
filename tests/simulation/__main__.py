"""`make simulate`: play histories until so many operations are done, or one violates something.

SEED alone plays that history and prints it; N alone plays from seed 1 on.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tests.simulation.history import LENGTH, play

if TYPE_CHECKING:
    from tests.simulation.history import Result

TRACE_LINES: int = 400


def main() -> int:
    """Play, and return 1 if anything was violated."""
    parser = argparse.ArgumentParser(prog="make simulate", description=__doc__)
    parser.add_argument("--seed", type=int, default=None, help="the first history, from 1")
    parser.add_argument("--n", type=int, default=None, help="how many operations")
    parser.add_argument("--length", type=int, default=LENGTH, help="how long a history is")
    parser.add_argument("--quiet", action="store_true", help="print the outcome in one line")
    options = parser.parse_args()
    if options.seed is not None and options.n is None:
        return _show(play(options.seed, length=options.length, traced=True))
    return _many(options.seed or 1, options.n or 20_000, options.length, quiet=options.quiet)


def _many(seed: int, wanted: int, length: int, *, quiet: bool) -> int:
    began, done, first = time.process_time(), 0, seed
    columns = (TextColumn("operations"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True, quiet=quiet)
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("operations", total=wanted)
        while done < wanted:
            result = play(seed, length=length)
            done += result.operations
            progress.update(task, completed=min(done, wanted))
            if result.violations:
                break
            seed += 1
        else:
            seconds = time.process_time() - began
            rate = f"{done / seconds:.0f} a second of one core"
            print(f"{done} operations, seeds {first} to {seed - 1}, {rate}: nothing violated")
            return 0
    if quiet:
        print(f"{done} operations until seed {seed}: {result.violations[0]}")
        return 1
    print(f"{done} operations until seed {seed}, which follows.")
    return _show(play(seed, length=length, traced=True))


def _show(result: Result) -> int:
    if result.violations:
        for line in result.trace[-TRACE_LINES:]:
            print(line)
    print(f"seed {result.seed}: {result.operations} operations, {result.states}")
    print(f"faults: {result.weather}")
    for violation in result.violations:
        print(violation)
    if result.violations:
        print(f"Again: make simulate SEED={result.seed}")
    return 1 if result.violations else 0


if __name__ == "__main__":
    sys.exit(main())
