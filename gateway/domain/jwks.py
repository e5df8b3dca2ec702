"""What a client may give as its JWK Set (RFC 7517): public keys for signatures, and nothing else.

Only the kinds that `private_key_jwt` is checked with: EC on P-256, OKP on Ed25519, RSA. All is
looked at here, once, so that whoever verifies a signature can take the keys as they are.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from typing import Any, Final

from gateway.domain.errors import Fault

KEYS_MAX: Final = 10
BYTES_MAX: Final = 16_384
RSA_BITS_MIN: Final = 2_048
#: A longer one makes each check of a signature slow.
RSA_BITS_MAX: Final = 8_192
RSA_EXPONENT_BITS_MAX: Final = 32

#: 32 bytes, and a number of RSA's, in base64url without padding.
COORDINATE: Final = r"^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$"
MODULUS: Final = r"^[A-Za-z0-9_-]{342,1366}$"
EXPONENT: Final = r"^[A-Za-z0-9_-]{2,6}$"
KID: Final = r"^[ -~]{1,255}$"
#: Kind -> its members, each with its form.
MEMBERS: Final = {
    "EC": {"x": COORDINATE, "y": COORDINATE},
    "OKP": {"x": COORDINATE},
    "RSA": {"n": MODULUS, "e": EXPONENT},
}
CURVES: Final = {"EC": "P-256", "OKP": "Ed25519"}
ALGORITHMS: Final = {
    "EC": ("ES256",),
    "OKP": ("EdDSA", "Ed25519"),
    "RSA": ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
}
_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"})

#: NIST P-256: y² = x³ - 3x + b, modulo p (SP 800-186, 3.2.1.3).
_P: Final = 2**256 - 2**224 + 2**192 + 2**96 - 1
_B: Final = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B


def jwks_faults(jwks: dict[str, Any], pointer: str = "/jwks") -> Iterator[Fault]:
    """Yield all that is wrong with a JWK Set; *pointer* is where it stands."""
    for name in jwks.keys() - {"keys"}:
        yield Fault(f"{pointer}/{_escaped(name)}", "unknown_field", "There is no such field here.")
    keys = jwks.get("keys")
    at = f"{pointer}/keys"
    if "keys" not in jwks:
        yield Fault(at, "missing", "This is required.")
    elif not isinstance(keys, list):
        yield Fault(at, "wrong_type", "This must be an array.")
    elif not keys:
        yield Fault(at, "too_short", "At least 1 items.")
    elif len(keys) > KEYS_MAX:
        yield Fault(at, "too_long", f"At most {KEYS_MAX} items.")
    elif len(json.dumps(jwks, separators=(",", ":"))) > BYTES_MAX:
        yield Fault(pointer, "too_long", f"At most {BYTES_MAX} bytes.")
    else:
        yield from _faults_of_all(keys, at)


def _faults_of_all(keys: list[Any], pointer: str) -> Iterator[Fault]:
    seen: set[str] = set()
    for place, key in enumerate(keys):
        at = f"{pointer}/{place}"
        if not isinstance(key, dict):
            yield Fault(at, "wrong_type", "This must be an object.")
            continue
        yield from _faults_of(key, at)
        kid = key.get("kid")
        if isinstance(kid, str) and kid in seen:
            yield Fault(f"{at}/kid", "duplicate", "Another key has this kid.")
        seen |= {kid} if isinstance(kid, str) else set()


def _faults_of(key: dict[str, Any], at: str) -> Iterator[Fault]:
    secret = sorted(key.keys() & _PRIVATE)
    for name in secret:
        detail = "This is the private half of a key: send the public half only."
        yield Fault(f"{at}/{name}", "not_allowed", detail)
    kind = key.get("kty")
    if kind == "oct":
        yield Fault(f"{at}/kty", "not_allowed", "A key that both sides know is not public.")
        return
    if not isinstance(kind, str) or kind not in MEMBERS:
        yield _unlike(key, "kty", at, tuple(MEMBERS))
        return
    expected = {"kty", "kid", "use", "key_ops", "alg", "ext", *MEMBERS[kind]}
    if kind in CURVES:
        expected.add("crv")
        if key.get("crv") != CURVES[kind]:
            yield _unlike(key, "crv", at, (CURVES[kind],))
    for name in sorted(key.keys() - expected - _PRIVATE):
        yield Fault(f"{at}/{_escaped(name)}", "unknown_field", "There is no such field here.")
    yield from _faults_of_use(key, kind, at)
    forms = {"kid": KID, **MEMBERS[kind]}
    faults = [fault for name, form in forms.items() for fault in _unformed(key, name, form, at)]
    yield from faults or _faults_of_numbers(key, kind, at)


def _faults_of_use(key: dict[str, Any], kind: str, at: str) -> Iterator[Fault]:
    if "use" in key and key["use"] != "sig":
        yield _unlike(key, "use", at, ("sig",))
    if "alg" in key and key["alg"] not in ALGORITHMS[kind]:
        yield _unlike(key, "alg", at, ALGORITHMS[kind])
    if "key_ops" in key and key["key_ops"] != ["verify"]:
        yield Fault(f"{at}/key_ops", "unknown_value", 'This must be ["verify"].')
    if "ext" in key and not isinstance(key["ext"], bool):
        yield Fault(f"{at}/ext", "wrong_type", "This must be true or false.")


def _unlike(key: dict[str, Any], name: str, at: str, allowed: tuple[str, ...]) -> Fault:
    if name not in key:
        return Fault(f"{at}/{name}", "missing", "This is required.")
    return Fault(f"{at}/{name}", "unknown_value", f"This must be {' or '.join(allowed)}.")


def _unformed(key: dict[str, Any], name: str, form: str, at: str) -> Iterator[Fault]:
    value = key.get(name)
    if name not in key:
        yield Fault(f"{at}/{name}", "missing", "This is required.")
    elif not isinstance(value, str):
        yield Fault(f"{at}/{name}", "wrong_type", "This must be a string.")
    elif re.fullmatch(form[1:-1], value) is None:
        yield Fault(f"{at}/{name}", "bad_format", f"This must match {form}.")


def _faults_of_numbers(key: dict[str, Any], kind: str, at: str) -> Iterator[Fault]:
    """Yield what is wrong with numbers that have the right form."""
    if kind == "EC":
        x, y = _number(key["x"]), _number(key["y"])
        if x >= _P or y >= _P or (y * y - x * x * x + 3 * x - _B) % _P:
            yield Fault(f"{at}/x", "not_allowed", "There is no such point on P-256.")
    if kind == "RSA":
        n, e = _number(key["n"]), _number(key["e"])
        if not RSA_BITS_MIN <= n.bit_length() <= RSA_BITS_MAX or not n % 2:
            detail = f"A modulus is odd and has {RSA_BITS_MIN} to {RSA_BITS_MAX} bits."
            yield Fault(f"{at}/n", "out_of_range", detail)
        if not 3 <= e < 2**RSA_EXPONENT_BITS_MAX or not e % 2:
            detail = f"An exponent is odd, at least 3 and below 2^{RSA_EXPONENT_BITS_MAX}."
            yield Fault(f"{at}/e", "out_of_range", detail)


def _number(text: str) -> int:
    """Return a number in base64url without padding; 0, which no key has, for what is none."""
    try:
        return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")
    except binascii.Error:
        return 0


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")[:100]
