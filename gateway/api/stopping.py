"""How an answer that would stay open learns that its server stops."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.types import Scope

#: In the `state` of a scope, where our server puts it.
STOPPING: Final = "gateway.stopping"


def stopping_of(scope: Scope) -> asyncio.Event:
    """Return what is set once the server stops; under another server it never is."""
    event: asyncio.Event = scope.get("state", {}).get(STOPPING) or asyncio.Event()
    return event
