"""The refusals of identity. They carry one text: only the log tells them apart."""

from __future__ import annotations

from typing import Final

from gateway.domain.errors import Challenge, Unauthenticated

REFUSAL: Final = "The key or token is missing or not valid here."
PROOF_REFUSAL: Final = "The DPoP proof is missing or not valid for this request."


def refusal(challenge: Challenge = Challenge.ANOTHER_CREDENTIAL) -> Unauthenticated:
    """Return the refusal of a key or token, whatever is wrong with it."""
    return Unauthenticated(REFUSAL, challenge=challenge)


def proof_refusal() -> Unauthenticated:
    """Return the refusal of a proof of a key; the token itself is good."""
    return Unauthenticated(PROOF_REFUSAL, challenge=Challenge.ANOTHER_PROOF)
