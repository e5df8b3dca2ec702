"""`Authorization` -> the caller: a key or a token as `Bearer`, a token bound to a key as `DPoP`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from gateway.api.exchange import Exchange
from gateway.api.limits import charge
from gateway.api.origins import check_page
from gateway.domain.caller import Caller
from gateway.domain.errors import Challenge, Unauthenticated
from gateway.domain.proofs import Proof
from gateway.services.context import Ports

#: RFC 6750 section 2.1 and RFC 9449 section 7.1, with a limit.
_VALUE: Final = re.compile(rb"(bearer|dpop) +([A-Za-z0-9._~+/-]{1,8192}=*)", re.IGNORECASE)
_PROOF_BYTES_MAX: Final = 8_192


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """What a caller brings: a secret text, and by the scheme DPoP the proof of a key."""

    text: str = field(repr=False)
    proof: Proof | None = None

    def once_more(self) -> Credential:
        """Return it for looking the caller up again, during the same request or connection."""
        if self.proof is None:
            return self
        return replace(self, proof=replace(self.proof, seen=True))


async def authenticate(exchange: Exchange, ports: Ports, *, target: str | None = None) -> Caller:
    """Return who is asking, and charge it for the request.

    Args:
        target: the line or device that the request wants to change, if it names one.

    Raises:
        Unauthenticated: no key or token, more than one, or one that identity refuses.
        PermissionDenied: the page that asks may not use it.
        RateLimited: too many requests, or too many wrong keys.
        ServiceUnavailable: it cannot be looked up now.
    """
    caller = await identify(exchange, ports, credential_of(exchange))
    await charge(exchange, ports, caller, target=target)
    return caller


async def identify(exchange: Exchange, ports: Ports, by: Credential) -> Caller:
    """Return whom a credential speaks for now: the one place where the edge looks that up.

    Raises:
        Unauthenticated: it is not, or no longer, valid.
        PermissionDenied: the page that asks may not use it.
        RateLimited: too many wrong keys came from this address.
        ServiceUnavailable: it cannot be looked up now.
    """
    exchange.caller = await ports.identity.identify(by.text, exchange.ip, by.proof)
    check_page(exchange, exchange.caller)
    return exchange.caller


def credential_of(exchange: Exchange) -> Credential:
    """Return what the headers hold.

    Raises:
        Unauthenticated: there is none, or more than one, or it is not well-formed.
    """
    given = exchange.headers.get(b"authorization", ())
    if not given:
        raise Unauthenticated("Send a key or token as Authorization: Bearer <key>.")
    value = given[0] if len(given) == 1 else b""
    return credential_in(value, exchange.headers.get(b"dpop", ()), exchange)


def credential_in(value: bytes, proofs: Sequence[bytes], exchange: Exchange) -> Credential:
    """Return what the *value* of one Authorization header, and those of DPoP headers, say.

    Raises:
        Unauthenticated: it is not `Bearer <key>`, or `DPoP <token>` with one proof.
    """
    match = _VALUE.fullmatch(value.strip())
    if match is None:
        raise Unauthenticated("The Authorization header is not one Bearer key or token.")
    text = match[2].decode("ascii")
    if match[1].lower() == b"bearer":
        return Credential(text=text)
    if len(proofs) != 1 or len(proofs[0]) > _PROOF_BYTES_MAX or not proofs[0].isascii():
        raise Unauthenticated(
            "Send one proof of the token's key in the header DPoP.",
            challenge=Challenge.ANOTHER_PROOF,
        )
    proof = Proof(text=proofs[0].decode("ascii"), method=exchange.method, path=exchange.path)
    return Credential(text=text, proof=proof)
