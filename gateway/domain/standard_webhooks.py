"""Standard Webhooks: secrets and signatures of the kind `v1`. Source: its specification, 1.0."""

from __future__ import annotations

import base64
import hmac
from typing import Final

SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - what every secret begins with.
#: How long a secret may be; bytes. Ours have the least, which is already more than enough.
SECRET_BYTES_MIN: Final = 24
SECRET_BYTES_MAX: Final = 64


def secret_text(key: bytes) -> str:
    """Return how a secret is shown and given: `whsec_` and base64."""
    return SECRET_PREFIX + base64.b64encode(key).decode("ascii")


def secret_key(text: str) -> bytes:
    """Return the bytes of a secret.

    Raises:
        ValueError: it has another form, or fewer than 24 or more than 64 bytes.
    """
    if not text.startswith(SECRET_PREFIX):
        raise ValueError("must begin with whsec_")
    key = base64.b64decode(text.removeprefix(SECRET_PREFIX), validate=True)
    if not SECRET_BYTES_MIN <= len(key) <= SECRET_BYTES_MAX:
        raise ValueError("must have 24 to 64 bytes")
    return key


def signature_v1(key: bytes, webhook_id: str, timestamp: int, body: bytes) -> str:
    """Return one signature of the header `webhook-signature`.

    Args:
        timestamp: what the header `webhook-timestamp` says; seconds since 1970.
    """
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    digest = hmac.digest(key, signed, "sha256")
    return f"v1,{base64.b64encode(digest).decode('ascii')}"


def signed_content(webhook_id: str, timestamp: int, body: bytes) -> bytes:
    """Return the bytes that both kinds of signatures are made of."""
    return f"{webhook_id}.{timestamp}.".encode() + body
