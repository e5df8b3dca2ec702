"""What a foreign issuer's claims mean here: which reseller, and which permissions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

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
from gateway.identity.issuers import Good

#: What a value of the reseller claim is mapped to where it stands for the operator.
OPERATOR: Final = "operator"

#: In the claims, Keycloak says which sort of token it is; only these are for APIs.
_SORTS: Final = frozenset({"bearer", "dpop"})
#: What ID tokens and logout tokens have, and access tokens do not.
_NOT_FOR_APIS: Final = frozenset({"at_hash", "c_hash", "s_hash", "nonce", "events"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimMapping:
    """How the claims of one issuer are read.

    `reseller_claim` and `permissions_claim` are names of claims, or paths of names with dots; a
    claim that has the whole text as its name comes first. `resellers`: what each value of the
    reseller claim stands for, a reseller's id or `operator`; empty: the value is a reseller's id.
    `permissions`: the same for each word of the permissions claim; empty: the words are permissions
    themselves. Nobody is an operator whose value is not mapped to it.
    """

    reseller_claim: str
    permissions_claim: str = "scope"
    resellers: Mapping[str, str] = field(default_factory=dict)
    permissions: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def read(self, good: Good) -> Token:
        """Return what a token says.

        Raises:
            TokenFault: it is not for APIs, or does not say whom it speaks for.
        """
        claims = good.claims
        _check_sort(claims)
        client_id = optional_text_in(claims, "client_id") or optional_text_in(claims, "azp")
        return Token(
            id=optional_text_in(claims, "jti") or f"sha256:{good.digest}",
            issuer=good.issuer,
            subject=text_in(claims, "sub"),
            client_id=client_id or "",
            scope=self._scope_in(claims),
            issued_at=from_unix(good.issued),
            expires_at=from_unix(good.ends),
            reseller_id=self._reseller_in(claims),
            chain=chain_in(claims),
            proof_key=proof_key_in(claims),
        )

    def _reseller_in(self, claims: Claims) -> ResellerId | None:
        value = value_at(claims, self.reseller_claim)
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        if not isinstance(value, str):
            raise TokenFault("reseller_claim")
        meant = self.resellers.get(value) if self.resellers else value
        if meant == OPERATOR and self.resellers:
            return None
        if meant is None or not is_id(IdKind.RESELLER, meant):
            raise TokenFault("reseller_claim")
        return ResellerId(meant)

    def _scope_in(self, claims: Claims) -> frozenset[str]:
        value = value_at(claims, self.permissions_claim)
        if isinstance(value, list):
            if not all(isinstance(word, str) for word in value):
                raise TokenFault("permissions_claim")
            words = frozenset(value)
        else:
            words = words_of(value)
        if not self.permissions:
            return words
        return frozenset().union(*(self.permissions.get(word, frozenset()) for word in words))


def value_at(claims: Claims, path: str) -> object:
    """Return the claim called *path*, or what the names between its dots lead to; None: nothing."""
    if path in claims:
        return claims[path]
    found: Any = claims
    for name in path.split("."):
        if not isinstance(found, dict):
            return None
        found = found.get(name)
    return found


def _check_sort(claims: Claims) -> None:
    sort = claims.get("typ")
    if sort is not None and not (isinstance(sort, str) and sort.lower() in _SORTS):
        raise TokenFault("sort")
    if not _NOT_FOR_APIS.isdisjoint(claims):
        raise TokenFault("sort")
