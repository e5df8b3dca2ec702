"""A command line on a state of its own."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from typer.testing import CliRunner, Result

from gateway.cli.main import app
from gateway.cli.output import CommandError
from tests.world import ENCRYPTION_KEYS


class Cli:
    """Runs commands in this process, on one state."""

    def __init__(self, environ: dict[str, str]) -> None:
        self.environ = environ
        self.runner = CliRunner()

    def run(self, *arguments: str, env: dict[str, str] | None = None) -> Result:
        return self.runner.invoke(app, arguments, env=self.environ | (env or {}))

    def ok(self, *arguments: str) -> str:
        ran = self.run(*arguments)
        assert ran.exit_code == 0, (arguments, ran.output, ran.exception)
        return ran.stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self.ok(*arguments, "--json"))

    def fails(self, *arguments: str, env: dict[str, str] | None = None) -> str:
        """Expect a failure that says why; return what it says."""
        ran = self.run(*arguments, env=env)
        assert ran.exit_code != 0
        assert isinstance(ran.exception, CommandError), ran.exception
        return str(ran.exception)


@pytest.fixture(autouse=True)
def logging_as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def empty(tmp_path: Path) -> Cli:
    """A command line whose database is not migrated yet."""
    return Cli(
        {
            "GATEWAY_DATABASE_URL": f"sqlite:///{tmp_path}/g.db",
            "GATEWAY_ENCRYPTION_KEYS": ENCRYPTION_KEYS,
        }
    )


@pytest.fixture
def cli(empty: Cli) -> Cli:
    empty.ok("migrate")
    return empty
