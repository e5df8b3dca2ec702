"""Signed texts (RFC 7515, the compact form): strict about what may be read in two ways.

joserfc does the cryptography. What it is given has passed here: three parts of base64url, spelled
the one way that there is; a header that is a JSON object and names nothing which would let the
sender choose the key; an algorithm that the receiver has named.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Final

from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry

from gateway.identity.faults import TokenFault
from gateway.identity.public_keys import PublicKey
from gateway.identity.strict_json import object_of

#: Of a whole signed text, in characters.
LENGTH_MAX: Final = 8_192
KID_LENGTH_MAX: Final = 256

#: Our names of the algorithms, and joserfc's. `EdDSA` is the older name of `Ed25519`; with it,
#: too, only that curve is taken.
_ALGORITHMS: Final = {
    "ES256": JWSRegistry.algorithms["ES256"],
    "Ed25519": JWSRegistry.algorithms["Ed25519"],
    "EdDSA": JWSRegistry.algorithms["Ed25519"],
    "RS256": JWSRegistry.algorithms["RS256"],
    "PS256": JWSRegistry.algorithms["PS256"],
}
ALGORITHMS: Final = frozenset(_ALGORITHMS)

#: Keys, places of keys, and extensions that change what the rest means.
_FORBIDDEN: Final = frozenset({"jku", "jwk", "x5u", "x5c", "crit", "b64", "enc", "zip", "cty"})
_PARTS: Final = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Jws:
    """A signed text taken apart; nothing in it is known to be true yet."""

    header: dict[str, Any]
    payload: bytes = field(repr=False)
    signed: bytes = field(repr=False)
    signature: bytes = field(repr=False)

    @property
    def alg(self) -> str:
        """Return what the header says of the algorithm."""
        return str(self.header["alg"])

    @property
    def kid(self) -> str:
        """Return what the header calls the key.

        Raises:
            TokenFault: nothing that could be the name of a key.
        """
        kid = self.header.get("kid")
        if not isinstance(kid, str) or not 0 < len(kid) <= KID_LENGTH_MAX or not kid.isprintable():
            raise TokenFault("kid")
        return kid


def parse(text: str, *, but: Collection[str] = ()) -> Jws:
    """Take a signed text apart.

    Args:
        but: members of the header that are else forbidden, and that the caller judges itself.

    Raises:
        TokenFault: too long, or not well-formed.
    """
    if len(text) > LENGTH_MAX:
        raise TokenFault("too_long")
    match = _PARTS.fullmatch(text)
    if match is None:
        raise TokenFault("shape")
    header = object_of(_decoded(match[1]))
    if not isinstance(header.get("alg"), str):
        raise TokenFault("alg")
    if not _FORBIDDEN.isdisjoint(header.keys() - but):
        raise TokenFault("header")
    return Jws(
        header=header,
        payload=_decoded(match[2]),
        signed=f"{match[1]}.{match[2]}".encode("ascii"),
        signature=_decoded(match[3]),
    )


def check_signature(jws: Jws, key: PublicKey, algorithms: Collection[str]) -> None:
    """Check that *key* made the signature, by one of *algorithms* and one that suits the key.

    Raises:
        TokenFault: it did not.
    """
    algorithm = _ALGORITHMS.get(jws.alg)
    if algorithm is None or jws.alg not in algorithms:
        raise TokenFault("alg")
    meant_for = key.get("alg")
    if meant_for is not None and _ALGORITHMS.get(str(meant_for)) is not algorithm:
        raise TokenFault("alg_of_key")
    try:
        algorithm.check_key(key)
        is_good = algorithm.verify(jws.signed, jws.signature, key)
    except (JoseError, ValueError):
        raise TokenFault("key_of_another_kind") from None
    if not is_good:
        raise TokenFault("signature")


def _decoded(part: str) -> bytes:
    """Return the bytes of *part*; of the spellings that give the same bytes, only the shortest."""
    try:
        found = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except (ValueError, binascii.Error):
        raise TokenFault("base64") from None
    if base64.urlsafe_b64encode(found).rstrip(b"=") != part.encode("ascii"):
        raise TokenFault("base64")
    return found
