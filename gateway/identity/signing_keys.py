"""Our own keys: read from the database, kept for a minute, used to sign and to verify.

Keys are made elsewhere (`services/signing_keys.py`), hours before they sign, so a minute is soon
enough. A `kid` that is not known makes the keys be read again, at most once a second: the first key
of all signs as soon as it is made.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from joserfc import jwt
from joserfc.jwk import ECKey

from gateway.domain.signing import SigningKey, shown_at, signing_at
from gateway.services.scope import system_scope

if TYPE_CHECKING:
    from gateway.identity.public_keys import PublicKey
    from gateway.services.ports.store import Database
    from gateway.services.ports.system import Clock

#: How long the keys are kept without being read again.
KEPT_SECONDS: Final = 60.0
#: How soon a name that is not known may make them be read again.
AGAIN_SECONDS: Final = 1.0
TYPE: Final = "at+jwt"


@dataclass(frozen=True, slots=True)
class _Held:
    """A key, and its two halves as they are used."""

    row: SigningKey
    private: ECKey
    public: ECKey

    @property
    def jwk(self) -> dict[str, Any]:
        """Return what is published of it."""
        numbers = {name: self.public[name] for name in ("kty", "crv", "x", "y")}
        return {**numbers, "kid": self.row.id, "alg": self.row.alg, "use": "sig"}


class SigningKeys:
    """The ports TokenSigner and KeySource over the keys in our database."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._held: dict[str, _Held] = {}
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()

    async def sign(self, claims: Mapping[str, Any]) -> str | None:
        """Return a signed token. See the port."""
        await self._read(KEPT_SECONDS)
        key = signing_at((it.row for it in self._held.values()), self._clock.now())
        if key is None:
            return None
        header = {"alg": key.alg, "kid": key.id}
        private = self._held[key.id].private
        return jwt.encode(header, dict(claims), private, [key.alg], default_type=TYPE)

    async def public_keys(self) -> list[dict[str, Any]]:
        """Return the JWKs of the keys that are shown now. See the port."""
        await self._read(KEPT_SECONDS)
        shown = shown_at((it.row for it in self._held.values()), self._clock.now())
        return [self._held[key.id].jwk for key in shown]

    async def key(self, kid: str) -> PublicKey | None:
        """Return the public key called *kid*, while signatures by it count."""
        await self._read(KEPT_SECONDS if kid in self._held else AGAIN_SECONDS)
        held = self._held.get(kid)
        if held is None or not shown_at((held.row,), self._clock.now()):
            return None
        return held.public

    def forget(self) -> None:
        """Read the keys again before they are used next."""
        self._read_at = float("-inf")

    async def _read(self, kept_seconds: float) -> None:
        """Read the keys, unless that was done less than *kept_seconds* ago."""
        if self._clock.monotonic() - self._read_at < kept_seconds:
            return
        async with self._reading:
            now = self._clock.monotonic()
            if now - self._read_at < kept_seconds:
                return  # Somebody else has just done it.
            async with self._database.read(system_scope()) as store:
                rows = await store.signing_keys.list()
            self._held = {row.id: _held(row, self._held.get(row.id)) for row in rows}
            self._read_at = now


def _held(row: SigningKey, known: _Held | None) -> _Held:
    """Return a key as it is used; what never changes of one that is *known* is not made again."""
    if known is not None:
        return replace(known, row=row)
    private = ECKey.import_key(json.loads(row.private_jwk.reveal()))
    return _Held(row, private, ECKey.import_key(private.as_dict(private=False)))
