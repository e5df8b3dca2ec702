"""`encryption rotate`: seal what is at rest under the newest key."""

from __future__ import annotations

import asyncio

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from gateway.cli.environment import NOT_READY, load_settings
from gateway.cli.output import AsJson, CommandError, print_json
from gateway.domain.errors import GatewayError
from gateway.services.ports.sealer import SealBrokenError
from gateway.settings import SettingsError

app = typer.Typer(help="What is sealed at rest.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """What is sealed at rest."""


@app.command("rotate")
def rotate_all(as_json: AsJson = False) -> None:
    """Seal everything again under the first of GATEWAY_ENCRYPTION_KEYS; safe while serving."""
    try:
        resealed, missed = asyncio.run(_rotate(quiet=as_json))
    except (SettingsError, GatewayError, SealBrokenError) as error:
        raise CommandError(str(error)) from error
    if as_json:
        print_json({"resealed": resealed, "missed": missed})
    else:
        typer.echo(f"{resealed} secrets are now sealed under the first key.")
    if missed:
        raise CommandError(f"{missed} changed meanwhile; run it again.")


async def _rotate(*, quiet: bool) -> tuple[int, int]:
    """Return how many values were sealed again, and how many somebody else wrote meanwhile."""
    from gateway.bootstrap import build
    from gateway.db.rotation import rotate

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    counts: dict[str, tuple[int, int]] = {}
    silent = quiet or not console.is_terminal
    async with build(load_settings()) as runtime:
        if not await runtime.database.is_ready():
            raise CommandError(NOT_READY)
        with Progress(*columns, console=console, disable=silent) as bar:
            tasks = {}
            async for step in rotate(runtime.database, runtime.keyring):
                if step.table not in tasks:
                    tasks[step.table] = bar.add_task(step.table)
                bar.update(tasks[step.table], completed=step.done, total=step.total)
                counts[step.table] = (step.resealed, step.missed)
    return sum(r for r, _ in counts.values()), sum(m for _, m in counts.values())
