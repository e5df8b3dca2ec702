"""The workers that bring every operation to an end."""

from __future__ import annotations

from gateway.domain.caller import Caller
from gateway.domain.ids import IdKind, new_id
from gateway.services.context import Context, Ports
from gateway.services.reconcile import BATCH as SETTLE_BATCH
from gateway.services.reconcile import settle_operations
from gateway.services.recovery import BATCH, SWEEP_BATCH, recover_operations, sweep_answers
from gateway.services.strays import BATCH as STRAY_BATCH
from gateway.services.strays import watch_strays


def system_context(ports: Ports, name: str) -> Context:
    """Return the context of one tick of the worker *name*."""
    tick_id = new_id(IdKind.OPERATION, ports.clock.now(), ports.random.bytes)
    return Context(ports=ports, caller=Caller.system(name), request_id=f"{name}-{tick_id[3:]}")


class RecoveryWorker:
    """Operations that nobody drives any more."""

    name = "recovery"
    every_seconds = 5.0
    batch = BATCH

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def tick(self) -> int:
        """Take up one batch."""
        return await recover_operations(system_context(self._ports, self.name))


class Reconciler:
    """Operations whose outcome is not known: looked for on their panels, and settled."""

    name = "reconciler"
    every_seconds = 1.0
    batch = SETTLE_BATCH

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def tick(self) -> int:
        """Settle one batch."""
        return await settle_operations(system_context(self._ports, self.name))


class StrayWorker:
    """Creations that failed, and might have come to be after all."""

    name = "strays"
    every_seconds = 30.0
    batch = STRAY_BATCH

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def tick(self) -> int:
        """Look for one batch."""
        return await watch_strays(system_context(self._ports, self.name))


class SweepWorker:
    """Answers kept for longer than promised."""

    name = "sweep"
    every_seconds = 600.0
    batch = SWEEP_BATCH

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def tick(self) -> int:
        """Forget one batch."""
        return await sweep_answers(system_context(self._ports, self.name))
