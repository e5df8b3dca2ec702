"""The workers of the authorization server."""

from __future__ import annotations

from gateway.services.context import Ports
from gateway.services.signing_keys import rotate_signing_keys
from gateway.services.tokens import SWEEP_BATCH, sweep_tokens
from gateway.workers.recovery import system_context


class SigningKeyWorker:
    """Makes the next key that signs tokens, long before it is used."""

    name = "signing-keys"
    every_seconds = 300.0
    batch = 2

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def tick(self) -> int:
        """Make the key that is due, if any."""
        return await rotate_signing_keys(system_context(self._ports, self.name))


class TokenSweepWorker:
    """Revoked tokens and used assertions whose time is over."""

    name = "token-sweep"
    every_seconds = 600.0
    batch = SWEEP_BATCH

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def tick(self) -> int:
        """Forget one batch."""
        return await sweep_tokens(system_context(self._ports, self.name))
