"""Notices within one process: the default without Redis.

Other processes do not hear of changes here. Who watches a resource there sees them when it looks by
itself, every few seconds.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Self

from gateway.notices.listeners import LISTENERS_MAX, Flag, Listeners


class MemoryNotices:
    """The port Notices in memory."""

    def __init__(self, *, listeners_max: int = LISTENERS_MAX) -> None:
        self._listeners = Listeners(lambda _resource_id: None, listeners_max=listeners_max)

    async def __aenter__(self) -> Self:
        """Do nothing; for symmetry with the notices through Redis."""
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Do nothing."""

    def publish(self, resource_ids: Collection[str]) -> None:
        """Wake the listeners of these. See the port."""
        self._listeners.wake(resource_ids)

    @asynccontextmanager
    async def listen(self, resource_id: str) -> AsyncIterator[Flag]:
        """Listen for one resource. See the port."""
        with self._listeners.one(resource_id) as flag:
            yield flag
