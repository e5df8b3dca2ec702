"""What the authorization server needs besides its tables: keys, clients, tokens, proofs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.domain.oauth import ClientProof, KnownClient
    from gateway.domain.proofs import Proof
    from gateway.domain.tokens import Token


class TokenSigner(Protocol):
    """Signs access tokens with the key whose time it is."""

    async def sign(self, claims: Mapping[str, Any]) -> str | None:
        """Return a signed token; None: there is no key yet.

        Raises:
            ServiceUnavailable: the keys cannot be read.
        """

    async def public_keys(self) -> list[dict[str, Any]]:
        """Return the JWKs of the keys that are shown now, the newest first.

        Raises:
            ServiceUnavailable: the keys cannot be read.
        """

    def forget(self) -> None:
        """Read the keys again before they are used next."""


class ClientIdentity(Protocol):
    """Who a client is."""

    async def identify(self, proof: ClientProof) -> KnownClient:
        """Return the client that has proved who it is.

        Raises:
            InvalidClient: it has not, for whatever reason.
            ServiceUnavailable: the client cannot be looked up.
        """


class Tokens(Protocol):
    """Reads access tokens."""

    async def verified(self, text: str) -> Token:
        """Return what a token says; it is signed, meant for us, and in force.

        Whether it was revoked, and whom it speaks for, is looked up elsewhere.

        Raises:
            Unauthenticated: it is not.
            ServiceUnavailable: its issuer's keys cannot be had now.
        """


class Denials(Protocol):
    """Tokens that were revoked before their end."""

    async def is_denied(self, token_id: str) -> bool:
        """Tell whether a token was revoked, by whichever process, a few seconds ago or longer.

        Raises:
            ServiceUnavailable: it cannot be found out.
        """

    def deny(self, token_id: str) -> None:
        """Let this process know at once of a token that was revoked just now."""


class KeyProofs(Protocol):
    """Checks proofs of a key (RFC 9449)."""

    async def key_of(self, proof: Proof, token: str | None = None) -> str:
        """Return the thumbprint of the key that made *proof*.

        Raises:
            InvalidProof: it is not good.
            ServiceUnavailable: whether it was used before cannot be found out.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuth:
    """The authorization server's ports. `issuer`: our public URL, without a trailing slash."""

    issuer: str
    signer: TokenSigner
    clients: ClientIdentity
    tokens: Tokens
    denied: Denials
    proofs: KeyProofs
    storefront_life: timedelta = timedelta(minutes=5)
