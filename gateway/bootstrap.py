"""The composition root: Settings -> Runtime. The only file that knows every class."""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog

from gateway import __version__
from gateway.api.app import create_app, create_ops_app
from gateway.api.graphql.executor import SchemaExecutor
from gateway.api.graphql.limits import DocumentLimits
from gateway.api.graphql.validation import document_fault
from gateway.api.oauth.paths import TOKEN_PATH
from gateway.api.options import ApiOptions
from gateway.cache.keys import Lifetimes
from gateway.cache.memory import MemoryCache
from gateway.cache.redis import RedisCache
from gateway.db.encryption import Keyring
from gateway.db.engine import make_engine
from gateway.db.store import SqlDatabase
from gateway.domain.clock import SystemClock
from gateway.domain.documents import DocumentsMode, DocumentsModes
from gateway.domain.ids import PanelId
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
from gateway.panels.breaker import Breakers, BreakerState
from gateway.panels.client import HttpPanels, ReportCall
from gateway.panels.limiter import Limiters
from gateway.panels.pacing import Budgets, LocalBudgets
from gateway.panels.redis_pace import RedisPace
from gateway.panels.retrying import RetryBudgets
from gateway.panels.shared_pacing import SharedBudgets
from gateway.panels.transport import Transport
from gateway.services import credits as panel_credits
from gateway.services.context import Limits, Ports
from gateway.services.lockouts import LocalLocks, Lockouts
from gateway.services.panel_news import PanelNews
from gateway.services.ports.oauth import OAuth
from gateway.services.rates import LocalBuckets, RateLimiter, Rates
from gateway.services.tasks import SingleFlight, TaskKeeper
from gateway.settings import Settings, SettingsError
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.request_log import note_panel_call
from gateway.telemetry.requests import RequestTelemetry
from gateway.webhooks.mailer import SmtpMailer
from gateway.webhooks.sender import HttpSender
from gateway.webhooks.urls import read_host_port
from gateway.workers.drift import DriftWorker
from gateway.workers.events import CreditsWorker, EventSweepWorker, ExpiryWorker, PanelNewsWorker
from gateway.workers.heart import Heart
from gateway.workers.inbound import InboundDriver, InboundReader, InboundSweepWorker
from gateway.workers.oauth import SigningKeyWorker, TokenSweepWorker
from gateway.workers.recovery import Reconciler, RecoveryWorker, StrayWorker, SweepWorker
from gateway.workers.webhooks import (
    WebhookDispatcher,
    WebhookMailWorker,
    WebhookSender,
    WebhookSweepWorker,
)

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine
    from starlette.applications import Starlette

    from gateway.services.ports.cache import Cache
    from gateway.services.ports.notices import Notices
    from gateway.services.ports.system import Identity
    from gateway.workers.runner import Worker

Check = Callable[[], Awaitable[bool]]

_NO_REDIS: Final = "GATEWAY_REDIS_URL: not a Redis address."


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """Everything that one process runs on."""

    settings: Settings
    ports: Ports
    database: SqlDatabase
    keyring: Keyring
    metrics: Metrics
    soft_checks: dict[str, Check]

    def app(self) -> Starlette:
        """Return the API."""
        options = self._options()
        executor = SchemaExecutor(_document_limits(self.settings), options.documents)
        return create_app(self.ports, options, executor=executor)

    def ops_app(self) -> Starlette:
        """Return health and metrics without a key."""
        return create_ops_app(self.ports, self._options())

    def _options(self) -> ApiOptions:
        return ApiOptions(
            public_url=self.settings.url,
            trusted_proxies=tuple(
                ipaddress.ip_network(text, strict=False) for text in self.settings.trusted_proxies
            ),
            telemetry=RequestTelemetry(self.metrics),
            soft_checks=self.soft_checks,
            documents=_documents_modes(self.settings),
            requests_max=self.settings.requests_max,
            request_seconds=self.settings.limits.request_seconds,
        )

    def workers(self) -> tuple[Worker, ...]:
        """Return what runs beside the requests."""
        workers = (
            *(RecoveryWorker, Reconciler, StrayWorker, DriftWorker, SweepWorker),
            *(SigningKeyWorker, TokenSweepWorker),
            *(ExpiryWorker, EventSweepWorker, PanelNewsWorker, CreditsWorker),
            *(WebhookDispatcher, WebhookSender, WebhookMailWorker, WebhookSweepWorker),
            *(InboundReader, InboundDriver, InboundSweepWorker),
        )
        return tuple(worker(self.ports) for worker in workers)

    def heart(self) -> Heart:
        """Return what shows from outside that the workers are well."""
        return Heart(Path(self.settings.heartbeat_path) if self.settings.heartbeat_path else None)


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


def check(settings: Settings) -> None:
    """Find out what only shows when things are made; connects to nothing.

    Raises:
        SettingsError
    """
    keyring = keyring_of(settings)
    _engine(settings)
    if settings.redis_url:
        _redis(settings, keyring, SystemClock(), Metrics(version=__version__))


def _engine(settings: Settings) -> AsyncEngine:
    try:
        return make_engine(settings.database_url)
    except ValueError as error:
        raise SettingsError(f"GATEWAY_DATABASE_URL: {error}") from None


@asynccontextmanager
async def build(settings: Settings) -> AsyncIterator[Runtime]:
    """Open everything, yield it, and close it in reverse; running changes are waited for.

    Raises:
        SettingsError: a setting that only shows here to be wrong.
    """
    keyring = keyring_of(settings)
    clock, random, metrics = SystemClock(), SystemRandom(), Metrics(version=__version__)
    async with AsyncExitStack() as stack:
        notices = await _open_notices(settings, clock, random, stack)
        database = SqlDatabase(_engine(settings), keyring, tell=notices.publish)
        stack.push_async_callback(database.close)
        cache, soft_checks = await _open_cache(settings, keyring, clock, metrics, stack)
        transport = await stack.enter_async_context(Transport.opened())
        budgets = await _open_budgets(settings, clock, random, stack)
        circuits = _CircuitReporter(metrics)
        breakers = Breakers(clock, report=circuits)
        rates, lockouts = await _open_limits(settings, clock, stack)
        tasks = TaskKeeper()
        flights = SingleFlight(tasks)
        identity, oauth = await _open_identity(settings, database, clock, flights, lockouts, stack)
        ports = Ports(
            database=database,
            panels=HttpPanels(
                transport=transport,
                budgets=budgets,
                clock=clock,
                random=random,
                report=_reporter(metrics),
                report_shed=metrics.panel_shed,
                breakers=breakers,
                limiters=Limiters(clock, report=metrics.panel_limit),
                retries=RetryBudgets(clock, report=metrics.panel_retry),
            ),
            cache=cache,
            notices=notices,
            sealer=keyring,
            clock=clock,
            random=random,
            identity=identity,
            oauth=oauth,
            sender=await _open_sender(settings, clock, stack),
            mailer=SmtpMailer(settings.smtp, clock) if settings.smtp.host else None,
            tasks=tasks,
            flights=flights,
            limits=_limits(settings),
            metrics=metrics,
            find_document_fault=document_fault,
            rates=rates,
            lockouts=lockouts,
        )
        circuits.ports = ports
        stack.push_async_callback(_finish, ports, settings.drain_seconds)
        yield Runtime(
            settings=settings,
            ports=ports,
            database=database,
            keyring=keyring,
            metrics=metrics,
            soft_checks=soft_checks | {"panels": lambda: _all_closed(breakers)},
        )


async def _finish(ports: Ports, seconds: float) -> None:
    """Wait for running changes: for what is left of the drain, or *seconds* where none began."""
    await ports.tasks.drain(ports.lifecycle.seconds_left(seconds))


async def _all_closed(breakers: Breakers) -> bool:
    """Tell whether no panel is being left alone just now."""
    return not any(state.is_open for state in breakers.states())


async def _open_identity(
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


async def _open_sender(settings: Settings, clock: SystemClock, stack: AsyncExitStack) -> HttpSender:
    """Return what webhooks leave by; each place that is let through unchecked is told."""
    for place in settings.dangerous_webhook_targets:
        structlog.get_logger("gateway").warning("webhooks.dangerous_target", place=place)
    dangerous = [read_host_port(text) for text in settings.dangerous_webhook_targets]
    return await stack.enter_async_context(HttpSender.opened(clock, dangerous=dangerous))


async def _open_budgets(
    settings: Settings, clock: SystemClock, random: SystemRandom, stack: AsyncExitStack
) -> Budgets:
    """Return the budgets of panels: of all processes together where they share a Redis."""
    if not settings.redis_url:
        return LocalBudgets(clock)
    pace = await stack.enter_async_context(RedisPace.opened(settings.redis_url, clock, random))
    budgets = SharedBudgets(pace, clock, random, processes=settings.panels.processes)
    stack.push_async_callback(budgets.close)
    return budgets


async def _open_limits(
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


async def _open_notices(
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


async def _open_cache(
    settings: Settings,
    keyring: Keyring,
    clock: SystemClock,
    metrics: Metrics,
    stack: AsyncExitStack,
) -> tuple[Cache, dict[str, Check]]:
    """Return the cache that the settings ask for, and how to tell whether it is well."""
    if not settings.redis_url:
        return MemoryCache(clock, lifetimes=_lifetimes(settings)), {}
    cache = _redis(settings, keyring, clock, metrics)
    await stack.enter_async_context(cache)
    return cache, {"redis": cache.is_ready}


def _lifetimes(settings: Settings) -> Lifetimes:
    """Return how long the cache keeps things; services say how long each is of use."""
    cache = settings.cache
    info_seconds = cache.info_ttl_seconds + cache.stale_if_error_seconds
    return Lifetimes(value_seconds=max(info_seconds, panel_credits.INTERVAL.seconds))


def _redis(
    settings: Settings, keyring: Keyring, clock: SystemClock, metrics: Metrics
) -> RedisCache:
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


def _reporter(metrics: Metrics) -> ReportCall:
    """Count calls of panels, in the numbers and in the request's log line."""

    def report(panel_id: str, action: str, outcome: str, seconds: float) -> None:
        metrics.panel_called(panel_id=panel_id, action=action, outcome=outcome, seconds=seconds)
        note_panel_call()

    return report


class _CircuitReporter:
    """Shows where the circuits of panels stand, and has it told when one opens or closes again.

    A circuit that is new is closed, which says nothing: the panel may be down for all others.
    """

    def __init__(self, metrics: Metrics) -> None:
        self.ports: Ports | None = None
        self._news = PanelNews()
        self._metrics = metrics
        self._open: set[PanelId] = set()

    def __call__(self, state: BreakerState) -> None:
        self._metrics.panel_circuit(panel_id=state.panel_id, state=state.reason or "closed")
        if self.ports is None or not (state.is_open or state.panel_id in self._open):
            return
        (self._open.add if state.is_open else self._open.discard)(state.panel_id)
        self._news.see(self.ports, state.panel_id, state.reason)


def _document_limits(settings: Settings) -> DocumentLimits:
    graphql = settings.graphql
    return DocumentLimits(points_max=graphql.points_max, panel_calls_max=graphql.panel_calls_max)


def _documents_modes(settings: Settings) -> DocumentsModes:
    graphql = settings.graphql
    return DocumentsModes(
        operator=DocumentsMode(graphql.documents_operator),
        reseller=DocumentsMode(graphql.documents_reseller),
    )


def _limits(settings: Settings) -> Limits:
    return Limits(
        change_deadline_seconds=settings.change_deadline_seconds,
        settle_seconds=settings.panels.settle_seconds,
        info_ttl_seconds=settings.cache.info_ttl_seconds,
        stale_if_error_seconds=settings.cache.stale_if_error_seconds,
        drift_every_seconds=settings.drift.every_seconds,
        webhook_endpoints_max=settings.webhooks.endpoints_max,
    )
