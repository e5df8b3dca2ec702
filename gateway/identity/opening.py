"""Puts the parts of identity together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.identity.dpop import Proofs
from gateway.identity.fetching import HttpFetcher
from gateway.identity.identities import DenyList, Identities
from gateway.identity.issuers import Issuer, own_issuer
from gateway.identity.mapping import ClaimMapping
from gateway.identity.public_keys import KeySource
from gateway.identity.redis_replays import RedisReplays
from gateway.identity.remote_keys import RemoteKeys
from gateway.identity.replays import MemoryReplays, Replays
from gateway.identity.standing import TokenCallers
from gateway.identity.tokens import AccessTokens

if TYPE_CHECKING:
    from gateway.identity.fetching import Fetcher
    from gateway.identity.issuer_settings import IssuerSettings
    from gateway.services.ports.store import Database
    from gateway.services.ports.system import Clock, Identity
    from gateway.services.tasks import SingleFlight


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What identity is made of.

    `url` is our public URL, which is also our name as an issuer. `redis_url` is that of the Redis
    which all processes share, empty: there is none. `keys` knows callers by API keys, `own_keys`
    are those that we sign tokens with, `denied` are our tokens that were revoked.
    """

    url: str
    redis_url: str
    issuers: tuple[IssuerSettings, ...]
    database: Database
    clock: Clock
    flights: SingleFlight
    keys: Identity
    own_keys: KeySource
    denied: DenyList


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """Identity, and what else can be done with its parts."""

    identity: Identities
    tokens: AccessTokens
    proofs: Proofs


@asynccontextmanager
async def opened(parts: Parts) -> AsyncIterator[Opened]:
    """Yield identity.

    Raises:
        ValueError: the Redis address is none.
    """
    clock = parts.clock
    async with AsyncExitStack() as stack:
        fetcher = await stack.enter_async_context(HttpFetcher.opened())
        foreign = [foreign_issuer(it, fetcher, clock, parts.flights) for it in parts.issuers]
        # Ourselves last: nobody else can take our name.
        tokens = AccessTokens([*foreign, own_issuer(parts.url, parts.own_keys)], clock)
        proofs = Proofs(parts.url, clock, await _open_replays(parts.redis_url, clock, stack))
        identity = Identities(
            keys=parts.keys,
            tokens=tokens,
            callers=TokenCallers(parts.database, clock, own_url=parts.url),
            denied=parts.denied,
            proofs=proofs,
        )
        yield Opened(identity=identity, tokens=tokens, proofs=proofs)


def foreign_issuer(
    settings: IssuerSettings, fetcher: Fetcher, clock: Clock, flights: SingleFlight
) -> Issuer:
    """Return the issuer that *settings* describe."""
    mapping = ClaimMapping(
        reseller_claim=settings.reseller_claim,
        permissions_claim=settings.permissions_claim,
        resellers=settings.resellers,
        permissions={word: frozenset(given) for word, given in settings.permissions.items()},
    )
    return Issuer(
        url=settings.url,
        audience=settings.audience,
        keys=RemoteKeys(
            settings.url,
            fetcher,
            clock,
            flights,
            jwks_url=settings.jwks_url,
            dangerous_http=settings.dangerous_http,
        ),
        read=mapping.read,
        algorithms=frozenset(settings.algorithms),
        token_types=frozenset(each.lower() for each in settings.token_types),
        lifetime_seconds_max=settings.lifetime_seconds_max,
    )


async def _open_replays(redis_url: str, clock: Clock, stack: AsyncExitStack) -> Replays:
    if not redis_url:
        return MemoryReplays(clock)
    return await stack.enter_async_context(RedisReplays.opened(redis_url, clock))
