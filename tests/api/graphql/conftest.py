"""A served gateway, and the npm packages of GraphQL clients."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from tests.api.graphql.support import Served, serve
from tests.servers.npm import NpmProject

RunScript = Callable[..., Coroutine[Any, Any, Any]]


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    """A gateway with the small schema, on a free port."""
    async with serve() as it:
        yield it


@pytest.fixture
def unserved() -> Served:
    """The same without a server between: quicker, and enough for whole answers."""
    return Served.made()


@pytest.fixture
def run_script(npm: Callable[[Path], NpmProject]) -> RunScript:
    """Runs npm/NAME with arguments while the server of the test goes on; returns its JSON."""
    project = npm(Path(__file__).with_name("npm"))

    async def run(name: str, *arguments: str) -> Any:
        return json.loads(await project.node(name, *arguments))

    return run
