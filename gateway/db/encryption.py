"""Secrets at rest: AES-256-GCM and keyed digests, under keys with ids so that they can be rotated.

Sealed bytes are a version (1), the length of the key id, the key id, a random 96-bit nonce, and
the ciphertext with its tag. Header and place are authenticated, so a value opens only where it was
sealed. A random nonce is safe for 2**32 values per key (NIST SP 800-38D, section 8.3).
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import secrets
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.services.ports.sealer import SealBrokenError

if TYPE_CHECKING:
    from collections.abc import Iterable

_VERSION: Final = 1
_NONCE_BYTES: Final = 12
_KEY_BYTES: Final = 32
_KEY_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,32}", re.ASCII)


class Keyring:
    """The Sealer: the first key seals and digests, all of them unseal and compare."""

    def __init__(self, keys: Iterable[tuple[str, bytes]]) -> None:
        """Take pairs of id and 32 bytes.

        Raises:
            ValueError: no key, an id that is bad or used twice, or a key of another length.
        """
        self._ciphers: dict[str, AESGCM] = {}
        self._digest_keys: dict[str, bytes] = {}
        for key_id, key in keys:
            if _KEY_ID.fullmatch(key_id) is None:
                raise ValueError("an encryption key's id is 1 to 32 of A-Z a-z 0-9 _ -")
            if key_id in self._ciphers:
                raise ValueError(f"the encryption key id {key_id} is used twice")
            if len(key) != _KEY_BYTES:
                raise ValueError(f"the encryption key {key_id} must be 32 bytes, not {len(key)}")
            self._ciphers[key_id] = AESGCM(_derive(key, b"xtream-gateway seal v1"))
            self._digest_keys[key_id] = _derive(key, b"xtream-gateway digest v1")
        if not self._ciphers:
            raise ValueError("at least one encryption key is needed")
        self.primary_id: str = next(iter(self._ciphers))

    @classmethod
    def parse(cls, texts: Iterable[str]) -> Keyring:
        """Read keys as the setting has them: `id:base64 of 32 bytes`, the first is the primary.

        Raises:
            ValueError: as the constructor, or a text of another form; never with the key itself.
        """
        return cls(_parse(number, text) for number, text in enumerate(texts, start=1))

    def __repr__(self) -> str:
        return f"Keyring({', '.join(self._ciphers)})"

    def seal(self, plain: bytes, place: str) -> bytes:
        """Encrypt under the first key."""
        key_id = self.primary_id.encode()
        header = bytes((_VERSION, len(key_id))) + key_id
        nonce = secrets.token_bytes(_NONCE_BYTES)
        cipher = self._ciphers[self.primary_id]
        return header + nonce + cipher.encrypt(nonce, plain, header + place.encode())

    def unseal(self, sealed: bytes, place: str) -> bytes:
        """Decrypt under the key that the bytes name. Raises SealBrokenError."""
        key_id = key_id_of(sealed)
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise SealBrokenError(f"{place} is sealed under a key that is not configured")
        start = 2 + len(key_id)
        nonce = sealed[start : start + _NONCE_BYTES]
        try:
            return cipher.decrypt(
                nonce, sealed[start + _NONCE_BYTES :], sealed[:start] + place.encode()
            )
        except (InvalidTag, ValueError):
            raise SealBrokenError(f"{place} was changed or belongs elsewhere") from None

    def is_primary(self, sealed: bytes) -> bool:
        """Tell whether *sealed* names the first key; rotation looks for those that do not."""
        return key_id_of(sealed) == self.primary_id

    def digest(self, data: bytes, purpose: str) -> str:
        """Return `key-id:hex` under the first key."""
        return f"{self.primary_id}:{self._mac(self.primary_id, data, purpose)}"

    def matches(self, digest: str, data: bytes, purpose: str) -> bool:
        """Compare in constant time; False when the key that *digest* names is gone."""
        key_id, _, text = digest.partition(":")
        if key_id not in self._digest_keys:
            return False
        return hmac.compare_digest(text.encode(), self._mac(key_id, data, purpose).encode())

    def _mac(self, key_id: str, data: bytes, purpose: str) -> str:
        word = purpose.encode()
        message = len(word).to_bytes(2, "big") + word + data
        return hmac.digest(self._digest_keys[key_id], message, "sha256").hex()


def key_id_of(sealed: bytes) -> str:
    """Return the id of the key that sealed bytes name. Raises SealBrokenError."""
    if len(sealed) < 2 or sealed[0] != _VERSION:
        raise SealBrokenError("not in the form of sealed bytes")
    return sealed[2 : 2 + sealed[1]].decode("ascii", "replace")


def _derive(key: bytes, purpose: bytes) -> bytes:
    """Return a key for one purpose only (HKDF-SHA256 without salt: the key is uniform)."""
    return HKDF(hashes.SHA256(), _KEY_BYTES, salt=None, info=purpose).derive(key)


def _parse(number: int, text: str) -> tuple[str, bytes]:
    key_id, separator, encoded = text.strip().partition(":")
    if not separator:
        raise ValueError(f"encryption key {number} has not the form id:base64")
    try:
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"encryption key {number} is not base64 after the colon") from None
    return key_id, key
