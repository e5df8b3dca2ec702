"""How secrets are kept at rest."""

from __future__ import annotations

from typing import Protocol


class SealBrokenError(Exception):
    """The sealed bytes were changed, moved to another place, or their key is gone."""


class Sealer(Protocol):
    """Authenticated encryption and keyed digests, with key ids so that keys can be rotated."""

    def seal(self, plain: bytes, place: str) -> bytes:
        """Encrypt under the first key. *place* is bound in: the same bytes open nowhere else."""

    def unseal(self, sealed: bytes, place: str) -> bytes:
        """Decrypt. Raises SealBrokenError."""

    def digest(self, data: bytes, purpose: str) -> str:
        """Return `key-id:hex`, an HMAC-SHA256 under the first key."""

    def matches(self, digest: str, data: bytes, purpose: str) -> bool:
        """Tell whether *digest* was made of *data*, under whichever key it names."""
