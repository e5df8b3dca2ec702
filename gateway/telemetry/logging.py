"""Logs: one JSON object a line on standard output, `event` in `noun.verb` form, ids as fields.

Nothing is set up at import. `configure_logging` routes structlog and the standard library's loggers
(uvicorn, SQLAlchemy, Alembic, httpx2) through the same steps; the last but one is redaction.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from enum import StrEnum
from typing import Any, Final, TextIO

import msgspec
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from gateway.telemetry.redaction import redact_event

#: Libraries that say too much, or what our own lines say better; their warnings still come through.
_QUIET: Final = (
    "asyncio",
    "httpcore2",
    "httpx2",
    "sqlalchemy",
    "uvicorn.access",
)
#: Libraries that bring handlers of their own.
_WITH_HANDLERS: Final = ("uvicorn", "uvicorn.error", "uvicorn.access")


class LogForm(StrEnum):
    """How lines look: for machines, or for people at a terminal."""

    JSON = "json"
    CONSOLE = "console"


def configure_logging(
    *, level: str = "info", form: LogForm = LogForm.JSON, stream: TextIO | None = None
) -> None:
    """Send all logs of *level* and above to *stream* (standard output), without secrets.

    `CONSOLE` is obeyed only where *stream* is a terminal: what reads a pipe wants JSON. May be
    called again; the last call counts.

    Raises:
        ValueError: no such level.
    """
    stream = sys.stdout if stream is None else stream
    number = _level(level)
    for_people = form is LogForm.CONSOLE and stream.isatty()
    finish: tuple[Processor, ...] = (
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        redact_event,
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if for_people
        else render_json,
    )
    structlog.configure(
        processors=[*_beginning(), *finish],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    _route_standard_library(number, stream, finish)


def render_json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    """Return *event*, which redaction made plain, as one line of JSON."""
    return msgspec.json.encode(event).decode()


def _level(name: str) -> int:
    number = logging.getLevelNamesMapping().get(name.upper())
    if number is None:
        raise ValueError(f"no such log level: {name}")
    return number


def _beginning() -> tuple[Processor, ...]:
    return (
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    )


def _route_standard_library(number: int, stream: TextIO, finish: tuple[Processor, ...]) -> None:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*_beginning(), _name_foreign],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *finish],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(number)
    logging.captureWarnings(capture=True)
    for name in _WITH_HANDLERS:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(number, logging.WARNING))


def _name_foreign(
    _logger: WrappedLogger, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Give a library's line an event of ours, and its text as a field."""
    message = event["event"]
    event["event"] = "library.logged"
    event["message"] = message
    event["logger"] = event["_record"].name
    return event
