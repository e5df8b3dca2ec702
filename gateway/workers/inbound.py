"""The workers of inbound sources."""

from __future__ import annotations

from gateway.services.context import Ports
from gateway.services.inbound_receiving import SWEEP_BATCH, sweep_events
from gateway.services.inbound_work import DRIVE_BATCH, READ_BATCH, drive_subjects, read_events
from gateway.workers.recovery import system_context


class InboundReader:
    """Events that nobody has read yet."""

    name = "inbound-reader"
    every_seconds = 1.0
    batch = READ_BATCH

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def tick(self) -> int:
        """Read one batch."""
        return await read_events(system_context(self._ports, self.name))


class InboundDriver:
    """Lines and devices that are not yet as events want them."""

    name = "inbound-driver"
    every_seconds = 1.0
    batch = DRIVE_BATCH

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def tick(self) -> int:
        """Drive one batch."""
        return await drive_subjects(system_context(self._ports, self.name))


class InboundSweepWorker:
    """What became of events of long ago."""

    name = "inbound-sweep"
    every_seconds = 600.0
    batch = SWEEP_BATCH

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def tick(self) -> int:
        """Forget one batch."""
        return await sweep_events(system_context(self._ports, self.name))
