"""The origins of all clients, as the edge knows them; and how our own is written."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from gateway.api.origins import KnownOrigins, origin_of
from gateway.domain.clock import SystemClock
from gateway.domain.errors import ServiceUnavailable
from tests.world import World, a_world

SHOP = "https://shop.example"
OTHER_SHOP = "https://other.example"


@dataclass
class Watch(SystemClock):
    """A clock that a test moves."""

    at: float = 0.0

    def monotonic(self) -> float:
        return self.at


@dataclass
class Away:
    """A database, and whether it is away; counts how often it is asked."""

    real: Any
    is_away: bool = False
    asked: int = field(default=0)

    def read(self, scope: Any) -> Any:
        self.asked += 1
        if self.is_away:
            raise ServiceUnavailable("The gateway's database is not available.")
        return self.real.read(scope)


async def test_origins_are_looked_up_every_five_seconds_and_kept_while_the_database_is_away(
    tmp_path: Path,
) -> None:
    async with a_world(f"sqlite:///{tmp_path}/gateway.db") as world:
        for tenant, origin in ((world.a, SHOP), (world.b, OTHER_SHOP)):
            body = {"name": "shop", "reseller_id": tenant.id, "origins": [origin]}
            await world.operator.ok("POST", "/v1/clients", body, status=201)
        await looked_up(world)


async def looked_up(world: World) -> None:
    clock, database = Watch(), Away(world.runtime.ports.database)
    stand_in: Any = database
    known = KnownOrigins(replace(world.runtime.ports, clock=clock, database=stand_in))
    assert await known.find("req_1") == {SHOP, OTHER_SHOP}
    found = (await world.operator.ok("GET", "/v1/clients"))["data"]
    gone = next(each for each in found if each["origins"] == [OTHER_SHOP])
    assert (await world.operator.delete(f"/v1/clients/{gone['id']}")).status_code == 204
    clock.at = 4.9
    assert await known.find("req_2") == {SHOP, OTHER_SHOP}
    assert database.asked == 1
    clock.at, database.is_away = 5.0, True
    assert await known.find("req_3") == {SHOP, OTHER_SHOP}
    clock.at, database.is_away = 10.0, False
    assert await known.find("req_4") == {SHOP}
    assert database.asked == 3


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://API.example", "https://api.example"),
        ("https://api.example:443/x", "https://api.example"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://[::1]:80", "http://[::1]"),
        ("", None),
        ("ftp://api.example", None),
        ("https://api.example:x", None),
    ],
)
def test_our_own_origin_is_written_as_browsers_write_it(url: str, origin: str | None) -> None:
    assert origin_of(url) == origin
