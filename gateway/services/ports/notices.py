"""How those who watch a line, a device or an operation learn that it changed.

A notice says which resource, never what became of it: who hears one reads the resource again,
through the door, and so sees what it may see at that moment. A notice may be late, come twice, come
for nothing or be lost; whoever must not miss a change looks by itself from time to time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection
    from contextlib import AbstractAsyncContextManager


class Listener(Protocol):
    """One who listens for one resource. Many changes while nobody waits are one."""

    async def wait(self, timeout_seconds: float | None) -> bool:
        """Wait until the resource may have changed since the last time this returned True.

        False: *timeout_seconds* passed first. None waits for as long as it takes.
        """


class Notices(Protocol):
    """Notices among all processes that share one database."""

    def publish(self, resource_ids: Collection[str]) -> None:
        """Tell all who listen that these changed. Never raises, never waits.

        Call it after the commit: who hears of it reads at once. The listeners of this process
        hear of it here, those of others in the background.
        """

    def listen(self, resource_id: str) -> AbstractAsyncContextManager[Listener]:
        """Return a context in which every later change of this resource wakes its listener.

        It is entered without waiting for anybody.

        Raises:
            ServiceUnavailable: on entering: this process has as many listeners as it may.
        """
