"""The enums of the schema: the services' own, under upper-case names as GraphQL has them.

Whoever uses one in a shape takes it from here, so that it is described before it is used.
"""

from __future__ import annotations

import strawberry

from gateway.domain.audit import Phase
from gateway.domain.caller import CallerKind
from gateway.domain.deliveries import DeliveryState
from gateway.domain.drifts import DriftEnd, DriftKind, DriftState
from gateway.domain.events import EventOrder, EventType
from gateway.domain.inbound import EventState, IgnoredFor, SourceKind
from gateway.domain.inbound_rules import ResourceKind, RuleAction
from gateway.domain.operations import Decision, ShownState
from gateway.domain.panels import CreditMode, SuspendBy
from gateway.domain.resellers import ResellerState
from gateway.domain.subscriptions import RenewFrom, State
from gateway.domain.webhooks import DisabledReason, EndpointState, SignatureKind

__all__ = [
    "CallerKind",
    "CreditMode",
    "Decision",
    "DeliveryState",
    "DisabledReason",
    "DriftEnd",
    "DriftKind",
    "DriftState",
    "EndpointState",
    "EventOrder",
    "EventState",
    "EventType",
    "IgnoredFor",
    "Phase",
    "RenewFrom",
    "ResellerState",
    "ResourceKind",
    "RuleAction",
    "ShownState",
    "SignatureKind",
    "SourceKind",
    "State",
    "SuspendBy",
]

strawberry.enum(CallerKind, name="CallerKind", description="What sort of caller.")
strawberry.enum(CreditMode, name="CreditMode", description="Who keeps the resellers' balance.")
strawberry.enum(
    Decision, name="OperationDecision", description="What a person found: done by the panel or not."
)
strawberry.enum(DriftEnd, name="DriftEnd", description="How a drift ended.")
strawberry.enum(DriftKind, name="DriftKind", description="What was seen on the panel.")
strawberry.enum(DriftState, name="DriftState", description="Whether it is still so.")
strawberry.enum(
    DisabledReason, name="WebhookDisabledReason", description="Why an endpoint gets no events."
)
strawberry.enum(
    EndpointState, name="WebhookEndpointState", description="Whether an endpoint gets events."
)
strawberry.enum(
    SignatureKind,
    name="WebhookSignature",
    description="How deliveries are signed: HMAC-SHA256 with a shared secret, or Ed25519.",
)
strawberry.enum(DeliveryState, name="DeliveryState", description="What became of a delivery.")
strawberry.enum(EventOrder, name="EventOrder", description="Which events come first.")
strawberry.enum(EventType, name="EventType", description="What happened, and to what.")
strawberry.enum(
    EventState,
    name="InboundEventState",
    description="What became of an event: unread, nothing, still to be done, done, or refused.",
)
strawberry.enum(
    IgnoredFor, name="InboundIgnoredFor", description="Why nothing follows from an event."
)
strawberry.enum(SourceKind, name="InboundSourceKind", description="How a source signs.")
strawberry.enum(
    ResourceKind, name="ResourceKind", description="Whether it is about a line or a device."
)
strawberry.enum(RuleAction, name="InboundAction", description="What a rule does.")
strawberry.enum(
    ShownState,
    name="OperationState",
    description="Where an operation is: surely not sent, maybe sent, not known, done, refused, "
    "or for a person to decide.",
)
strawberry.enum(
    Phase,
    name="AuditPhase",
    description="What an entry says: begun, done, refused, not permitted, or not known.",
)
strawberry.enum(
    RenewFrom,
    name="RenewFrom",
    description="Where a period starts: at the present expiry, now, or the later of both.",
)
strawberry.enum(
    ResellerState,
    name="ResellerState",
    description="A suspended reseller reads, but changes nothing.",
)
strawberry.enum(
    State,
    name="SubscriptionState",
    description="What a subscriber has; the first that fits, in this order.",
)
strawberry.enum(
    SuspendBy,
    name="SuspendBy",
    description="How a line is suspended: by its switch, or by taking its bouquets away.",
)
