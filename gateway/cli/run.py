"""`serve`, `work`, `migrate` and `demo`: the processes."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.environment import load_settings, start_logging
from gateway.cli.output import CommandError
from gateway.domain.errors import ServiceUnavailable
from gateway.settings import SettingsError


def add_to(app: typer.Typer) -> None:
    """Add the commands to the tree."""
    app.command("serve")(serve)
    app.command("work")(work)
    app.command("migrate")(migrate)
    app.command("demo")(demo)


def serve(
    with_workers: Annotated[
        bool, typer.Option("--with-workers", help="Run the workers in this process as well.")
    ] = False,
) -> None:
    """Serve the API (GATEWAY_BIND), and health and metrics (GATEWAY_OPS_BIND)."""
    from gateway.serving import serve_until_stopped

    settings = load_settings()
    start_logging(settings)
    _run(serve_until_stopped(settings, with_workers=with_workers))


def work() -> None:
    """Run the workers: settle what is not known, compare panels, forget what is old."""
    from gateway.serving import work_until_stopped

    settings = load_settings()
    start_logging(settings)
    _run(work_until_stopped(settings))


def migrate() -> None:
    """Bring the database to the newest schema; safe to repeat."""
    from gateway.db.migrations import migrate as migrate_database

    settings = load_settings()
    start_logging(settings)
    try:
        asyncio.run(migrate_database(settings.database_url))
    except ServiceUnavailable as error:
        raise CommandError(f"The database cannot be migrated: {error.detail}") from error
    typer.echo("The database is up to date.")


def demo(
    port: Annotated[int, typer.Option(help="Port of the API.")] = 8080,
    panel_port: Annotated[int, typer.Option(help="Port of the simulated panel.")] = 25461,
    control_port: Annotated[int, typer.Option(help="Port of its control surface.")] = 25462,
    ops_port: Annotated[int, typer.Option(help="Port of health and metrics.")] = 8081,
    var: Annotated[Path, typer.Option(help="Folder that holds the state.")] = Path("var"),
    fresh: Annotated[bool, typer.Option("--fresh", help="Start from empty.")] = False,
) -> None:
    """Start the whole product with a simulated panel, SQLite and demo keys."""
    from gateway.demo.start import DemoOptions, run_demo

    options = DemoOptions(
        port=port,
        panel_port=panel_port,
        control_port=control_port,
        ops_port=ops_port,
        var=var,
        fresh=fresh,
    )
    _run(run_demo(options))


def _run(work: Coroutine[Any, Any, None]) -> None:
    """Run a process's work; a wrong setting or a taken port ends it with one sentence."""
    import uvloop

    from gateway.api.server import PortTakenError

    try:
        uvloop.run(work)
    except (PortTakenError, SettingsError) as error:
        raise CommandError(str(error)) from None
