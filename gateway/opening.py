"""How each part of a process is opened, as the settings say; `bootstrap.py` puts them together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog

from gateway.api.oauth.paths import TOKEN_PATH
from gateway.cache.keys import Lifetimes
from gateway.cache.memory import MemoryCache
from gateway.cache.redis import RedisCache
from gateway.db.encryption import Keyring
from gateway.db.engine import make_engine
from gateway.db.store import SqlDatabase
from gateway.domain.clock import SystemClock
from gateway.domain.limits import Rate
from gateway.domain.secrets import SystemRandom
from gateway.identity import opening
from gateway.identity.api_keys import ApiKeys
from gateway.identity.clients import Clients
from gateway.identity.denied import Denied
from gateway.identity.endpoint_proofs import EndpointProofs
from gateway.identity.signing_keys import SigningKeys
from gateway.limits.buckets import SharedBuckets
from gateway.limits.locks import SharedLocks
from gateway.limits.runner import ScriptRunner
from gateway.notices.memory import MemoryNotices
from gateway.notices.redis import RedisNotices
from gateway.panels.pacing import Budgets, LocalBudgets
from gateway.panels.redis_pace import RedisPace
from gateway.panels.shared_pacing import SharedBudgets
from gateway.services import credits as panel_credits
from gateway.services.lockouts import LocalLocks, Lockouts
from gateway.services.ports.oauth import OAuth
from gateway.services.rates import LocalBuckets, RateLimiter, Rates
from gateway.services.tasks import SingleFlight
from gateway.settings import Settings, SettingsError
from gateway.telemetry.metrics import Metrics
from gateway.webhooks.sender import HttpSender
from gateway.webhooks.urls import read_host_port

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from gateway.services.ports.cache import Cache
    from gateway.services.ports.notices import Notices
    from gateway.services.ports.system import Identity

Check = Callable[[], Awaitable[bool]]

_NO_REDIS: Final = "GATEWAY_REDIS_URL: not a Redis address."


def keyring_of(settings: Settings) -> Keyring:
    """Return the keys of what is sealed at rest.

    Raises:
        SettingsError: there are none, or they are malformed.
    """
    if settings.encryption_keys is None:
        raise SettingsError(
            "GATEWAY_ENCRYPTION_KEYS is not set; it has no default. Make one: "
            "python3 -c \"import base64, os; print('k1:' + "
            'base64.b64encode(os.urandom(32)).decode())"'
        )
    texts = [t.strip() for t in settings.encryption_keys.get_secret_value().split(",")]
    try:
        return Keyring.parse([text for text in texts if text])
    except ValueError as error:
        raise SettingsError(f"GATEWAY_ENCRYPTION_KEYS: {error}") from None


def engine_of(settings: Settings) -> AsyncEngine:
    """Return the database's engine; it connects to nothing yet. Raises SettingsError."""
    try:
        return make_engine(settings.database_url)
    except ValueError as error:
        raise SettingsError(f"GATEWAY_DATABASE_URL: {error}") from None


async def open_identity(
    settings: Settings,
    database: SqlDatabase,
    clock: SystemClock,
    flights: SingleFlight,
    lockouts: Lockouts,
    stack: AsyncExitStack,
) -> tuple[Identity, OAuth]:
    """Return who callers are found out by, and what their tokens are made with."""
    keys, denied = SigningKeys(database, clock), Denied(database, clock)
    parts = opening.Parts(
        url=settings.url,
        redis_url=settings.redis_url,
        issuers=settings.issuers,
        database=database,
        clock=clock,
        flights=flights,
        keys=ApiKeys(database, clock, lockouts=lockouts),
        own_keys=keys,
        denied=denied,
    )
    try:
        opened = await stack.enter_async_context(opening.opened(parts))
    except ValueError:
        raise SettingsError(_NO_REDIS) from None
    oauth = OAuth(
        issuer=settings.url,
        signer=keys,
        clients=Clients(database, clock, audiences=(settings.url, settings.url + TOKEN_PATH)),
        tokens=opened.tokens,
        denied=denied,
        proofs=EndpointProofs(opened.proofs),
        storefront_life=timedelta(seconds=settings.oauth.storefront_seconds),
    )
    return opened.identity, oauth


async def open_sender(settings: Settings, clock: SystemClock, stack: AsyncExitStack) -> HttpSender:
    """Return what webhooks leave by; each place that is let through unchecked is told."""
    for place in settings.dangerous_webhook_targets:
        structlog.get_logger("gateway").warning("webhooks.dangerous_target", place=place)
    dangerous = [read_host_port(text) for text in settings.dangerous_webhook_targets]
    return await stack.enter_async_context(HttpSender.opened(clock, dangerous=dangerous))


async def open_budgets(
    settings: Settings, clock: SystemClock, random: SystemRandom, stack: AsyncExitStack
) -> Budgets:
    """Return the budgets of panels: of all processes together where they share a Redis."""
    if not settings.redis_url:
        return LocalBudgets(clock)
    pace = await stack.enter_async_context(RedisPace.opened(settings.redis_url, clock, random))
    budgets = SharedBudgets(pace, clock, random, processes=settings.panels.processes)
    stack.push_async_callback(budgets.close)
    return budgets


async def open_limits(
    settings: Settings, clock: SystemClock, stack: AsyncExitStack
) -> tuple[RateLimiter, Lockouts]:
    """Return what counts requests and wrong guesses: of all processes, where they share a Redis."""
    limits = settings.limits
    rates = Rates(
        default=Rate.parse(limits.default),
        reseller=Rate.parse(limits.reseller),
        target=Rate.parse(limits.target),
    )
    if not settings.redis_url:
        return RateLimiter(LocalBuckets(clock), rates), Lockouts(LocalLocks(clock))
    runner = await stack.enter_async_context(ScriptRunner.opened(settings.redis_url, clock))
    alone = LocalBuckets(clock, share=settings.panels.processes)
    locks = SharedLocks(runner, LocalLocks(clock), clock)
    return RateLimiter(SharedBuckets(runner, alone), rates), Lockouts(locks)


async def open_notices(
    settings: Settings, clock: SystemClock, random: SystemRandom, stack: AsyncExitStack
) -> Notices:
    """Return the notices: among all processes where they share a Redis."""
    if not settings.redis_url:
        return MemoryNotices()
    try:
        notices = RedisNotices(settings.redis_url, clock, random)
    except (TypeError, ValueError):
        raise SettingsError(_NO_REDIS) from None
    return await stack.enter_async_context(notices)


async def open_cache(
    settings: Settings,
    keyring: Keyring,
    clock: SystemClock,
    metrics: Metrics,
    stack: AsyncExitStack,
) -> tuple[Cache, dict[str, Check]]:
    """Return the cache that the settings ask for, and how to tell whether it is well."""
    if not settings.redis_url:
        return MemoryCache(clock, lifetimes=_lifetimes(settings)), {}
    cache = redis_cache(settings, keyring, clock, metrics)
    await stack.enter_async_context(cache)
    return cache, {"redis": cache.is_ready}


def _lifetimes(settings: Settings) -> Lifetimes:
    """Return how long the cache keeps things; services say how long each is of use."""
    cache = settings.cache
    info_seconds = cache.info_ttl_seconds + cache.stale_if_error_seconds
    return Lifetimes(value_seconds=max(info_seconds, panel_credits.INTERVAL.seconds))


def redis_cache(
    settings: Settings, keyring: Keyring, clock: SystemClock, metrics: Metrics
) -> RedisCache:
    """Return the cache in Redis; it connects to nothing yet. Raises SettingsError."""
    try:
        return RedisCache(
            settings.redis_url,
            keyring,
            clock,
            lifetimes=_lifetimes(settings),
            count=lambda event: metrics.cache_event(event.value),
        )
    except (TypeError, ValueError):
        raise SettingsError(_NO_REDIS) from None
