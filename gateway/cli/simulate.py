"""`simulate-panel`: a panel to try things on."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.output import CommandError
from gateway.simulator.clock import ClockKind
from gateway.simulator.command import SimulatorOptions, simulate_panel


def add_to(app: typer.Typer) -> None:
    """Add the command to the tree."""
    app.command("simulate-panel")(simulate)


def simulate(  # noqa: PLR0913, PLR0917 - options of a command
    bind: Annotated[str, typer.Option(help="Where the panel listens.")] = "127.0.0.1:25461",
    control: Annotated[
        str | None, typer.Option(help="Where its control surface listens; off without.")
    ] = None,
    profile: Annotated[str, typer.Option(help="v2, documented, v2-strict, hardened.")] = "v2",
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="A switch: NAME=JSON; may be repeated.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of all randomness; printed.")] = None,
    clock: Annotated[ClockKind, typer.Option(help="wall or virtual.")] = "wall",
    state: Annotated[
        Path | None, typer.Option(help="SQLite file for tables and ledger; memory without.")
    ] = None,
    tls_cert: Annotated[
        Path | None, typer.Option(help="PEM certificate: the panel speaks HTTPS.")
    ] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its PEM key.")] = None,
) -> None:
    """Simulate a panel with an Xtream-style api.php."""
    options = SimulatorOptions(
        bind=bind,
        control=control,
        profile=profile,
        settings=dict(_switch(text) for text in settings or ()),
        seed=seed,
        clock=clock,
        state=state,
        tls_cert=tls_cert,
        tls_key=tls_key,
    )
    try:
        asyncio.run(simulate_panel(options))
    except (OSError, ValueError) as error:
        raise CommandError(str(error)) from error


def _switch(text: str) -> tuple[str, Any]:
    name, separator, value = text.partition("=")
    if not separator:
        raise CommandError(f"--set {text}: write NAME=JSON.")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        raise CommandError(f"--set {text}: the value is not JSON.") from None
