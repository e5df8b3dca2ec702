"""What is sent of webhook endpoints."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field, Strict

from gateway.api.rest.lists import Listed
from gateway.api.rest.query import PageQuery
from gateway.api.rest.wire import FreeText, Patch, ResellerRef, Time, Wire, example
from gateway.domain.deliveries import DeliveryState
from gateway.domain.events import EventType
from gateway.domain.ids import IdKind
from gateway.domain.webhooks import (
    OVERLAP_SECONDS_MAX,
    URL_LENGTH_MAX,
    EndpointChanges,
    EndpointState,
    NewEndpoint,
    SignatureKind,
)

Url = Annotated[
    str,
    Field(
        min_length=1,
        max_length=URL_LENGTH_MAX,
        description="Where to post to: https, and a public address.",
    ),
]
EventTypes = Annotated[
    tuple[Annotated[EventType, Strict(strict=False)], ...],
    Listed(len(EventType)),
    Field(description="What it gets; empty: everything."),
]


class WebhookEndpointCreate(Wire):
    """Where to send events."""

    model_config = example(url="https://shop.example/hooks", event_types=["line.renewed"])

    url: Url
    event_types: EventTypes = ()
    signature: Annotated[SignatureKind, Strict(strict=False)] = SignatureKind.V1
    description: FreeText = ""
    reseller_id: ResellerRef | None = None

    def to_new_endpoint(self) -> NewEndpoint:
        """Return what the caller asks for, in the services' words."""
        return NewEndpoint(
            url=self.url,
            event_types=self.event_types,
            signature=self.signature,
            description=self.description,
            reseller_id=self.reseller_id,
        )


class WebhookEndpointPatch(Patch):
    """What may change of an endpoint. `event_types` is replaced as a whole."""

    model_config = example(event_types=["line.renewed", "line.expired"])

    url: Url = ""
    event_types: EventTypes = ()
    description: FreeText = ""
    state: Annotated[EndpointState, Strict(strict=False)] = EndpointState.ACTIVE

    def to_changes(self) -> EndpointChanges:
        """Return what is to change, in the services' words."""
        return EndpointChanges(**self.given())


class EndpointSecretRotation(Wire):
    """How an endpoint's secret is replaced."""

    model_config = example(overlap_seconds=86400)

    overlap_seconds: Annotated[
        int,
        Field(
            ge=0,
            le=OVERLAP_SECONDS_MAX,
            description="How long the former secret signs as well; 0: it ends at once.",
        ),
    ] = OVERLAP_SECONDS_MAX


class EndpointRecovery(Wire):
    """Since when to deliver what did not get through."""

    model_config = example(since="2027-01-31T00:00:00Z")

    since: Time


class DeliveryQuery(PageQuery):
    """Which deliveries of an endpoint to list."""

    kind: ClassVar[IdKind] = IdKind.DELIVERY

    state: Annotated[
        DeliveryState | None, Field(description="Only those of which this became.")
    ] = None


class WebhookEndpointQuery(PageQuery):
    """Which endpoints to list."""

    kind: ClassVar[IdKind] = IdKind.ENDPOINT

    reseller_id: ResellerRef | None = None
