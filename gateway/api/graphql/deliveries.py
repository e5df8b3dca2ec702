"""Deliveries of webhooks. A public contract, written out by hand."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry

from gateway.api.graphql.call import Info
from gateway.api.graphql.describe import about, argument, field, given
from gateway.api.graphql.enums import DeliveryState, EventType
from gateway.api.graphql.paging import AFTER, FILTER, FIRST, Connection, connection
from gateway.api.graphql.scalars import JsonObject
from gateway.api.graphql.shown import Shown
from gateway.api.rest import deliveries as rest
from gateway.api.rest import webhook_requests
from gateway.domain.errors import NotFound
from gateway.domain.ids import IdKind, is_id


@strawberry.type(description="One sending of a delivery.")
class DeliveryAttempt(Shown):
    """One sending of a delivery."""

    out = rest.AttemptOut

    id: strawberry.ID = about("Opaque, prefixed by its kind, and ordered by time.")
    at: datetime = about("When it was sent.")
    is_success: bool = about("Whether the receiver took it.")
    status: int | None = about("The status of the answer; null: none came.")
    fault: str | None = about("Why there is no usable answer.")
    milliseconds: int = about("How long it took.")
    headers: JsonObject = about("The headers that were sent, without the signatures.")
    answer: str = about("The first 2 KiB of the answer.")


@strawberry.type(description="One event for one webhook endpoint.")
class Delivery(Shown):
    """One event for one webhook endpoint."""

    out = rest.DeliveryOut

    id: strawberry.ID = about("Opaque, prefixed by its kind, and ordered by time.")
    endpoint_id: strawberry.ID = about("The endpoint.")
    event_id: strawberry.ID = about("The event: `webhook-id` of each sending.")
    event_type: EventType = about("What happened.")
    resource_id: strawberry.ID = about("What it happened to.")
    sequence: int = about("The place of the event among those of that resource.")
    state: DeliveryState = about("What became of it.")
    next_at: datetime | None = about("When it is sent next; null: it is over.")
    attempts: list[DeliveryAttempt] = about("Its sendings, oldest first.")
    created_at: datetime = about("When it was made.")
    ended_at: datetime | None = about("When it was over.")


@strawberry.type(description="What a recovery began.")
class WebhookRecovery(Shown):
    """What a recovery began."""

    out = rest.RecoveryOut

    endpoint_id: strawberry.ID = about("The endpoint.")
    since: datetime = about("From when on.")
    deliveries: int = about("How many deliveries were begun.")
    go_on_since: datetime | None = about("From when on to do it again; null: that was all.")


@strawberry.input(description="Which delivery to make again.")
class RedeliverDeliveryInput:
    """Which delivery to make again."""

    id: strawberry.ID = about("Which delivery.")


@strawberry.input(description="Which webhook endpoint to deliver what did not get through.")
class RecoverWebhookEndpointInput:
    """Which webhook endpoint to recover."""

    id: strawberry.ID = about("Which endpoint.")
    since: datetime = about("What happened at this moment or later.")


@strawberry.input(description="Which deliveries; what is left out does not narrow.")
class DeliveryFilter:
    """Which deliveries."""

    state: DeliveryState | None = given("Of which this became.")


@strawberry.type
class DeliveryQueries:
    """What can be asked of deliveries."""

    @field
    async def deliveries(
        self,
        info: Info,
        endpoint_id: Annotated[strawberry.ID, argument("Which endpoint's.")],
        first: Annotated[int | None, argument(FIRST)] = 50,
        after: Annotated[str | None, argument(AFTER)] = None,
        filter: Annotated[DeliveryFilter | None, argument(FILTER)] = None,  # noqa: A002 - contract
    ) -> Connection[Delivery] | None:
        """List a webhook endpoint's deliveries of the last 30 days, newest first."""
        if not is_id(IdKind.ENDPOINT, endpoint_id):
            raise NotFound("There is no such resource.")
        return await connection(
            webhook_requests.DeliveryQuery,
            first,
            after,
            filter,
            lambda query: rest.list_deliveries.endpoint(
                info.context.reading, endpoint_id=endpoint_id, query=query
            ),
        )
