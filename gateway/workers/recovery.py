"""The worker that takes up what a crash left behind."""

from __future__ import annotations

from gateway.domain.caller import Caller
from gateway.domain.ids import IdKind, new_id
from gateway.services.context import Context, Ports
from gateway.services.recovery import BATCH, SWEEP_BATCH, recover_operations, sweep_answers


def system_context(ports: Ports, name: str) -> Context:
    """Return the context of one tick of the worker *name*."""
    tick_id = new_id(IdKind.OPERATION, ports.clock.now(), ports.random.bytes)
    return Context(ports=ports, caller=Caller.system(name), request_id=f"{name}-{tick_id[3:]}")


class RecoveryWorker:
    """Operations that nobody drives any more."""

    name = "recovery"
    every_seconds = 5.0
    batch = 2 * BATCH  # Full only where both lists are.

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def tick(self) -> int:
        """Take up one batch."""
        return await recover_operations(system_context(self._ports, self.name))


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
