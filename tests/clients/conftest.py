"""A gateway on a real port, and clients of other makes to talk to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.api.server import open_socket, serving
from tests.servers.npm import NpmProject
from tests.world import World, a_world

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """A running gateway with a simulated panel; `variables` are what clients are told of it."""

    world: World
    url: str

    @property
    def variables(self) -> dict[str, str]:
        key = self.world.a.api.key
        assert key is not None
        return {"GATEWAY_URL": self.url, "GATEWAY_KEY": key}


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    listener = open_socket("127.0.0.1:0")
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with (
        a_world(f"sqlite:///{tmp_path}/gateway.db", public_url=url) as world,
        serving([(world.runtime.app(), listener)], drain_seconds=1),
    ):
        yield Gateway(world=world, url=url)


@pytest.fixture
def clients(npm: Callable[[Path], NpmProject]) -> NpmProject:
    """The folder of these tests, with its packages in reach, to generate and compile in."""
    return npm(HERE)
