"""Holds of credits: none yet, since nothing costs credits before there is a ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.domain.ids import OperationId
    from gateway.domain.operations import Operation


class NoHolds:
    """The port Holds where nothing costs anything."""

    __slots__ = ()

    async def hold(self, operation: Operation) -> None:
        """Set nothing aside."""

    async def capture(self, operation_id: OperationId) -> None:
        """Charge nothing."""

    async def release(self, operation_id: OperationId) -> None:
        """Give nothing back."""
