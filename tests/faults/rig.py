"""A gateway of real processes, and the wire to its panel."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.faults.processes import Fleet
from tests.servers.fault_proxy import FaultProxy
from tests.world import FREE_RATES, World, a_world

#: Who asks for a change whose outcome stays unknown is told so before it can be settled.
DEADLINE_SECONDS: Final = 1.5


@dataclass(slots=True, kw_only=True)
class Rig:
    """A gateway without a process yet. `world` acts in this process, for looking and arranging."""

    world: World
    fleet: Fleet
    wire: FaultProxy


@asynccontextmanager
async def a_rig(
    url: str,
    redis_url: str,
    folder: Path,
    *,
    profile: str = "v2",
    settle_seconds: int = 1,
    **changes: Any,
) -> AsyncIterator[Rig]:
    """Build and seed a world on a migrated database; *changes* are settings."""
    settings = {
        "change_deadline_seconds": DEADLINE_SECONDS,
        "panels": {"settle_seconds": settle_seconds},
        "limits": FREE_RATES,
    }
    async with (
        a_world(
            url, redis_url=redis_url, migrated=True, profile=profile, **(settings | changes)
        ) as world,
        FaultProxy.before(world.simulator.base_url) as wire,
        Fleet.of(world, folder) as fleet,
    ):
        await world.operator.ok(
            "PATCH",
            f"/v1/panels/{world.panel_id}",
            {"base_url": wire.url(world.simulator.base_url)},
        )
        # The first call to a panel loads authorities, which may take longer than an answer may.
        await world.operator.ok("POST", f"/v1/panels/{world.panel_id}/probe")
        yield Rig(world=world, fleet=fleet, wire=wire)
