"""Proofs of a key (DPoP, RFC 9449): that who sends a token has the key which it is bound to.

A proof is a signed text, made for one request: it names the method, the address and the token. It
is good for a minute around its `iat`, and once.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import SplitResult, unquote, urlsplit

from gateway.identity.claims import second_in, text_in
from gateway.identity.faults import TokenFault
from gateway.identity.jws import check_signature, parse
from gateway.identity.public_keys import has_private_part, public_key_of
from gateway.identity.strict_json import object_of

if TYPE_CHECKING:
    from gateway.domain.proofs import Proof
    from gateway.identity.replays import Replays
    from gateway.services.ports.system import Clock

TYPE: Final = "dpop+jwt"
#: What is told to clients as `dpop_signing_alg_values_supported`.
ALGORITHMS: Final = ("ES256", "Ed25519", "EdDSA")
#: How far from now the `iat` may lie, on either side; seconds.
WINDOW_SECONDS: Final = 60

_PORTS: Final = {"http": 80, "https": 443}


class Proofs:
    """Checks proofs that were made for requests to *public_url*."""

    def __init__(self, public_url: str, clock: Clock, replays: Replays) -> None:
        self._origin = urlsplit(public_url)
        self._clock = clock
        self._replays = replays

    async def key_of(self, proof: Proof, token: str | None = None) -> str:
        """Return the thumbprint (RFC 7638) of the key that made *proof*, for this request.

        Args:
            token: the access token that comes with it; None where there is none yet, at the
                token endpoint.

        Raises:
            TokenFault: the proof is not good.
            ServiceUnavailable: whether it was used before cannot be found out.
        """
        jws = parse(proof.text, but={"jwk"})
        if jws.header.get("typ") != TYPE:
            raise TokenFault("proof_typ")
        jwk = jws.header.get("jwk")
        if not isinstance(jwk, dict) or has_private_part(jwk):
            raise TokenFault("proof_key")
        key = public_key_of(jwk)
        check_signature(jws, key, ALGORITHMS)
        claims = object_of(jws.payload)
        self._check_request(claims, proof)
        if token is not None:
            _check_token(claims, token)
        thumbprint = key.thumbprint()
        name = text_in(claims, "jti")
        if not proof.seen:
            await self._check_once(claims, name, thumbprint)
        return thumbprint

    def _check_request(self, claims: dict[str, Any], proof: Proof) -> None:
        if claims.get("htm") != proof.method:
            raise TokenFault("proof_htm")
        # Any length: the whole proof is bounded.
        target = claims.get("htu")
        if not isinstance(target, str) or not self._is_meant(target, proof.path):
            raise TokenFault("proof_htu")

    def _is_meant(self, target: str, path: str) -> bool:
        """Tell whether *target* is our address and *path*; its query and fragment do not count."""
        try:
            given = urlsplit(target)
            return (
                given.username is None
                and _place(given) == _place(self._origin)
                and unquote(given.path, errors="strict") == self._origin.path + path
            )
        except ValueError:  # Such as a port that is no number.
            return False

    async def _check_once(self, claims: dict[str, Any], name: str, thumbprint: str) -> None:
        made = second_in(claims, "iat")
        now = self._clock.now().timestamp()
        if abs(now - made) > WINDOW_SECONDS:
            raise TokenFault("proof_iat")
        seen = hashlib.sha256(f"{thumbprint} {name}".encode()).digest()
        if not await self._replays.is_first(seen, 2 * WINDOW_SECONDS + 1):
            raise TokenFault("proof_used")


def _place(url: SplitResult) -> tuple[str, str | None, int | None]:
    return url.scheme, url.hostname, url.port or _PORTS.get(url.scheme)


def _check_token(claims: dict[str, Any], token: str) -> None:
    digest = hashlib.sha256(token.encode("ascii")).digest()
    wanted = base64.urlsafe_b64encode(digest).rstrip(b"=")
    given = claims.get("ath")
    if not isinstance(given, str) or not hmac.compare_digest(given.encode(), wanted):
        raise TokenFault("proof_ath")
