"""`python -m benchmarks.seed`: migrate the database of the settings and print an operator's key.

A process of its own: it needs the whole gateway, which takes a while to import, and the gateway
under test starts meanwhile.
"""

from __future__ import annotations

import asyncio
import sys

from gateway.bootstrap import build
from gateway.db.migrations import migrate
from gateway.domain.keys import NewKey
from gateway.services import keys
from gateway.settings import Settings, load
from gateway.workers.recovery import system_context


async def seeded(settings: Settings) -> str:
    """Migrate, and return an operator's key."""
    await migrate(settings.database_url)
    async with build(settings) as runtime:
        context = system_context(runtime.ports, "bench")
        issued = (await keys.issue_key(context, NewKey(name="bench"))).made()
        return issued.secret.reveal()


if __name__ == "__main__":
    read, _source = load()
    # Without its Redis: that one is for the gateway under test.
    key = asyncio.run(seeded(read.model_copy(update={"redis_url": ""})))
    sys.stdout.write(key)
