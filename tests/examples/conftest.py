"""A gateway on a real port, behind a wire that can be broken, and php to call it."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pytest

from gateway.api.server import open_socket, serving
from tests.docs.pages import ROOT
from tests.servers.fault_proxy import FaultProxy
from tests.servers.programs import Done, run_program
from tests.world import World, a_world

BILLING: Final = ROOT / "examples" / "billing"
#: The order of most tests, as a product of a shop has it.
ORDER: Final = {"period": "P1M", "bouquet_ids": [1, 2]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Billing:
    """A billing system with our module, its gateway, and the wire between the two."""

    world: World
    wire: FaultProxy
    url: str
    php: Path

    async def call(self, verb: str, *words: Any, patience: int = 60) -> dict[str, Any]:
        """Call one function of the module as its own program; return the outcome."""
        texts = [word if isinstance(word, str) else json.dumps(word) for word in words]
        done = await self.run("try.php", verb, *texts, PATIENCE_SECONDS=str(patience))
        outcome: dict[str, Any] = json.loads(done.output)
        codes = {"done": 0, "pending": 2, "failed": 2 if outcome["retryable"] else 1}
        assert done.code == codes[outcome["state"]], done
        assert done.complaints == ""
        return outcome

    async def run(self, script: str | Path, *words: str, **variables: str) -> Done:
        """Run a script with php, in the folder of the module."""
        key = self.world.a.api.key
        assert key is not None
        environment = os.environ | {"XGW_URL": self.url, "XGW_KEY": key} | variables
        strict = ("-d", "error_reporting=-1", "-d", "display_errors=stderr")
        command = (str(self.php), *strict, str(script), *words)
        return await run_program(*command, cwd=BILLING, environment=environment)

    async def create(self) -> dict[str, Any]:
        """Create the line of service 4711 for invoice 99."""
        outcome = await self.call("createAccount", "4711", "99", ORDER)
        assert outcome["state"] == "done", outcome
        return outcome

    async def lines(self) -> list[dict[str, Any]]:
        """Return the lines that the reseller has."""
        found = await self.world.a.api.ok("GET", "/v1/lines")
        data: list[dict[str, Any]] = found["data"]
        return data

    async def until_taken(self, count: int) -> None:
        """Return when so many more requests have come from the billing system."""
        target = self.wire.taken + count
        while self.wire.taken < target:  # noqa: ASYNC110 - a wire has no event to wait for.
            await asyncio.sleep(0.02)

    async def expiry(self) -> str:
        """Return when the one line ends."""
        (line,) = await self.lines()
        expires_at: str = line["expires_at"]
        return expires_at


def months_between(before: str, after: str) -> int:
    """Return how many calendar months lie between two times; a clamped day counts as whole."""
    first, last = (datetime.fromisoformat(text) for text in (before, after))
    return (last.year - first.year) * 12 + last.month - first.month


@pytest.fixture
async def billing(tmp_path: Path, php: Path) -> AsyncIterator[Billing]:
    listener = open_socket("127.0.0.1:0")
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with (
        a_world(
            f"sqlite:///{tmp_path}/gateway.db", public_url=url, panels={"settle_seconds": 60}
        ) as world,
        serving([(world.runtime.app(), listener)], drain_seconds=1),
        FaultProxy.before(url) as wire,
    ):
        yield Billing(world=world, wire=wire, url=wire.url(url), php=php)
