"""What every service function is handed: who asks, from where, and the ports."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from gateway.services.document_memory import DocumentMemory
from gateway.services.lifecycle import Lifecycle
from gateway.services.lockouts import Lockouts
from gateway.services.rates import RateLimiter
from gateway.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from gateway.domain.caller import Caller
    from gateway.domain.documents import FindFault
    from gateway.domain.idempotency import Idempotency
    from gateway.domain.operations import Operation
    from gateway.services.ports.cache import Cache
    from gateway.services.ports.mailer import Mailer
    from gateway.services.ports.notices import Notices
    from gateway.services.ports.oauth import OAuth
    from gateway.services.ports.panels import PanelCall, Panels
    from gateway.services.ports.sealer import Sealer
    from gateway.services.ports.sender import Sender
    from gateway.services.ports.store import Database
    from gateway.services.ports.system import Clock, Identity, Random
    from gateway.services.tasks import SingleFlight, TaskKeeper

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The settings that services obey; seconds."""

    change_deadline_seconds: float = 20.0
    settle_seconds: int = 300
    info_ttl_seconds: int = 60
    stale_if_error_seconds: int = 86_400
    read_timeout_seconds: float = 15.0
    answers_kept_seconds: int = 72 * 3_600 * 2
    drift_every_seconds: int = 86_400
    webhook_endpoints_max: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """All that services reach outside; made once, by the composition root."""

    database: Database
    panels: Panels
    cache: Cache
    notices: Notices
    sealer: Sealer
    clock: Clock
    random: Random
    identity: Identity
    tasks: TaskKeeper
    flights: SingleFlight
    limits: Limits
    documents: DocumentMemory = field(default_factory=DocumentMemory)
    metrics: Metrics = field(default_factory=lambda: Metrics(version=""))
    #: What is wrong with the text of a document, as the API's schema has it; None: it is not held
    #: against one.
    find_document_fault: FindFault | None = None
    lifecycle: Lifecycle = field(default_factory=Lifecycle)
    #: What tokens are made and read with; None: this process issues none.
    oauth: OAuth | None = None
    rates: RateLimiter = field(default_factory=RateLimiter)
    lockouts: Lockouts = field(default_factory=Lockouts)
    #: What webhooks leave by; None: this process sends none.
    sender: Sender | None = None
    #: What operators are written to by; None: they are not.
    mailer: Mailer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """One request, or one tick of a worker.

    `if_version`: the version of If-Match. `dry_run`: find out what would happen, do nothing.
    `wait_seconds`: how long to wait for a change, 0 to 60; None: the setting.
    """

    ports: Ports
    caller: Caller
    request_id: str
    ip: str | None = None
    idempotency: Idempotency | None = None
    if_version: int | None = None
    no_cache: bool = False
    dry_run: bool = False
    wait_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun:
    """What a change would do. No secrets: they are masked."""

    before: dict[str, Any] | None
    after: dict[str, Any] | None
    panel_calls: tuple[PanelCall, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome(Generic[T]):
    """What came of a change: its `value`, or, while it is open, its `operation`.

    `replayed`: the answer belongs to an earlier request with the same Idempotency-Key. `created`:
    a put made it, rather than changing it. `dry_run`: nothing was done; this would have been.
    """

    value: T | None
    operation: Operation | None = None
    replayed: bool = False
    created: bool = False
    dry_run: DryRun | None = None

    def made(self) -> T:
        """Return the value of a change of our own data, which is never open.

        Raises:
            RuntimeError: it was a change of a panel, and is open.
        """
        if self.value is None:
            raise RuntimeError("this change is still open")
        return self.value
