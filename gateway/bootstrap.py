"""The composition root: Settings -> Runtime. It and `opening.py` alone know every class."""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gateway import __version__
from gateway.api.app import create_app, create_ops_app
from gateway.api.graphql.executor import SchemaExecutor
from gateway.api.graphql.limits import DocumentLimits
from gateway.api.graphql.validation import document_fault
from gateway.api.options import ApiOptions
from gateway.db.encryption import Keyring
from gateway.db.store import SqlDatabase
from gateway.domain.clock import SystemClock
from gateway.domain.documents import DocumentsMode, DocumentsModes
from gateway.domain.ids import PanelId
from gateway.domain.secrets import SystemRandom
from gateway.opening import (
    Check,
    engine_of,
    keyring_of,
    open_budgets,
    open_cache,
    open_identity,
    open_limits,
    open_notices,
    open_sender,
    redis_cache,
)
from gateway.panels.breaker import Breakers, BreakerState
from gateway.panels.client import HttpPanels, ReportCall
from gateway.panels.limiter import Limiters
from gateway.panels.retrying import RetryBudgets
from gateway.panels.transport import Transport
from gateway.services.context import Limits, Ports
from gateway.services.panel_news import PanelNews
from gateway.services.tasks import SingleFlight, TaskKeeper
from gateway.settings import Settings
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.request_log import note_panel_call
from gateway.telemetry.requests import RequestTelemetry
from gateway.webhooks.mailer import SmtpMailer
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
    from starlette.applications import Starlette

    from gateway.workers.runner import Worker


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


def check(settings: Settings) -> None:
    """Find out what only shows when things are made; connects to nothing.

    Raises:
        SettingsError
    """
    keyring = keyring_of(settings)
    engine_of(settings)
    if settings.redis_url:
        redis_cache(settings, keyring, SystemClock(), Metrics(version=__version__))


@asynccontextmanager
async def build(settings: Settings) -> AsyncIterator[Runtime]:
    """Open everything, yield it, and close it in reverse; running changes are waited for.

    Raises:
        SettingsError: a setting that only shows here to be wrong.
    """
    keyring = keyring_of(settings)
    clock, random, metrics = SystemClock(), SystemRandom(), Metrics(version=__version__)
    async with AsyncExitStack() as stack:
        notices = await open_notices(settings, clock, random, stack)
        database = SqlDatabase(engine_of(settings), keyring, tell=notices.publish)
        stack.push_async_callback(database.close)
        cache, soft_checks = await open_cache(settings, keyring, clock, metrics, stack)
        transport = await stack.enter_async_context(Transport.opened())
        budgets = await open_budgets(settings, clock, random, stack)
        circuits = _CircuitReporter(metrics)
        breakers = Breakers(clock, report=circuits)
        rates, lockouts = await open_limits(settings, clock, stack)
        tasks = TaskKeeper()
        flights = SingleFlight(tasks)
        identity, oauth = await open_identity(settings, database, clock, flights, lockouts, stack)
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
            sender=await open_sender(settings, clock, stack),
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
