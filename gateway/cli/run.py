"""`serve`, `work`, `migrate` and `demo`: the processes."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from gateway.api.server import PortTakenError, open_socket, serving, stop_on_signals
from gateway.bootstrap import Runtime, build, keyring_of
from gateway.cli.environment import load_settings, start_logging
from gateway.cli.output import CommandError
from gateway.db.migrations import migrate as migrate_database
from gateway.demo.start import DemoOptions, run_demo
from gateway.domain.errors import ServiceUnavailable
from gateway.settings import Settings
from gateway.workers.runner import run_workers


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
    settings = load_settings()
    start_logging(settings)
    keyring_of(settings)
    asyncio.run(_serve(settings, with_workers=with_workers))


async def _serve(settings: Settings, *, with_workers: bool) -> None:
    try:
        api = open_socket(settings.bind)
        ops = open_socket(settings.ops_bind) if settings.ops_bind else None
    except PortTakenError as error:
        raise CommandError(str(error)) from None
    stop = asyncio.Event()
    with stop_on_signals(stop):
        async with build(settings) as runtime:
            apps = [(runtime.app(), api)]
            if ops is not None:
                apps.append((runtime.ops_app(), ops))
            async with serving(apps, drain_seconds=settings.drain_seconds):
                await _until(stop, runtime, with_workers=with_workers)


async def _until(stop: asyncio.Event, runtime: Runtime, *, with_workers: bool) -> None:
    if with_workers:
        await run_workers(runtime.workers(), stop)
    await stop.wait()


def work() -> None:
    """Run the workers: take up what a crash left behind, forget what is old."""
    settings = load_settings()
    start_logging(settings)
    keyring_of(settings)
    asyncio.run(_work(settings))


async def _work(settings: Settings) -> None:
    stop = asyncio.Event()
    with stop_on_signals(stop):
        async with build(settings) as runtime:
            await run_workers(runtime.workers(), stop)


def migrate() -> None:
    """Bring the database to the newest schema; safe to repeat."""
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
    options = DemoOptions(
        port=port,
        panel_port=panel_port,
        control_port=control_port,
        ops_port=ops_port,
        var=var,
        fresh=fresh,
    )
    try:
        asyncio.run(run_demo(options))
    except PortTakenError as error:
        raise CommandError(str(error)) from None
