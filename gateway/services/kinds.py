"""Kinds: what one sort of change is made of. The engine owns the order, the commits, the retries.

A kind's methods are small. `prepare` and `apply` run inside a transaction, `plan` and `verify` may
ask the panel and run in none, the others are pure. Each kind lives beside its noun and is listed in
`services.registry`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import Enum, auto
from math import inf
from typing import Any, Generic, TypeVar

from gateway.domain.calls import ChangeCall, ChangeResult
from gateway.domain.errors import GatewayError, PanelError
from gateway.domain.ids import PanelId
from gateway.domain.operations import Operation
from gateway.domain.panels import Panel
from gateway.domain.subscriptions import Subscription
from gateway.services.action import Action
from gateway.services.audit_log import Owner
from gateway.services.context import Ports
from gateway.services.ports.store import Store

Request = TypeVar("Request")
Resource = TypeVar("Resource")
Desired = TypeVar("Desired")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target(Generic[Request]):
    """What `prepare` reserved: whose resource on which panel, and the request as it will be kept.

    The kept request has everything that was decided or generated (names, passwords, dates), so that
    running it again is running the same thing.
    """

    resource_id: str
    panel_id: PanelId
    owner: Owner
    request: Request
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Already(Generic[Result]):
    """Nothing to send: the resource is as asked, or only our own data changed."""

    result: Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Work(Generic[Request, Resource]):
    """An operation on its way: its row, the request in it, the resource as it is, the panel.

    `is_background`: nobody waits for it any more, so its calls give way to others, up to the one
    that changes something. Reading that back does not: a change that could not be looked at would
    be called unknown. `answer_by`: until when (monotonic) a SENDING one may be sent and answered.
    """

    operation: Operation
    request: Request
    resource: Resource
    panel: Panel
    ports: Ports
    is_background: bool = False
    answer_by: float = inf


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a call.

    `error` None: applied. A `PanelOutcomeUnknown`: not known. Any other: definitely not applied.
    `info`: what the panel said when it was asked afterwards, for the cache. `said_done`: the panel
    said yes, whatever it showed then. `is_unchanged`: it was as wanted before this call, which
    therefore costs nothing.
    """

    error: GatewayError | None = None
    info: object | None = None
    said_done: bool = False
    is_unchanged: bool = False


class Found(Enum):
    """What a look at the panel tells of a change whose outcome was unknown."""

    #: It is as it was wanted, and provably by us.
    CONFIRMED = auto()
    #: It did not happen, and after the waiting time it will not: it may be sent again.
    ABSENT = auto()
    #: It did not happen and cannot any more; `error` says why.
    REFUSED = auto()
    #: What is there contradicts what was sent: a person has to decide.
    CONTRADICTS = auto()
    #: This look told nothing; another may.
    UNCLEAR = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a look at the panel told. `info`: what it showed; `error`: why, in a caller's words."""

    found: Found
    info: object | None = None
    error: GatewayError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied(Generic[Result]):
    """What `apply` wrote: the answer, the facts for the audit log, and the epoch it raised to.

    `resource`: the line or device as it is now, for those who are told; None: none of ours.
    """

    result: Result
    resource: Subscription | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    epoch: int
    cache_value: bytes | None = None


class Kind(ABC, Generic[Request, Resource, Desired, Result]):
    """One sort of change.

    `is_insisted_on`: what the panel refuses, or does not do, is for a person, and not at its end.
    """

    name: str
    is_insisted_on: bool = False
    request_type: type[Request]
    desired_type: type[Desired]
    result_type: type[Result]

    @abstractmethod
    async def prepare(
        self, action: Action, store: Store, request: Request, operation_id: str
    ) -> Target[Request] | Already[Result]:
        """Check state and policy, and reserve; in the transaction that makes the operation."""

    @abstractmethod
    async def load(self, store: Store, operation: Operation) -> Resource:
        """Return the resource as it is now."""

    @abstractmethod
    def epoch_of(self, resource: Resource) -> int:
        """Return the resource's epoch: a plan is good only while it stays the same."""

    @abstractmethod
    async def plan(self, work: Work[Request, Resource]) -> Desired:
        """Return the absolute state wanted. Raises a GatewayError if it cannot be: nothing sent."""

    @abstractmethod
    def call(self, work: Work[Request, Resource], desired: Desired) -> ChangeCall:
        """Return the panel call that brings *desired* about."""

    @abstractmethod
    async def judge(
        self, work: Work[Request, Resource], desired: Desired, answer: ChangeResult | PanelError
    ) -> Verdict:
        """Tell what *answer* means, asking the panel again where that is needed.

        An *answer* that is an error is none of `PanelUnavailable` and `PanelOutcomeUnknown`: those
        mean the same for every kind.
        """

    @abstractmethod
    async def raise_epoch(self, store: Store, resource: Resource) -> int:
        """Add one to the resource's epoch: what is cached is about to be old."""

    @abstractmethod
    async def apply(
        self,
        store: Store,
        work: Work[Request, Resource],
        desired: Desired,
        verdict: Verdict,
    ) -> Applied[Result]:
        """Write what is now true; in the transaction that ends the operation."""

    @abstractmethod
    async def abandon(self, store: Store, work: Work[Request, Resource]) -> None:
        """Give back what was reserved; the change surely did not happen."""

    @abstractmethod
    async def probe(self, work: Work[Request, Resource], desired: Desired) -> Finding:
        """Look at the panel, after the waiting time, for what came of a change. Never raises.

        Only an answer of the panel is evidence: a look that fails is UNCLEAR.
        """

    def may_resend(self, work: Work[Request, Resource]) -> bool:
        """Tell whether what did not happen may be sent once more."""
        return True

    async def note_inability(self, store: Store, work: Work[Request, Resource]) -> None:
        """Remember that the panel says yes to this and does not do it; where it may not be resent.

        Most kinds need not: they may be sent again.
        """

    def stray(self, work: Work[Request, Resource], desired: Desired) -> object | None:
        """Return what a late effect of a change that failed would leave; None: nothing new."""
        return None

    async def mark_unknown(self, store: Store, work: Work[Request, Resource]) -> None:
        """Show on the resource that its state is not known; most kinds need not."""


AnyKind = Kind[Any, Any, Any, Any]
