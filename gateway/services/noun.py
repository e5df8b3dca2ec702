"""The two nouns that live on panels, lines and devices: what differs between them.

Every kind of change is written once, over a `Noun`; what belongs to one noun only (making it,
passwords) stands in that noun's own files.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Generic, TypeAlias, TypeVar

from gateway.domain.calls import Creation, EditDevice, EditLine, LineInfo, ReadCall
from gateway.domain.errors import GatewayError
from gateway.domain.ids import IdKind
from gateway.domain.panels import Panel, SuspendBy
from gateway.domain.resellers import Policy
from gateway.domain.subscriptions import ObservedInfo, Subscription
from gateway.services.audit_log import Owner
from gateway.services.ports.store import Store
from gateway.services.ports.subscriptions_store import Subscriptions

ResourceT = TypeVar("ResourceT", bound=Subscription)
ObservedT = TypeVar("ObservedT")

AnyEdit: TypeAlias = EditLine | EditDevice
AnyNoun: TypeAlias = "Noun[Any, Any]"


class Noun(ABC, Generic[ResourceT, ObservedT]):
    """Lines, or devices. `word` is how kinds and audit actions begin."""

    word: ClassVar[str]
    id_kind: ClassVar[IdKind]
    edit_type: type[AnyEdit]
    info_type: type[LineInfo]
    observed_type: type[ObservedT]

    @abstractmethod
    def rows(self, store: Store) -> Subscriptions[ResourceT]:
        """Return the repository."""

    @abstractmethod
    def id_of(self, resource: ResourceT) -> str:
        """Return the resource's own id."""

    @abstractmethod
    def read(self, resource: ResourceT) -> ReadCall:
        """Return the call that asks the panel for it."""

    @abstractmethod
    def read_after(self, call: Creation | AnyEdit) -> ReadCall:
        """Return the call that shows what *call* did."""

    @abstractmethod
    def edit(self, resource: ResourceT, **fields: Any) -> AnyEdit:  # noqa: ANN401 - Edit's fields
        """Return the call that sets *fields* of it."""

    @abstractmethod
    def disabling(self, made: Creation) -> AnyEdit:
        """Return the call that switches off what a creating call made."""

    @abstractmethod
    def observed(self, resource: ResourceT, info: ObservedInfo | None) -> ObservedT:
        """Return it together with what its panel said."""

    @abstractmethod
    def suspends_by(self, panel: Panel) -> SuspendBy:
        """Return how it is suspended on *panel*."""

    @abstractmethod
    def limit_of(self, policy: Policy) -> int | None:
        """Return how many a reseller may have; None: no limit."""

    @abstractmethod
    def gone(self) -> GatewayError:
        """Return the error that says that the panel does not know it (any more)."""


def owner_of(resource: Subscription) -> Owner:
    """Return whose the audit entries about *resource* are."""
    return Owner(resource.reseller_id, resource.owner_path)
