"""What a delivery is signed with: `v1` by a shared secret, `v1a` by an Ed25519 key of the endpoint.

Private keys are 32 random bytes, kept as `whsk_` and base64; receivers are given `whpk_` and base64
of the public half.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.domain.secrets import Secret
from gateway.domain.standard_webhooks import (
    SECRET_BYTES_MIN,
    secret_key,
    secret_text,
    signature_v1,
    signed_content,
)
from gateway.domain.webhooks import SignatureKind

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.domain.webhooks import Endpoint

PRIVATE_PREFIX: Final = "whsk_"
PUBLIC_PREFIX: Final = "whpk_"
_KEY_BYTES: Final = 32


def new_secret(kind: SignatureKind, random_bytes: Callable[[int], bytes]) -> Secret:
    """Return a fresh secret, or a fresh private key."""
    if kind is SignatureKind.V1:
        return Secret(secret_text(random_bytes(SECRET_BYTES_MIN)))
    return Secret(PRIVATE_PREFIX + b64encode(random_bytes(_KEY_BYTES)).decode("ascii"))


def public_key_of(kind: SignatureKind, secret: Secret) -> str | None:
    """Return what the receiver verifies with; None: it has the secret itself."""
    if kind is SignatureKind.V1:
        return None
    public = _private_key(secret).public_key().public_bytes_raw()
    return PUBLIC_PREFIX + b64encode(public).decode("ascii")


def signed_headers(
    endpoint: Endpoint, webhook_id: str, body: bytes, now: datetime
) -> dict[str, str]:
    """Return the headers of Standard Webhooks; a signature for each secret that is still good."""
    timestamp = int(now.timestamp())
    signatures = [
        _signature(endpoint.signature, secret, webhook_id, timestamp, body)
        for secret in endpoint.good_secrets(now)
    ]
    return {
        "content-type": "application/json",
        "webhook-id": webhook_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }


def _signature(
    kind: SignatureKind, secret: Secret, webhook_id: str, timestamp: int, body: bytes
) -> str:
    if kind is SignatureKind.V1:
        return signature_v1(secret_key(secret.reveal()), webhook_id, timestamp, body)
    signature = _private_key(secret).sign(signed_content(webhook_id, timestamp, body))
    return f"v1a,{b64encode(signature).decode('ascii')}"


def _private_key(secret: Secret) -> Ed25519PrivateKey:
    raw = b64decode(secret.reveal().removeprefix(PRIVATE_PREFIX), validate=True)
    return Ed25519PrivateKey.from_private_bytes(raw)
