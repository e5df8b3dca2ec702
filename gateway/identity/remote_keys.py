"""The public keys of a foreign issuer: found by discovery, kept, and asked for again when due."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import structlog

from gateway.domain.errors import ServiceUnavailable
from gateway.identity.faults import TokenFault
from gateway.identity.fetching import Fetcher, IssuerAway
from gateway.identity.jws import KID_LENGTH_MAX
from gateway.identity.public_keys import PublicKey, public_key_of
from gateway.identity.urls import is_fetchable

if TYPE_CHECKING:
    from gateway.services.ports.system import Clock
    from gateway.services.tasks import SingleFlight

#: How long keys are taken without asking again, and how long while the issuer is away; seconds.
FRESH_SECONDS: Final = 600.0
STALE_SECONDS: Final = 86_400.0
#: How long an issuer is left alone after it was asked: for a name that it does not have, and where
#: it was away while we have its keys still. Seconds.
PAUSE_SECONDS: Final = 30.0
#: The same where we have no keys of it at all.
PAUSE_WITHOUT_KEYS_SECONDS: Final = 5.0
KEYS_MAX: Final = 100

_OPENID: Final = "/.well-known/openid-configuration"
_OAUTH: Final = "/.well-known/oauth-authorization-server"

log = structlog.get_logger(__name__)


class RemoteKeys:
    """A KeySource that asks an issuer over HTTP, once for many askers.

    Args:
        url: the issuer's `iss`.
        jwks_url: where its keys are; None: its discovery document says so.
        dangerous_http: take http addresses of this machine.
    """

    def __init__(
        self,
        url: str,
        fetcher: Fetcher,
        clock: Clock,
        flights: SingleFlight,
        *,
        jwks_url: str | None = None,
        dangerous_http: bool = False,
    ) -> None:
        self._url = url
        self._fetcher = fetcher
        self._clock = clock
        self._flights = flights
        self._jwks_url = jwks_url
        self._dangerous_http = dangerous_http
        self._keys: Mapping[str, PublicKey] = {}
        self._read_at: float | None = None
        self._tried_at: float | None = None
        self._is_away = False

    async def key(self, kid: str) -> PublicKey | None:
        """Return the key called *kid*. See the port."""
        found = self._keys.get(kid)
        if (found is None or not self._is_younger_than(FRESH_SECONDS)) and self._may_ask():
            await self._flights.do(("issuer", self._url), self._refresh)
            found = self._keys.get(kid)
        if not self._is_younger_than(STALE_SECONDS) or (found is None and self._is_away):
            raise ServiceUnavailable(
                "The keys of the token's issuer cannot be had now.",
                retry_after_seconds=int(PAUSE_WITHOUT_KEYS_SECONDS),
            )
        return found

    def _is_younger_than(self, seconds: float) -> bool:
        return self._read_at is not None and self._clock.monotonic() - self._read_at < seconds

    def _may_ask(self) -> bool:
        """Tell whether the issuer has been left alone for long enough, or is being asked now."""
        if self._tried_at is None:
            return True
        has_keys = self._is_younger_than(STALE_SECONDS)
        pause = PAUSE_SECONDS if has_keys else PAUSE_WITHOUT_KEYS_SECONDS
        return self._clock.monotonic() - self._tried_at >= pause

    async def _refresh(self) -> None:
        """Ask for the keys; the present ones stay where that fails."""
        began = self._clock.monotonic()
        try:
            url = self._jwks_url or await self._discovered()
            self._keys = keys_in(await self._fetcher.get(url))
        except IssuerAway as away:
            self._is_away = True
            log.warning("issuer.away", issuer=self._url, why=away.why)
        else:
            self._is_away = False
            self._read_at = began
            log.info("issuer.keys_read", issuer=self._url, keys=len(self._keys))
        finally:
            # Only now: who asks while the answer is on its way waits for it.
            self._tried_at = self._clock.monotonic()

    async def _discovered(self) -> str:
        """Return where the keys are, by OpenID Connect Discovery or else by RFC 8414."""
        try:
            found = await self._fetcher.get(self._url.removesuffix("/") + _OPENID)
        except IssuerAway as away:
            if away.why != "status_404":
                raise
            found = await self._fetcher.get(_inserted(self._url, _OAUTH))
        if found.get("issuer") != self._url:
            raise IssuerAway("another_issuer")
        url = found.get("jwks_uri")
        if not is_fetchable(url, dangerous_http=self._dangerous_http):
            raise IssuerAway("address_of_keys")
        return str(url)


def _inserted(url: str, well_known: str) -> str:
    """Return *url* with *well_known* before its path, as RFC 8414 section 3.1 says."""
    parts = urlsplit(url)
    return parts._replace(path=well_known + parts.path.removesuffix("/")).geturl()


def keys_in(found: Mapping[str, Any]) -> dict[str, PublicKey]:
    """Return the usable keys of a JWK Set; those of other kinds and uses are passed over.

    Raises:
        IssuerAway: it is no set, or too large a one.
    """
    given = found.get("keys")
    if not isinstance(given, list) or len(given) > KEYS_MAX:
        raise IssuerAway("no_key_set")
    keys: dict[str, list[PublicKey]] = {}
    for jwk in given:
        kid = jwk.get("kid") if isinstance(jwk, dict) else None
        if not isinstance(kid, str) or not 0 < len(kid) <= KID_LENGTH_MAX:
            continue
        with suppress(TokenFault):
            keys.setdefault(kid, []).append(public_key_of(jwk))
    # A name that two keys bear names neither.
    return {kid: found[0] for kid, found in keys.items() if len(found) == 1}
