"""Settings and logging of a command."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import structlog

from gateway.cli.output import CommandError
from gateway.domain.errors import GatewayError
from gateway.services.context import Context
from gateway.settings import Settings, SettingsError, load
from gateway.telemetry.logging import LogForm, configure_logging

T = TypeVar("T")

NOT_READY: Final = "The database cannot be reached or is not migrated; run: xtream-gateway migrate"


def load_settings() -> Settings:
    """Return the settings; variables that look like settings and are none are told.

    Raises:
        CommandError: all faults at once.
    """
    try:
        settings, _ = load()
    except SettingsError as error:
        raise CommandError(str(error)) from None
    return settings


def start_logging(settings: Settings) -> None:
    """Log to the standard output as the settings say, and tell of unknown variables."""
    configure_logging(form=LogForm(settings.log_format), level=settings.log_level)
    _, source = load()
    for name in source.unknown:
        structlog.get_logger("gateway").warning("setting.unknown", variable=name)


def call(work: Callable[[Context], Awaitable[T]]) -> T:
    """Run one service call as the command line's own caller, and return its result.

    Raises:
        CommandError: it was refused, or the settings are wrong.
    """
    from gateway.bootstrap import build
    from gateway.workers.recovery import system_context

    async def run() -> T:
        async with build(load_settings()) as runtime:
            if not await runtime.database.is_ready():
                raise CommandError(NOT_READY)
            return await work(system_context(runtime.ports, "cli"))

    configure_logging(level="error")
    try:
        return asyncio.run(run())
    except SettingsError as error:
        raise CommandError(str(error)) from None
    except GatewayError as error:
        faults = "".join(f"\n  {f.pointer}: {f.detail}" for f in error.faults)
        raise CommandError(f"{error.detail}{faults} ({error.code})") from None
