"""Access tokens (RFC 9068): from the text to what it says, or to the one refusal.

The issuer that a token names decides which keys, algorithms and types it may have; nothing else in
a token does. A token is verified once and then remembered for a few minutes; whom it speaks for,
and whether it was revoked, is looked up elsewhere, each time.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

import structlog

from gateway.domain.tokens import Token
from gateway.identity.claims import check_audience, check_times
from gateway.identity.faults import TokenFault
from gateway.identity.issuers import Good, Issuer
from gateway.identity.jws import LENGTH_MAX, Jws, check_signature, parse
from gateway.identity.refusals import refusal
from gateway.identity.strict_json import object_of

if TYPE_CHECKING:
    from gateway.services.ports.system import Clock

REMEMBERED_MAX: Final = 10_000
#: After so long a token is verified anew: its issuer may have withdrawn the key. Seconds.
REMEMBERED_SECONDS: Final = 300.0

_TYPE_PREFIX: Final = "application/"

log = structlog.get_logger(__name__)


def has_token_shape(text: str) -> bool:
    """Tell whether *text* could be a token; says nothing about its worth."""
    return text.count(".") == 2 and len(text) <= LENGTH_MAX


class AccessTokens:
    """Verifies the tokens of some *issuers*."""

    def __init__(self, issuers: Iterable[Issuer], clock: Clock) -> None:
        self._issuers = {issuer.url: issuer for issuer in issuers}
        self._clock = clock
        self._remembered: OrderedDict[bytes, tuple[Token, float]] = OrderedDict()

    async def verified(self, text: str) -> Token:
        """Return what a token says; it is signed, meant for us, and in force.

        Raises:
            Unauthenticated: it is not.
            ServiceUnavailable: its issuer's keys cannot be had now.
        """
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
        token = self._recalled(digest)
        if token is not None:
            return token
        try:
            token = await self._verified(text, digest)
        except TokenFault as fault:
            log.info("token.refused", why=fault.why)
            raise refusal() from None
        self._remember(digest, token)
        return token

    async def _verified(self, text: str, digest: bytes) -> Token:
        jws = parse(text)
        claims = object_of(jws.payload)
        issuer = self._issuer_of(claims.get("iss"))
        if _type_of(jws) not in issuer.token_types:
            raise TokenFault("typ")
        if jws.alg not in issuer.algorithms:  # Before anybody is asked for a key.
            raise TokenFault("alg")
        key = await issuer.keys.key(jws.kid)
        if key is None:
            raise TokenFault("kid")
        check_signature(jws, key, issuer.algorithms)
        check_audience(claims, issuer.audience)
        issued, ends = check_times(
            claims,
            self._clock.now().timestamp(),
            lifetime_seconds_max=issuer.lifetime_seconds_max,
        )
        return issuer.read(
            Good(
                claims=claims, issuer=issuer.url, issued=issued, ends=ends, digest=digest.hex()[:32]
            )
        )

    def _issuer_of(self, name: object) -> Issuer:
        issuer = self._issuers.get(name) if isinstance(name, str) else None
        if issuer is None:
            raise TokenFault("iss")
        return issuer

    def _recalled(self, digest: bytes) -> Token | None:
        found = self._remembered.get(digest)
        if found is None:
            return None
        token, until = found
        if self._clock.monotonic() >= until or token.expires_at <= self._clock.now():
            del self._remembered[digest]
            return None
        self._remembered.move_to_end(digest)
        return token

    def _remember(self, digest: bytes, token: Token) -> None:
        self._remembered[digest] = token, self._clock.monotonic() + REMEMBERED_SECONDS
        if len(self._remembered) > REMEMBERED_MAX:
            self._remembered.popitem(last=False)


def _type_of(jws: Jws) -> str:
    found = jws.header.get("typ")
    return found.lower().removeprefix(_TYPE_PREFIX) if isinstance(found, str) else ""
