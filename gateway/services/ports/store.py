"""How services reach our own data: one transaction, one scope, one repository per noun.

`get` raises NotFound when the row is absent or outside the scope, `find` returns None.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from gateway.domain.devices import Device
from gateway.domain.lines import Line
from gateway.domain.subscriptions import SubscriptionT

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime, timedelta

    from gateway.domain.audit import AuditEntry, AuditFilter
    from gateway.domain.clients import Client
    from gateway.domain.devices import DeviceFilter
    from gateway.domain.documents import DocumentId, TrustedDocument
    from gateway.domain.drifts import Drift, DriftFilter
    from gateway.domain.idempotency import KeptAnswer
    from gateway.domain.ids import ClientId, KeyId, OperationId, PanelId, ResellerId
    from gateway.domain.keys import Key
    from gateway.domain.lines import LineFilter
    from gateway.domain.operations import Operation, OperationFilter, OperationState
    from gateway.domain.paging import Page, PageRequest
    from gateway.domain.panels import Panel
    from gateway.domain.resellers import Reseller
    from gateway.services.ports.events_store import CreditAlerts, Events, PanelStates
    from gateway.services.ports.inbound_store import (
        InboundEvents,
        InboundSources,
        InboundSubjects,
    )
    from gateway.services.ports.oauth_store import RevokedTokens, SigningKeys, UsedAssertions
    from gateway.services.ports.webhooks_store import Deliveries, Dispatch, Endpoints
    from gateway.services.scope import Scope


class Subscriptions(Protocol[SubscriptionT]):
    """Lines, or devices, of the scope."""

    async def get(self, resource_id: str) -> SubscriptionT:
        """Return one. Raises NotFound."""

    async def list_by_ids(self, resource_ids: Sequence[str]) -> tuple[SubscriptionT, ...]:
        """Return those that there are, in any order; at most 200 are asked for at once."""

    async def find_by_external_id(
        self, reseller_id: ResellerId | None, external_id: str
    ) -> SubscriptionT | None:
        """Return the one with this id of the reseller's own, if not terminated."""

    async def add(self, resource: SubscriptionT) -> None:
        """Insert.

        Raises:
            UsernameTaken, MacTaken, ExternalIdTaken: also by rows outside the scope.
        """

    async def save(self, resource: SubscriptionT, *, expected_version: int | None = None) -> None:
        """Write the whole row.

        Raises:
            NotFound, ExternalIdTaken
            VersionMismatch: *expected_version* is given and no longer the present one.
        """

    async def raise_epoch(self, resource_id: str) -> int:
        """Add one to the epoch and return it."""

    async def delete(self, resource_id: str) -> None:
        """Remove one that never came to be; frees its names."""

    async def count(self, reseller_id: ResellerId) -> int:
        """Return how many of this reseller's are not terminated."""

    async def count_trials(self, reseller_id: ResellerId, since: datetime) -> int:
        """Return how many trials this reseller made since then, terminated ones too."""

    async def find_reference(self, resource_id: str, reference: str) -> OperationId | None:
        """Return the renewal that used this reference."""

    async def add_reference(
        self, resource_id: str, reference: str, operation_id: OperationId
    ) -> None:
        """Keep a renewal's reference. Raises StateConflict when it exists."""

    async def delete_reference(self, operation_id: OperationId) -> None:
        """Free the reference of a renewal that did not happen."""

    async def take_uncompared(
        self, panel_id: PanelId, before: datetime, until: datetime, limit: int
    ) -> tuple[SubscriptionT, ...]:
        """Take up those of a panel that were not compared since *before*, the longest ago first.

        Pending and unknown ones, and those whose change may be under way, are passed over. They
        count as compared at *until*, so that others leave them alone; see `set_compared`.
        """

    async def set_compared(self, resource_id: str, at: datetime) -> None:
        """Note when it was compared with its panel."""

    async def list_compared(self, panel_id: PanelId, limit: int) -> tuple[str, ...]:
        """Return the ids of those of a panel that were compared last."""

    async def take_telling(
        self, now: datetime, limit: int
    ) -> tuple[tuple[SubscriptionT, datetime], ...]:
        """Return those of which there may be something to tell by *now*, and from when on.

        They are this transaction's until it ends. What it tells of is noted by `set_telling`.
        """

    async def set_telling(self, resource_id: str, at: datetime | None) -> None:
        """Note when to look at it next, and from when on; None: not before its end moves."""

    async def look_anew(self, reseller_id: ResellerId, at: datetime) -> None:
        """Let all of a reseller's that expire later be looked at from *at* on."""


class Lines(Subscriptions[Line], Protocol):
    """Lines of the scope."""

    async def find_by_username(self, panel_id: PanelId, username: str) -> Line | None:
        """Return the line with this username (compared trimmed and case-folded) on a panel."""

    async def list_by_username(self, username: str) -> tuple[Line, ...]:
        """Return the lines with this username on any panel, terminated ones left out."""

    async def list_controls(
        self, panel_id: PanelId, now: datetime, *, but: str, limit: int
    ) -> tuple[Line, ...]:
        """Return a few active lines of a panel, whose firewall must show them, *but* this one."""

    async def list(self, criteria: LineFilter, page: PageRequest, now: datetime) -> Page[Line]:
        """Return lines, newest first."""


class Devices(Subscriptions[Device], Protocol):
    """Devices of the scope."""

    async def find_by_mac(self, panel_id: PanelId, mac: str) -> Device | None:
        """Return the device with this MAC, as `normal_mac` spells it, on a panel."""

    async def list_by_mac(self, mac: str) -> tuple[Device, ...]:
        """Return the devices with this MAC on any panel, terminated ones left out."""

    async def list(self, criteria: DeviceFilter, page: PageRequest, now: datetime) -> Page[Device]:
        """Return devices, newest first."""


class Resellers(Protocol):
    """Resellers of the scope: a reseller sees itself and those below it."""

    async def get(self, reseller_id: ResellerId) -> Reseller:
        """Return a reseller. Raises NotFound."""

    async def is_suspended(self, owner_path: str) -> bool:
        """Tell whether a reseller on this path, itself or one above, is suspended."""

    async def list(self, page: PageRequest) -> Page[Reseller]:
        """Return resellers, newest first."""

    async def add(self, reseller: Reseller) -> None:
        """Insert."""

    async def save(self, reseller: Reseller, *, expected_version: int | None = None) -> None:
        """Write the whole row. Raises NotFound, VersionMismatch."""

    async def lock(self, reseller_id: ResellerId) -> None:
        """Make others who lock it wait until the transaction ends; for counting quotas."""


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


class Keys(Protocol):
    """API keys of the scope."""

    async def get(self, key_id: KeyId) -> Key:
        """Return a key. Raises NotFound."""

    async def find_by_digest(self, digest: bytes) -> Key | None:
        """Return the key whose secret has this SHA-256, revoked and expired ones too."""

    async def list(self, page: PageRequest, reseller_id: ResellerId | None) -> Page[Key]:
        """Return keys, newest first."""

    async def add(self, key: Key, digest: bytes) -> None:
        """Insert with the SHA-256 of the secret."""

    async def revoke(self, key_id: KeyId, at: datetime) -> None:
        """Set revoked_at once. Raises NotFound."""

    async def touch(self, key_id: KeyId, at: datetime) -> None:
        """Note the last use."""


class Clients(Protocol):
    """OAuth clients of the scope."""

    async def get(self, client_id: ClientId) -> Client:
        """Return a client. Raises NotFound."""

    async def find(self, client_id: ClientId) -> Client | None:
        """Return a client, revoked ones too; who authenticates one asks in the system's scope."""

    async def origins(self) -> frozenset[str]:
        """Return the origins of all that are not revoked, each once."""

    async def list(self, page: PageRequest, reseller_id: ResellerId | None) -> Page[Client]:
        """Return clients, newest first."""

    async def add(self, client: Client) -> None:
        """Insert."""

    async def save(self, client: Client, *, expected_version: int | None = None) -> None:
        """Write the whole row, but neither whose it is nor its last use.

        Raises:
            NotFound
            VersionMismatch: *expected_version* is given and no longer the present one.
        """

    async def touch(self, client_id: ClientId, at: datetime) -> None:
        """Note the last use."""


class Operations(Protocol):
    """Operations of the scope."""

    async def get(self, operation_id: OperationId) -> Operation:
        """Return an operation. Raises NotFound."""

    async def list(self, criteria: OperationFilter, page: PageRequest) -> Page[Operation]:
        """Return operations, newest first."""

    async def find_open(self, resource_id: str) -> Operation | None:
        """Return the operation that may have been sent for this resource and is not final."""

    async def add(self, operation: Operation) -> None:
        """Insert."""

    async def claim(self, operation: Operation) -> bool:
        """Write PREPARED -> SENDING; one operation at a time for each resource.

        False, and nothing written, if the row is no longer PREPARED, or another operation of the
        same resource may have been sent and is not final.
        """

    async def save(self, operation: Operation, *, was: OperationState) -> bool:
        """Write the whole row if its state is still *was* and its fence the same; False if not."""

    async def take_due(
        self, now: datetime, lease_until: datetime, limit: int
    ) -> tuple[Operation, ...]:
        """Take up what was perhaps sent and can be looked at by *now*, and leases that ended.

        Each is PROBING then, with the next fence, and is this caller's until *lease_until*. What
        another process takes at the same moment is passed over, not waited for.
        """

    async def list_watched(self, now: datetime, limit: int) -> tuple[Operation, ...]:
        """Return failed creations that are to be looked for again by *now*, oldest first."""

    async def list_stale(
        self, state: OperationState, before: datetime, limit: int
    ) -> tuple[Operation, ...]:
        """Return operations in *state* whose `updated_at` is before then, oldest first."""


class Drifts(Protocol):
    """Drifts of the scope; those of panels are the operator's."""

    async def list(self, criteria: DriftFilter, page: PageRequest) -> Page[Drift]:
        """Return drifts, newest first."""

    async def find_open(self, resource_id: str) -> Drift | None:
        """Return the open drift of a line, a device or a panel."""

    async def count_open(self, resource_ids: Collection[str]) -> int:
        """Return how many of these have an open drift."""

    async def add(self, drift: Drift) -> None:
        """Insert. Raises StateConflict when another one of the resource is open."""

    async def save(self, drift: Drift) -> None:
        """Write the whole row. Raises NotFound."""


class AuditEntries(Protocol):
    """The audit log: append and read, nothing else."""

    async def append(self, entry: AuditEntry) -> None:
        """Insert an entry."""

    async def list(self, criteria: AuditFilter, page: PageRequest) -> Page[AuditEntry]:
        """Return entries of the scope, newest first."""


class KeptAnswers(Protocol):
    """What was answered under which Idempotency-Key."""

    async def find(self, owner: str, key: str) -> KeptAnswer | None:
        """Return what is kept for this key of this owner."""

    async def add(self, answer: KeptAnswer) -> None:
        """Insert. Raises IdempotencyInProgress when the key was taken a moment ago."""

    async def delete(self, answer_id: str) -> None:
        """Free a key whose operation was never sent."""

    async def delete_older(self, before: datetime, limit: int) -> int:
        """Sweep at most *limit* answers made before then; return how many."""


class TrustedDocuments(Protocol):
    """Trusted documents of the scope."""

    async def get(self, owner_path: str, document_id: DocumentId) -> TrustedDocument:
        """Return this owner's own document. Raises NotFound."""

    async def find_for_caller_at(
        self, owner_path: str, document_id: DocumentId
    ) -> TrustedDocument | None:
        """Return the document as the owner itself, one above it or the operator has it.

        Whoever asks for another than its own owner path must have the system's scope.
        """

    async def list(
        self, page: PageRequest, reseller_id: ResellerId | None
    ) -> Page[TrustedDocument]:
        """Return documents, newest first; with *reseller_id* only those of that reseller."""

    async def known(self, owner_path: str, document_ids: Collection[str]) -> frozenset[DocumentId]:
        """Return which of these the owner has itself."""

    async def count(self, owner_path: str) -> int:
        """Return how many the owner has itself."""

    async def lock(self, owner_path: str) -> None:
        """Make others who lock this owner's documents wait until the transaction ends."""

    async def add(self, documents: Sequence[TrustedDocument]) -> None:
        """Insert all of them; the owner has none of them yet, which `lock` keeps so."""

    async def delete(self, owner_path: str, document_id: DocumentId) -> None:
        """Remove this owner's own. Raises NotFound."""


class Holds(Protocol):
    """Credits set aside for operations: from the preparing transaction to the one that ends them.

    Each operation is held for at most once, and then charged or given back once, whatever is asked
    again. What becomes of it is part of the transaction that it was asked in.
    """

    async def hold(self, operation: Operation) -> None:
        """Set aside what *operation* costs, if anything.

        Raises:
            Refusal: there is not enough; nothing is prepared then.
        """

    async def capture(self, operation_id: OperationId) -> None:
        """Charge what was set aside: the change was made."""

    async def release(self, operation_id: OperationId) -> None:
        """Give back what was set aside: the change surely was not made, or changed nothing."""


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
