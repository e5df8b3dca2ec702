"""The workers of events."""

from __future__ import annotations

from gateway.services.context import Ports
from gateway.services.credit_alerts import watch_credits
from gateway.services.events import SWEEP_BATCH, sweep_events
from gateway.services.expiry import BATCH as EXPIRY_BATCH
from gateway.services.expiry import tell_expiries
from gateway.services.panel_news import BATCH as PANEL_BATCH
from gateway.services.panel_news import try_unwell_panels
from gateway.workers.recovery import system_context


class EventSweepWorker:
    """Events that are older than promised."""

    name = "event-sweep"
    every_seconds = 600.0
    batch = SWEEP_BATCH

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def tick(self) -> int:
        """Forget one batch."""
        return await sweep_events(system_context(self._ports, self.name))


class ExpiryWorker:
    """Lines and devices that expire, or soon will."""

    name = "expiry"
    every_seconds = 5.0
    batch = EXPIRY_BATCH

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def tick(self) -> int:
        """Tell of one batch."""
        return await tell_expiries(system_context(self._ports, self.name))


class PanelNewsWorker:
    """Panels that are not up: whether they are again."""

    name = "panel-news"
    every_seconds = 15.0
    #: Never full: a panel that is down is not asked without a pause.
    batch = PANEL_BATCH + 1

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def tick(self) -> int:
        """Try one batch."""
        return await try_unwell_panels(system_context(self._ports, self.name))


class CreditsWorker:
    """Resellers that want to be told when their credits are low."""

    name = "credits"
    every_seconds = 60.0
    #: Never full: one tick looks at all of them.
    batch = 10**9

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def tick(self) -> int:
        """Look at all balances once."""
        return await watch_credits(system_context(self._ports, self.name))
