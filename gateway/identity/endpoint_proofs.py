"""Proofs of a key (RFC 9449) at the token endpoint, where a bad one has OAuth's own error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from gateway.domain.oauth import InvalidProof
from gateway.identity.faults import TokenFault

if TYPE_CHECKING:
    from gateway.domain.proofs import Proof
    from gateway.identity.dpop import Proofs

log = structlog.get_logger(__name__)


class EndpointProofs:
    """The port KeyProofs."""

    def __init__(self, proofs: Proofs) -> None:
        self._proofs = proofs

    async def key_of(self, proof: Proof, token: str | None = None) -> str:
        """Return the thumbprint of the key that made *proof*. See the port."""
        try:
            return await self._proofs.key_of(proof, token)
        except TokenFault as fault:
            log.info("proof.refused", why=fault.why)
            raise InvalidProof("The proof is not good for this request.") from None
