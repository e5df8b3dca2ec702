"""Who listens in this process, and for what. Knows nothing of other processes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Final

from gateway.domain.errors import ServiceUnavailable

#: How many may listen at once in one process. A listener costs about a kilobyte here; its stream
#: and its looking again every few seconds cost more.
LISTENERS_MAX: Final = 10_000
_RETRY_AFTER_SECONDS: Final = 5


class Flag:
    """A listener: up or down, so however much happens while nobody waits, it grows by nothing."""

    def __init__(self) -> None:
        self._raised = asyncio.Event()

    def put_up(self) -> None:
        """Wake who waits, now or later."""
        self._raised.set()

    async def wait(self, timeout_seconds: float | None) -> bool:
        """Wait until it is up and take it down; see the port Listener."""
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._raised.wait()
        except TimeoutError:
            return False
        self._raised.clear()
        return True


class Listeners:
    """All listeners of one process, by resource."""

    def __init__(self, moved: Callable[[str], None], *, listeners_max: int) -> None:
        """Begin with none.

        Args:
            moved: is told of a resource when its first listener has come and when its last one
                has gone.
            listeners_max: how many there may be, of all resources together.
        """
        self._moved = moved
        self._listeners_max = listeners_max
        self._flags: dict[str, set[Flag]] = {}
        self._count = 0

    @contextmanager
    def one(self, resource_id: str) -> Iterator[Flag]:
        """Let one listener come and go.

        Raises:
            ServiceUnavailable: there are as many as there may be.
        """
        if self._count >= self._listeners_max:
            raise ServiceUnavailable(
                "Too many are watching at present.", retry_after_seconds=_RETRY_AFTER_SECONDS
            )
        flag = Flag()
        self._add(resource_id, flag)
        try:
            yield flag
        finally:
            self._remove(resource_id, flag)

    def wake(self, resource_ids: Collection[str]) -> None:
        """Wake all listeners of these."""
        for resource_id in resource_ids:
            for flag in self._flags.get(resource_id, ()):
                flag.put_up()

    def resources(self) -> Collection[str]:
        """Return what is listened for."""
        return self._flags.keys()

    def _add(self, resource_id: str, flag: Flag) -> None:
        self._count += 1
        self._flags.setdefault(resource_id, set()).add(flag)
        if len(self._flags[resource_id]) == 1:
            self._moved(resource_id)

    def _remove(self, resource_id: str, flag: Flag) -> None:
        self._count -= 1
        self._flags[resource_id].remove(flag)
        if not self._flags[resource_id]:
            del self._flags[resource_id]
            self._moved(resource_id)
