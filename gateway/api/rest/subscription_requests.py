"""What is sent of lines and of devices alike. A public contract, written out by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Any, Final, TypeVar

from pydantic import AfterValidator, Field, JsonValue, Strict, WithJsonSchema

from gateway.api.rest.faults import invalid, wrong
from gateway.api.rest.lists import BouquetIds, Ips, UserAgents
from gateway.api.rest.patterns import EXACT_NAMES
from gateway.api.rest.query import ChangeQuery, PageQuery, Query
from gateway.api.rest.wire import (
    ColumnName,
    Duration,
    Expiry,
    ExternalId,
    FreeText,
    MaxConnections,
    Metadata,
    MetadataPatch,
    Notes,
    PanelInt,
    PanelRef,
    PanelText,
    Patch,
    Prefix,
    Reference,
    ResellerRef,
    Time,
    Wire,
    exactly_one,
    example,
    one_of,
)
from gateway.domain.errors import Fault
from gateway.domain.subscriptions import Changes, NewSubscription, RenewFrom, State, Term

_TEXT: Final[JsonValue] = {"type": "string"}

NewT = TypeVar("NewT", bound=NewSubscription)


#: The documentation of a term: exactly one of these.
TERM: Final[dict[str, JsonValue]] = one_of(
    expires_at=_TEXT, period=_TEXT, never_expires={"const": True}
)


def _no_plan_yet(_: str) -> str:
    raise wrong("not_allowed", "There are no plans yet.")


Extra = Annotated[dict[ColumnName, PanelText], Field(max_length=50), EXACT_NAMES]


class SubscriptionCreate(Wire):
    """What a line and a device to create have in common."""

    panel_id: PanelRef | None = None
    external_id: ExternalId | None = None
    plan_id: Annotated[
        Annotated[str, AfterValidator(_no_plan_yet)] | None, WithJsonSchema({"type": "null"})
    ] = None
    expires_at: Expiry | None = None
    period: Duration | None = None
    never_expires: bool = False
    max_connections: MaxConnections = 1
    bouquet_ids: BouquetIds = ()
    is_trial: bool = False
    is_restreamer: bool = False
    allowed_ips: Ips = ()
    notes: Notes = ""
    metadata: Metadata = Field(default_factory=dict)
    # For operators only.
    reseller_id: ResellerRef | None = None
    member_id: PanelInt | None = None
    force_server_id: PanelInt | None = None
    isp_lock: bool | None = None
    enabled: bool | None = None
    admin_enabled: bool | None = None
    admin_notes: Notes | None = None
    extra: Extra | None = None

    @classmethod
    def cross_faults(cls, body: dict[str, Any]) -> Iterator[Fault]:
        """Whatever it is, it has exactly one term."""
        return exactly_one(body, "expires_at", "period", "never_expires")

    def shared(self) -> dict[str, Any]:
        """Return what lines and devices share, in the services' words."""
        return {
            "term": Term(
                expires_at=self.expires_at, period=self.period, never_expires=self.never_expires
            ),
            "panel_id": self.panel_id,
            "external_id": self.external_id,
            "max_connections": self.max_connections,
            "bouquet_ids": self.bouquet_ids,
            "is_trial": self.is_trial,
            "is_restreamer": self.is_restreamer,
            "allowed_ips": self.allowed_ips,
            "notes": self.notes,
            "metadata": self.metadata,
            "reseller_id": self.reseller_id,
            "member_id": self.member_id,
            "force_server_id": self.force_server_id,
            "isp_lock": self.isp_lock,
            "enabled": self.enabled,
            "admin_enabled": self.admin_enabled,
            "admin_notes": self.admin_notes,
            "extra": self.extra,
        }


class SubscriptionPatch(Patch):
    """What may change. The expiry, and what follows metadata, only by operators."""

    model_config = example(max_connections=2, metadata={"plan": "gold", "old": None})

    external_id: ExternalId | None = None
    max_connections: MaxConnections = 1
    bouquet_ids: BouquetIds = ()
    is_trial: bool = False
    is_restreamer: bool = False
    allowed_ips: Ips = ()
    allowed_user_agents: UserAgents = ()
    notes: Notes = ""
    metadata: MetadataPatch = Field(default_factory=dict)
    expires_at: Expiry | None = None
    member_id: PanelInt = 0
    force_server_id: PanelInt | None = None
    isp_lock: bool = False
    enabled: bool = True
    admin_enabled: bool = True
    admin_notes: Notes = ""
    extra: Extra = Field(default_factory=dict)

    def to_changes(self) -> Changes:
        """Return what is to change, in the services' words."""
        return Changes(**self.given())


class SubscriptionRenew(Wire):
    """Until when. Exactly one of expires_at, period and never_expires: true."""

    model_config = example(
        TERM,
        {"dependentSchemas": {"from": {"required": ["period"], "properties": {"period": _TEXT}}}},
        period="P1M",
        reference="invoice-2027-0042",
    )

    expires_at: Expiry | None = None
    period: Duration | None = None
    counted_from: Annotated[
        RenewFrom,
        Strict(strict=False),
        Field(alias="from", description="Where the period starts: the later of now and expiry."),
    ] = RenewFrom.LATER
    never_expires: bool = False
    reference: Annotated[
        Reference | None, Field(description="Yours, such as an invoice id: renews only once.")
    ] = None

    @classmethod
    def cross_faults(cls, body: dict[str, Any]) -> Iterator[Fault]:
        """Exactly one term, and `from` only beside a period."""
        yield from exactly_one(body, "expires_at", "period", "never_expires")
        if "from" in body and body.get("period") is None:
            yield Fault("/from", "not_allowed", "This only goes with period.")

    def to_term(self) -> Term:
        """Return the term in the services' words."""
        return Term(
            expires_at=self.expires_at,
            period=self.period,
            counted_from=self.counted_from,
            never_expires=self.never_expires,
        )


class Reason(Wire):
    """Why, for the audit log."""

    model_config = example(reason="unpaid")

    reason: FreeText | None = None


class SubscriptionImport(Wire):
    """What lines and devices to adopt have in common. `reseller_id` null: the operator's own."""

    panel_id: PanelRef
    reseller_id: ResellerRef | None = None
    external_id: ExternalId | None = None

    def shared(self) -> dict[str, Any]:
        """Return what lines and devices share, in the services' words."""
        return {
            "panel_id": self.panel_id,
            "reseller_id": self.reseller_id,
            "external_id": self.external_id,
        }


class SubscriptionQuery(PageQuery):
    """Which ones to list."""

    state: State | None = None
    external_id: ExternalId | None = None
    plan_id: Annotated[str | None, Field(max_length=64)] = None
    expires_before: Time | None = None
    expires_after: Time | None = None
    updated_since: Time | None = None
    reseller_id: ResellerRef | None = None
    q: Annotated[
        Prefix | None,
        Field(description="The beginning of a username, MAC or external_id, in any case."),
    ] = None


#: An external_id is unique within a reseller only; a reseller's own key needs not say which.
_WhoseRef = Annotated[ResellerRef | None, Field(description="Whose external_id; for operators.")]


class FindQuery(Query):
    """Whose external_id is meant."""

    reseller_id: _WhoseRef = None


class PutQuery(ChangeQuery):
    """Whose external_id is meant."""

    reseller_id: _WhoseRef = None


def named_by(new: NewT, external_id: str, query: PutQuery) -> NewT:
    """Return *new* under the name that the path and the query of a put give it.

    Raises:
        InvalidRequest: the body names it otherwise.
    """
    named = {"external_id": external_id, "reseller_id": query.reseller_id}
    faults = [
        Fault(f"/{name}", "not_allowed", "This must be the one in the URL, or be left out.")
        for name, value in named.items()
        if value is not None and getattr(new, name) not in {None, value}
    ]
    if faults:
        raise invalid(faults)
    whose = query.reseller_id or new.reseller_id
    return replace(new, external_id=external_id, reseller_id=whose)
