"""A file that is touched while the workers are well, for a probe that can look at files only.

Workers listen nowhere, so nobody can ask them. What a young file says: the process runs, its event
loop turns, and no tick hangs. A worker that fails and tries again is well: starting anew would not
bring its database back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import structlog

log = structlog.get_logger(__name__)

#: A file that is older than several of these has stopped.
BEAT_EVERY_SECONDS: Final = 5.0
#: A tick that takes longer hangs; the longest goes through a batch of calls to slow panels.
TICK_SECONDS_MAX: Final = 1_800.0


class Heart:
    """Beats for all workers of a process; *path* None: nobody looks."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._ticks: dict[str, float] = {}
        self._has_failed = False

    @contextmanager
    def tick(self, worker: str) -> Iterator[None]:
        """Hold that *worker* is busy for the length of the block."""
        self._ticks[worker] = asyncio.get_running_loop().time()
        try:
            yield
        finally:
            del self._ticks[worker]

    async def beat_on(self) -> None:
        """Touch the file at once, and again and again, until cancelled."""
        while self._path is not None:
            self._beat(self._path)
            await asyncio.sleep(BEAT_EVERY_SECONDS)

    def _beat(self, path: Path) -> None:
        earliest = asyncio.get_running_loop().time() - TICK_SECONDS_MAX
        if any(began < earliest for began in self._ticks.values()):
            return
        try:
            path.touch()
        except OSError as error:
            if not self._has_failed:  # One line, not one for each beat.
                log.warning("heartbeat.failed", reason=error.strerror)
            self._has_failed = True
        else:
            self._has_failed = False
