"""The workers of webhooks."""

from __future__ import annotations

from gateway.services.context import Ports
from gateway.services.webhook_delivery import (
    EXPAND_BATCH,
    SWEEP_BATCH,
    deliver_due,
    expand_events,
    sweep_deliveries,
)
from gateway.services.webhook_lanes import Lanes
from gateway.services.webhook_mails import mail_disabled
from gateway.workers.recovery import system_context


class WebhookDispatcher:
    """Events of which no deliveries were made yet."""

    name = "webhook-dispatcher"
    every_seconds = 1.0
    batch = EXPAND_BATCH

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def tick(self) -> int:
        """Expand one batch."""
        return await expand_events(system_context(self._ports, self.name))


class WebhookSender:
    """Deliveries that are due."""

    name = "webhook-sender"
    every_seconds = 0.5
    #: Never full: lanes take what is due next by themselves.
    batch = 10**9

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._lanes = Lanes()

    async def tick(self) -> int:
        """Open lanes."""
        return await deliver_due(system_context(self._ports, self.name), self._lanes)


class WebhookMailWorker:
    """Endpoints of which the operators are to be written to."""

    name = "webhook-mail"
    every_seconds = 10.0
    batch = 1

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def tick(self) -> int:
        """Write of one."""
        return await mail_disabled(system_context(self._ports, self.name))


class WebhookSweepWorker:
    """Deliveries that are older than their events are kept."""

    name = "webhook-sweep"
    every_seconds = 600.0
    batch = SWEEP_BATCH

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def tick(self) -> int:
        """Forget one batch."""
        return await sweep_deliveries(system_context(self._ports, self.name))
