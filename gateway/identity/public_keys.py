"""Public keys: from a JWK to one that can verify, and who has them.

Four kinds of signatures are known here. What a JWK says besides its public numbers counts only
where it forbids something: `use`, `key_ops` and `alg`.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any, Final, Protocol, TypeAlias

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from gateway.identity.faults import TokenFault

PublicKey: TypeAlias = ECKey | OKPKey | RSAKey

RSA_BITS_MIN: Final = 2_048
#: Verifying with a longer key takes longer than a request should.
RSA_BITS_MAX: Final = 8_192
RSA_EXPONENT_MAX: Final = 2**32

_CURVE_BYTES: Final = 32
#: Base64url of 32 bytes: 43 characters, the last of which holds four bits only.
_COORDINATE: Final = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]", re.ASCII)
_NUMBER: Final = re.compile(r"[A-Za-z0-9_-]{1,2048}", re.ASCII)
_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
#: Keys of a faulty generator (ROCA, CVE-2017-15361) can be factored; modulo each small prime they
#: are a power of 65537. One in 2**27 of the others looks so by chance.
_ROCA: Final = tuple(
    (prime, frozenset(pow(65_537, power, prime) for power in range(prime)))
    for prime in (11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157)
)


class KeySource(Protocol):
    """The public keys of one issuer."""

    async def key(self, kid: str) -> PublicKey | None:
        """Return the key that an issuer calls *kid*; None: it has none of this name.

        Raises:
            ServiceUnavailable: it cannot be found out now.
        """


class FixedKeys:
    """Keys that never change."""

    def __init__(self, keys: Mapping[str, PublicKey]) -> None:
        self._keys = dict(keys)

    async def key(self, kid: str) -> PublicKey | None:
        """Return the key called *kid*."""
        return self._keys.get(kid)


def has_private_part(jwk: Mapping[str, Any]) -> bool:
    """Tell whether *jwk* holds, or claims to hold, what only its owner may know."""
    return not _PRIVATE.isdisjoint(jwk)


def public_key_of(jwk: object) -> PublicKey:
    """Return the key that *jwk* describes, without any private part of it.

    P-256, Ed25519, and RSA of 2,048 to 8,192 bits.

    Raises:
        TokenFault: it is none of these, not well-formed, or not for verifying.
    """
    if not isinstance(jwk, Mapping) or not _may_verify(jwk):
        raise TokenFault("key")
    try:
        return _imported(jwk)
    except (JoseError, ValueError):  # Such as a point that is not on the curve.
        raise TokenFault("key") from None


def _may_verify(jwk: Mapping[str, Any]) -> bool:
    operations = jwk.get("key_ops", ["verify"])
    return (
        jwk.get("use", "sig") == "sig" and isinstance(operations, list) and "verify" in operations
    )


def _imported(jwk: Mapping[str, Any]) -> PublicKey:
    alg = jwk.get("alg")
    allowed = {"alg": alg} if isinstance(alg, str) else {}
    match jwk.get("kty"), jwk.get("crv"):
        case "EC", "P-256":
            numbers = _texts(jwk, _COORDINATE, "x", "y")
            return ECKey.import_key({"kty": "EC", "crv": "P-256"} | numbers | allowed)
        case "OKP", "Ed25519":
            numbers = _texts(jwk, _COORDINATE, "x")
            return OKPKey.import_key({"kty": "OKP", "crv": "Ed25519"} | numbers | allowed)
        case "RSA", None:
            numbers = _texts(jwk, _NUMBER, "n", "e")
            _check_rsa(_integer(numbers["n"]), _integer(numbers["e"]))
            return RSAKey.import_key({"kty": "RSA"} | numbers | allowed)
    raise TokenFault("key")


def _texts(jwk: Mapping[str, Any], shape: re.Pattern[str], *names: str) -> dict[str, Any]:
    found = {name: jwk.get(name) for name in names}
    if not all(isinstance(text, str) and shape.fullmatch(text) for text in found.values()):
        raise TokenFault("key")
    return found


def _check_rsa(modulus: int, exponent: int) -> None:
    is_long_enough = RSA_BITS_MIN <= modulus.bit_length() <= RSA_BITS_MAX
    if not is_long_enough or not 1 < exponent <= RSA_EXPONENT_MAX:
        raise TokenFault("key")
    if all(modulus % prime in powers for prime, powers in _ROCA):
        raise TokenFault("key")


def _integer(text: str) -> int:
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")
