"""Whose tokens we take, and what each one's tokens must look like."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from gateway.domain.clock import from_unix
from gateway.domain.ids import IdKind, ResellerId, is_id
from gateway.domain.tokens import Token
from gateway.identity.claims import (
    Claims,
    chain_in,
    optional_text_in,
    proof_key_in,
    text_in,
    words_of,
)
from gateway.identity.faults import TokenFault
from gateway.identity.public_keys import KeySource

#: The longest life of our own tokens; seconds.
OWN_LIFETIME_SECONDS_MAX: Final = 900
OWN_ALGORITHMS: Final = frozenset({"ES256", "EdDSA", "Ed25519"})
OWN_TOKEN_TYPES: Final = frozenset({"at+jwt"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Good:
    """The claims of a token whose signature, audience and times are good; ends of its life."""

    claims: Claims = field(repr=False)
    issuer: str
    issued: int
    ends: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """One whose tokens we take.

    `url` is the exact `iss`. `audience` must be among the `aud`. `token_types` are those that the
    header's `typ` may name, in lower case, without `application/`. `read` makes a Token of good
    claims, or raises TokenFault.
    """

    url: str
    audience: str
    keys: KeySource
    read: Callable[[Good], Token]
    algorithms: frozenset[str] = OWN_ALGORITHMS
    token_types: frozenset[str] = OWN_TOKEN_TYPES
    lifetime_seconds_max: int = OWN_LIFETIME_SECONDS_MAX


def own_issuer(url: str, keys: KeySource) -> Issuer:
    """Return ourselves, as the issuer of tokens for ourselves."""
    return Issuer(url=url, audience=url, keys=keys, read=read_own)


def read_own(good: Good) -> Token:
    """Return what a token of our own says.

    Raises:
        TokenFault: it says what we never do.
    """
    claims = good.claims
    client_id, subject = text_in(claims, "client_id"), text_in(claims, "sub")
    resource_id = optional_text_in(claims, "resource_id")
    reseller_id = optional_text_in(claims, "reseller_id")
    token_id = text_in(claims, "jti")
    if not is_id(IdKind.TOKEN, token_id):
        raise TokenFault("jti")
    if not is_id(IdKind.CLIENT, client_id):
        raise TokenFault("client_id")
    if reseller_id is not None and not is_id(IdKind.RESELLER, reseller_id):
        raise TokenFault("reseller_id")
    if resource_id is not None and not (
        is_id(IdKind.LINE, resource_id) or is_id(IdKind.DEVICE, resource_id)
    ):
        raise TokenFault("resource_id")
    if subject != (client_id if resource_id is None else resource_id):
        raise TokenFault("sub")
    return Token(
        id=token_id,
        issuer=good.issuer,
        subject=subject,
        client_id=client_id,
        scope=words_of(claims.get("scope")),
        issued_at=from_unix(good.issued),
        expires_at=from_unix(good.ends),
        reseller_id=None if reseller_id is None else ResellerId(reseller_id),
        resource_id=resource_id,
        chain=chain_in(claims),
        proof_key=proof_key_in(claims),
    )
