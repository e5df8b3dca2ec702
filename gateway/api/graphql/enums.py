"""The enums of the schema: the services' own, under upper-case names as GraphQL has them.

Whoever uses one in a shape takes it from here, so that it is described before it is used.
"""

from __future__ import annotations

import strawberry

from gateway.domain.audit import Phase
from gateway.domain.caller import CallerKind
from gateway.domain.operations import OperationState
from gateway.domain.panels import CreditMode, SuspendBy
from gateway.domain.resellers import ResellerState
from gateway.domain.subscriptions import RenewFrom, State

__all__ = [
    "CallerKind",
    "CreditMode",
    "OperationState",
    "Phase",
    "RenewFrom",
    "ResellerState",
    "State",
    "SuspendBy",
]

strawberry.enum(CallerKind, name="CallerKind", description="What sort of caller.")
strawberry.enum(CreditMode, name="CreditMode", description="Who keeps the resellers' balance.")
strawberry.enum(
    OperationState,
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
