"""Time, randomness and identity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.domain.caller import Caller
    from gateway.domain.proofs import Proof


class Clock(Protocol):
    """Time; see `domain.clock.SystemClock`."""

    def now(self) -> datetime:
        """Return the present moment, aware, UTC."""

    def monotonic(self) -> float:
        """Return seconds that never jump."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


class Random(Protocol):
    """Randomness; see `domain.secrets.SystemRandom`."""

    def bytes(self, count: int) -> bytes:
        """Return *count* random bytes."""

    def text(self, length: int) -> str:
        """Return *length* characters of `[A-Za-z0-9]`."""

    def uniform(self) -> float:
        """Return a number from 0.0 up to 1.0."""


class Identity(Protocol):
    """Who a key or a token speaks for."""

    async def identify(self, bearer: str, ip: str | None, proof: Proof | None = None) -> Caller:
        """Return the caller of a secret text.

        Args:
            proof: of the key that a token is bound to; given where the text came by the scheme
                DPoP, and only there.

        Raises:
            Unauthenticated: unknown, revoked, expired, or not from this address; a bound token
                without a good proof, or anything else with one.
            RateLimited: too many wrong keys came from this address.
            ServiceUnavailable: it cannot be looked up now.
        """
