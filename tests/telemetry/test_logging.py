"""Where log lines go and what they look like."""

from __future__ import annotations

import io
import json
import logging
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from gateway.domain.secrets import Secret
from gateway.telemetry.logging import LogForm, configure_logging

KEY = "xgw_" + "A1b2" * 10 + "xyz"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    """Leave the process's logging as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def stream() -> io.StringIO:
    stream = io.StringIO()
    configure_logging(stream=stream)
    return stream


def fail(message: str) -> None:
    raise ValueError(message)


def lines_of(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def without_time(line: dict[str, Any]) -> dict[str, Any]:
    assert line.pop("at").endswith("Z")
    return line


def test_one_json_object_a_line_with_the_bound_request_id(stream: io.StringIO) -> None:
    structlog.contextvars.bind_contextvars(request_id="req_1")
    structlog.get_logger().info("line.created", line_id="line_1", password=Secret("hunter2"))
    assert [without_time(line) for line in lines_of(stream)] == [
        {
            "event": "line.created",
            "level": "info",
            "line_id": "line_1",
            "password": "***",
            "request_id": "req_1",
        }
    ]


def test_exceptions_are_redacted_too(stream: io.StringIO) -> None:
    try:
        fail(f"refused {KEY} at http://u:hunter2@panel?password=hunter2")
    except ValueError:
        structlog.get_logger().exception("panel.failed")
    (line,) = lines_of(stream)
    assert "Traceback" in line["exception"]
    assert "ValueError: refused xgw_*** at http://***@panel?***" in line["exception"]


@pytest.mark.parametrize(
    "name", ["uvicorn", "uvicorn.error", "alembic", "gateway.db", "py.warnings"]
)
def test_the_standard_library_goes_the_same_way(stream: io.StringIO, name: str) -> None:
    logging.getLogger(name).warning("with %s", "password=hunter2")
    assert [without_time(line) for line in lines_of(stream)] == [
        {
            "event": "library.logged",
            "level": "warning",
            "logger": name,
            "message": "with password=***",
        }
    ]


def test_its_exceptions_as_well(stream: io.StringIO) -> None:
    try:
        fail(KEY)
    except ValueError:
        logging.getLogger("x").exception("it broke")
    (line,) = lines_of(stream)
    assert line["exception"].endswith("ValueError: xgw_***")


@pytest.mark.parametrize("name", ["httpx2", "httpcore2", "sqlalchemy.engine", "uvicorn.access"])
def test_chatty_libraries_are_heard_only_when_they_warn(stream: io.StringIO, name: str) -> None:
    logging.getLogger(name).info("HTTP Request: GET http://panel/api.php?password=x")
    logging.getLogger(name).warning("slow")
    assert [line["message"] for line in lines_of(stream)] == ["slow"]


def test_warnings_are_logged(stream: io.StringIO) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn("old password=hunter2", stacklevel=1)
        logging.captureWarnings(capture=False)
    (line,) = lines_of(stream)
    assert line["logger"] == "py.warnings"
    assert "hunter2" not in line["message"]


def test_the_level_holds_for_both(stream: io.StringIO) -> None:
    structlog.get_logger().debug("too.fine")
    logging.getLogger("x").debug("too fine")
    configure_logging(level="warning", stream=stream)
    structlog.get_logger().info("too.fine")
    logging.getLogger("x").info("too fine")
    assert lines_of(stream) == []


def test_an_unknown_level_is_told() -> None:
    with pytest.raises(ValueError, match="no such log level: loud"):
        configure_logging(level="loud")


def test_people_get_readable_lines_at_a_terminal_only() -> None:
    terminal, pipe = Terminal(), io.StringIO()
    configure_logging(form=LogForm.CONSOLE, stream=terminal)
    try:
        fail(KEY)
    except ValueError:
        structlog.get_logger().exception("line.created", password="hunter2")
    assert "line.created" in terminal.getvalue()
    assert "***" in terminal.getvalue()
    assert "hunter2" not in terminal.getvalue()
    assert KEY not in terminal.getvalue()
    assert not terminal.getvalue().startswith("{")
    configure_logging(form=LogForm.CONSOLE, stream=pipe)
    structlog.get_logger().info("line.created")
    assert lines_of(pipe)[0]["event"] == "line.created"


def test_configuring_again_does_not_double_lines(stream: io.StringIO) -> None:
    configure_logging(stream=stream)
    logging.getLogger("x").warning("once")
    assert len(lines_of(stream)) == 1


def test_standard_output_is_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging()
    structlog.get_logger().info("gateway.ready")
    assert json.loads(capsys.readouterr().out)["event"] == "gateway.ready"
