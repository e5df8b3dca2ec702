"""Transactions: one scope each. The only file that begins and commits them."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.db import migrations
from gateway.db.answers import SqlKeptAnswers
from gateway.db.audit import SqlAuditEntries
from gateway.db.clients import SqlClients
from gateway.db.credit_alerts import SqlCreditAlerts
from gateway.db.deliveries import SqlDeliveries, SqlDispatch
from gateway.db.devices import SqlDevices
from gateway.db.documents import SqlTrustedDocuments
from gateway.db.drifts import SqlDrifts
from gateway.db.engine import WRITES, is_sqlite
from gateway.db.events import SqlEvents
from gateway.db.failures import unavailable
from gateway.db.holds import NoHolds
from gateway.db.inbound import SqlInboundEvents, SqlInboundSources
from gateway.db.inbound_subjects import SqlInboundSubjects
from gateway.db.keys import SqlKeys
from gateway.db.lines import SqlLines
from gateway.db.oauth import SqlRevokedTokens, SqlSigningKeys, SqlUsedAssertions
from gateway.db.operations import SqlOperations
from gateway.db.panel_states import SqlPanelStates
from gateway.db.panels import SqlPanels
from gateway.db.resellers import SqlResellers
from gateway.db.scope_guard import ScopedSession
from gateway.db.touched import touched
from gateway.db.webhooks import SqlEndpoints
from gateway.domain.clock import SystemClock
from gateway.domain.errors import ServiceUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection

    from sqlalchemy.ext.asyncio import AsyncEngine

    from gateway.services.ports import callers_store as caller_ports
    from gateway.services.ports import events_store as event_ports
    from gateway.services.ports import inbound_store as inbound_ports
    from gateway.services.ports import oauth_store as oauth_ports
    from gateway.services.ports import operations_store as operation_ports
    from gateway.services.ports import store as ports
    from gateway.services.ports import subscriptions_store as subscription_ports
    from gateway.services.ports import webhooks_store as webhook_ports
    from gateway.services.ports.sealer import Sealer
    from gateway.services.scope import Scope

#: How long writers of this process queue for SQLite's one write lock; seconds.
_TURN_TIMEOUT_SECONDS: Final = 5.0


def tell_nobody(_row_ids: Collection[str]) -> None:
    """Tell nobody; for tools that change nothing anybody watches."""


@dataclass(slots=True)
class SqlStore:
    """The repositories of one transaction."""

    lines: subscription_ports.Lines
    devices: subscription_ports.Devices
    resellers: caller_ports.Resellers
    panels: ports.PanelRows
    keys: caller_ports.Keys
    clients: caller_ports.Clients
    operations: operation_ports.Operations
    drifts: operation_ports.Drifts
    events: event_ports.Events
    panel_states: event_ports.PanelStates
    credit_alerts: event_ports.CreditAlerts
    audit: operation_ports.AuditEntries
    answers: operation_ports.KeptAnswers
    documents: caller_ports.TrustedDocuments
    signing_keys: oauth_ports.SigningKeys
    revoked_tokens: oauth_ports.RevokedTokens
    used_assertions: oauth_ports.UsedAssertions
    inbound_sources: inbound_ports.InboundSources
    inbound_events: inbound_ports.InboundEvents
    inbound_subjects: inbound_ports.InboundSubjects
    endpoints: webhook_ports.Endpoints
    deliveries: webhook_ports.Deliveries
    dispatch: webhook_ports.Dispatch
    holds: operation_ports.Holds
    session: AsyncSession

    async def clock_ahead(self) -> timedelta:
        """Ask PostgreSQL for its time; SQLite has this machine's."""
        if self.session.get_bind().dialect.name != "postgresql":
            return timedelta()
        connection = await self.session.connection()
        there = await connection.scalar(sa.select(sa.func.clock_timestamp()))
        return timedelta() if there is None else there - SystemClock().now()


class SqlDatabase:
    """The port Database over an engine of `make_engine`; it belongs to one event loop.

    On SQLite a transaction that writes takes the write lock when it begins; writers of this process
    queue in order for it, which is fairer and quicker than SQLite's own waiting. A transaction must
    therefore not be opened inside another one.

    Args:
        tell: is called after a commit with the ids of the lines, devices and operations that the
            transaction changed; must neither raise nor wait.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        sealer: Sealer,
        *,
        tell: Callable[[Collection[str]], None] = tell_nobody,
    ) -> None:
        self._engine = engine
        self._sealer = sealer
        self._tell = tell
        self._reading = engine.execution_options(postgresql_readonly=True)
        self._writing = engine.execution_options(**{WRITES: True})
        self._turn = asyncio.Lock() if is_sqlite(engine) else None

    @asynccontextmanager
    async def read(self, scope: Scope) -> AsyncIterator[ports.Store]:
        """Open a read-only transaction; on SQLite it sees the moment of its first query."""
        async with self.session(scope, writable=False) as session:
            yield self._store(session)

    @asynccontextmanager
    async def write(self, scope: Scope) -> AsyncIterator[ports.Store]:
        """Open a transaction that is committed unless the block raises."""
        async with self.session(scope, writable=True) as session:
            yield self._store(session)

    @asynccontextmanager
    async def session(self, scope: Scope, *, writable: bool) -> AsyncIterator[AsyncSession]:
        """Open the transaction itself; for this package only.

        Raises:
            ServiceUnavailable: no connection, or SQLite's write lock, within the time limits.
        """
        bind = self._writing if writable else self._reading
        info = {"scope": scope, "writable": writable}
        async with (
            self._my_turn(writable=writable),
            AsyncSession(
                bind,
                sync_session_class=ScopedSession,
                autoflush=False,
                expire_on_commit=False,
                info=info,
            ) as session,
        ):
            await _connect(session)
            yield session
            if writable:
                await self._commit(session)

    async def is_ready(self) -> bool:
        """Tell whether it answers and has every migration that this code needs."""
        try:
            return not await migrations.pending(self._engine)
        except (ServiceUnavailable, exc.TimeoutError):
            return False

    async def close(self) -> None:
        """Close all connections."""
        await self._engine.dispose()

    async def _commit(self, session: AsyncSession) -> None:
        """Commit, and tell of what changed.

        Also where the commit broke off: it may have been carried out all the same, and whoever is
        told for nothing only looks once more.
        """
        try:
            await session.commit()
        finally:
            if row_ids := touched(session):
                self._tell(row_ids)

    def _store(self, session: AsyncSession) -> SqlStore:
        made = (session, self._sealer)
        return SqlStore(
            lines=SqlLines(*made),
            devices=SqlDevices(*made),
            resellers=SqlResellers(*made),
            panels=SqlPanels(*made),
            keys=SqlKeys(*made),
            clients=SqlClients(*made),
            operations=SqlOperations(*made),
            drifts=SqlDrifts(*made),
            events=SqlEvents(*made),
            panel_states=SqlPanelStates(*made),
            credit_alerts=SqlCreditAlerts(*made),
            audit=SqlAuditEntries(*made),
            answers=SqlKeptAnswers(*made),
            documents=SqlTrustedDocuments(*made),
            signing_keys=SqlSigningKeys(*made),
            revoked_tokens=SqlRevokedTokens(*made),
            used_assertions=SqlUsedAssertions(*made),
            inbound_sources=SqlInboundSources(*made),
            inbound_events=SqlInboundEvents(*made),
            inbound_subjects=SqlInboundSubjects(*made),
            endpoints=SqlEndpoints(*made),
            deliveries=SqlDeliveries(*made),
            dispatch=SqlDispatch(*made),
            holds=NoHolds(),
            session=session,
        )

    def _my_turn(self, *, writable: bool) -> AbstractAsyncContextManager[object]:
        if self._turn is None or not writable:
            return nullcontext()
        return _turn(self._turn)


@asynccontextmanager
async def _turn(lock: asyncio.Lock) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(_TURN_TIMEOUT_SECONDS):
            await lock.acquire()
    except TimeoutError as error:
        raise unavailable(retry_after_seconds=1) from error
    try:
        yield
    finally:
        lock.release()


async def _connect(session: AsyncSession) -> None:
    """Take a connection and begin, so that a dead database is told before any work is done."""
    try:
        _ = await session.connection()
    except exc.TimeoutError as error:
        raise unavailable(retry_after_seconds=1) from error
