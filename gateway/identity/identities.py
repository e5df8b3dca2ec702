"""The `Identity` port: API keys and access tokens, told apart by their shape."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from gateway.domain.errors import Challenge, Unauthenticated
from gateway.identity.faults import TokenFault
from gateway.identity.refusals import proof_refusal, refusal
from gateway.identity.tokens import AccessTokens, has_token_shape

if TYPE_CHECKING:
    from gateway.domain.caller import Caller
    from gateway.domain.proofs import Proof
    from gateway.domain.tokens import Token
    from gateway.identity.dpop import Proofs
    from gateway.identity.standing import TokenCallers
    from gateway.services.ports.system import Identity

log: Final = structlog.get_logger(__name__)


class DenyList(Protocol):
    """The tokens that were revoked before their end."""

    async def is_denied(self, token_id: str) -> bool:
        """Tell whether the token with this `jti` was revoked, at least 5 seconds ago.

        Raises:
            ServiceUnavailable: it cannot be found out.
        """


class NothingDenied:
    """A deny-list without entries."""

    async def is_denied(self, token_id: str) -> bool:  # noqa: ARG002 - the port's shape
        """Tell that it is not."""
        return False


class Identities:
    """Knows callers by their API keys or by their access tokens.

    A token that is bound to a key is taken with a proof only, and a proof with such a token only.
    """

    def __init__(
        self,
        *,
        keys: Identity,
        tokens: AccessTokens,
        callers: TokenCallers,
        denied: DenyList,
        proofs: Proofs,
    ) -> None:
        self._keys = keys
        self._tokens = tokens
        self._callers = callers
        self._denied = denied
        self._proofs = proofs

    async def identify(self, bearer: str, ip: str | None, proof: Proof | None = None) -> Caller:
        """Return the caller of a key or token. See the port."""
        if not has_token_shape(bearer):
            return await self._keys.identify(bearer, ip, proof)
        try:
            return await self._of_token(bearer, proof)
        except TokenFault as fault:
            log.info("token.refused", why=fault.why)
            raise _refusal(proof) from None
        except Unauthenticated as error:
            if error.challenge is Challenge.ANOTHER_PROOF:
                raise
            raise _refusal(proof) from None

    async def _of_token(self, text: str, proof: Proof | None) -> Caller:
        token = await self._tokens.verified(text)
        if (token.proof_key is None) != (proof is None):
            raise TokenFault("scheme")
        if token.proof_key is not None and proof is not None:
            await self._check_proof(token.proof_key, proof, text)
        return await self._known(token)

    async def _check_proof(self, wanted: str, proof: Proof, text: str) -> None:
        try:
            made_by = await self._proofs.key_of(proof, text)
        except TokenFault as fault:
            log.info("proof.refused", why=fault.why)
            raise proof_refusal() from None
        if not hmac.compare_digest(made_by, wanted):
            raise TokenFault("proof_by_another_key")

    async def _known(self, token: Token) -> Caller:
        if await self._denied.is_denied(token.id):
            raise TokenFault("revoked")
        return await self._callers.caller_of(token)


def _refusal(proof: Proof | None) -> Unauthenticated:
    return refusal(Challenge.ANOTHER_CREDENTIAL if proof is None else Challenge.ANOTHER_BOUND_TOKEN)
