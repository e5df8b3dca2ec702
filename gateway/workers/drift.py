"""The worker that compares panels with our records."""

from __future__ import annotations

from gateway.services.context import Ports
from gateway.services.drift_sweep import compare_resources
from gateway.workers.recovery import system_context


class DriftWorker:
    """Lines and devices that others may have changed on their panels."""

    name = "drift"
    every_seconds = 5.0
    #: Never full: what a panel has to spare is not used up, however much is due.
    batch = 10**9

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def tick(self) -> int:
        """Compare a few of every panel."""
        return await compare_resources(system_context(self._ports, self.name))
