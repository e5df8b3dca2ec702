"""Tokens of a test's own: good by default, with one visible difference."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from gateway.domain.ids import IdKind, new_id
from gateway.identity.public_keys import PublicKey, public_key_of

NOW: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
URL: Final = "https://gateway.example"


def an_id(kind: IdKind) -> str:
    return new_id(kind, NOW, lambda count: b"\x07" * count)


CLIENT_ID: Final = an_id(IdKind.CLIENT)
RESELLER_ID: Final = an_id(IdKind.RESELLER)
LINE_ID: Final = an_id(IdKind.LINE)
TOKEN_ID: Final = an_id(IdKind.TOKEN)

EC: Final = ECKey.generate_key("P-256")
OTHER_EC: Final = ECKey.generate_key("P-256")
ED: Final = OKPKey.generate_key("Ed25519")
RSA: Final = RSAKey.generate_key(2048)


def public(key: Any) -> PublicKey:
    return public_key_of(key.as_dict(private=False))


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_b64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def claims(now: datetime = NOW, **different: Any) -> dict[str, Any]:
    """Return the claims of one of our tokens; a difference of None leaves the claim out."""
    found = {
        "iss": URL,
        "aud": URL,
        "sub": CLIENT_ID,
        "client_id": CLIENT_ID,
        "scope": "lines:read lines:write",
        "iat": int(now.timestamp()),
        "exp": int((now + timedelta(minutes=10)).timestamp()),
        "jti": TOKEN_ID,
        "reseller_id": RESELLER_ID,
    } | different
    return {name: value for name, value in found.items() if value is not None}


def header(**different: Any) -> dict[str, Any]:
    found = {"typ": "at+jwt", "alg": "ES256", "kid": "k1"} | different
    return {name: value for name, value in found.items() if value is not None}


def signed(
    payload: dict[str, Any] | bytes,
    head: dict[str, Any] | bytes | None = None,
    key: Key = EC,
    *,
    alg: str | None = None,
) -> str:
    """Return a signed text; *alg* signs by another algorithm than the header names."""
    head = header() if head is None else head
    head_bytes = head if isinstance(head, bytes) else json.dumps(head).encode()
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    text = f"{b64(head_bytes)}.{b64(body)}"
    if alg is None:
        alg = str(head["alg"]) if isinstance(head, dict) else "ES256"
    alg = "Ed25519" if alg == "EdDSA" else alg
    return f"{text}.{b64(JWSRegistry.algorithms[alg].sign(text.encode(), key))}"
