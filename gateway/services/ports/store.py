"""How services reach our own data: one transaction, one scope, one repository per noun.

`get` raises NotFound when the row is absent or outside the scope, `find` returns None.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager
    from datetime import timedelta

    from gateway.domain.ids import PanelId
    from gateway.domain.paging import Page, PageRequest
    from gateway.domain.panels import Panel
    from gateway.services.ports.callers_store import Clients, Keys, Resellers, TrustedDocuments
    from gateway.services.ports.events_store import CreditAlerts, Events, PanelStates
    from gateway.services.ports.inbound_store import (
        InboundEvents,
        InboundSources,
        InboundSubjects,
    )
    from gateway.services.ports.oauth_store import RevokedTokens, SigningKeys, UsedAssertions
    from gateway.services.ports.operations_store import (
        AuditEntries,
        Drifts,
        Holds,
        KeptAnswers,
        Operations,
    )
    from gateway.services.ports.subscriptions_store import Devices, Lines
    from gateway.services.ports.webhooks_store import Deliveries, Dispatch, Endpoints
    from gateway.services.scope import Scope


class PanelRows(Protocol):
    """Panels; they have no owner."""

    async def get(self, panel_id: PanelId) -> Panel:
        """Return a panel. Raises NotFound."""

    async def list(self, page: PageRequest) -> Page[Panel]:
        """Return panels, newest first."""

    async def add(self, panel: Panel) -> None:
        """Insert."""

    async def save(self, panel: Panel, *, expected_version: int | None = None) -> None:
        """Write the whole row. Raises NotFound, VersionMismatch."""


class Store(Protocol):
    """The repositories of one transaction."""

    lines: Lines
    devices: Devices
    resellers: Resellers
    panels: PanelRows
    keys: Keys
    clients: Clients
    operations: Operations
    drifts: Drifts
    events: Events
    panel_states: PanelStates
    credit_alerts: CreditAlerts
    audit: AuditEntries
    answers: KeptAnswers
    documents: TrustedDocuments
    signing_keys: SigningKeys
    revoked_tokens: RevokedTokens
    used_assertions: UsedAssertions
    inbound_sources: InboundSources
    inbound_events: InboundEvents
    inbound_subjects: InboundSubjects
    endpoints: Endpoints
    deliveries: Deliveries
    dispatch: Dispatch

    holds: Holds

    async def clock_ahead(self) -> timedelta:
        """Return how far the database's clock is ahead of this machine's.

        All processes share the database's, so leases and waiting times are counted by it. Zero
        where the database is a file of this machine's.
        """


class Database(Protocol):
    """Opens transactions. Leaving a `write` without an exception commits it.

    All methods raise ServiceUnavailable when the database cannot be reached.
    """

    def read(self, scope: Scope) -> AbstractAsyncContextManager[Store]:
        """Return a read-only transaction that sees only *scope*."""

    def write(self, scope: Scope) -> AbstractAsyncContextManager[Store]:
        """Return a transaction that sees and touches only *scope*."""

    async def is_ready(self) -> bool:
        """Tell whether it answers and is migrated to what this code needs."""
