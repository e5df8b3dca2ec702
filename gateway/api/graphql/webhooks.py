"""Webhook endpoints. A public contract, written out by hand."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry

from gateway.api.graphql.call import Info
from gateway.api.graphql.describe import about, argument, field, given
from gateway.api.graphql.enums import DisabledReason, EndpointState, EventType, SignatureKind
from gateway.api.graphql.paging import AFTER, FILTER, FIRST, Connection, connection
from gateway.api.graphql.shown import Node, Shown, read_by_id
from gateway.api.rest import webhook_requests
from gateway.api.rest import webhooks as rest

_TYPES = "What it gets; empty: everything."


@strawberry.type(description="Where events are sent, without the secret.")
class WebhookEndpoint(Node, Shown):
    """Where events are sent."""

    out = rest.WebhookEndpointOut

    url: str = about("Where it is posted to.")
    event_types: list[EventType] = about(_TYPES)
    signature: SignatureKind = about("How deliveries are signed.")
    description: str = about("Your own words for it.")
    reseller_id: strawberry.ID | None = about("Whose events it gets; null: those of all.")
    state: EndpointState = about("Whether it gets events.")
    disabled_reason: DisabledReason | None = about("Why it gets none.")
    public_key: str | None = about("What verifies V1A.")
    failing_since: datetime | None = about("Since when nothing got through.")
    version: int = about("Counts changes of this record: for `ifVersion`.")
    created_at: datetime = about("When it was made.")
    updated_at: datetime = about("When its record last changed.")


@strawberry.type(description="An endpoint that is gone.")
class RemovedWebhookEndpoint(Shown):
    """An endpoint that is gone."""

    out = rest.RemovedEndpointOut

    id: strawberry.ID = about("Its id.")
    reseller_id: strawberry.ID | None = about("Whose it was.")


@strawberry.type(description="What came of a test.")
class WebhookTest(Shown):
    """What came of a test."""

    out = rest.WebhookTestOut

    is_success: bool = about("Whether the receiver took it: a whole answer of 200 to 299.")
    status: int | None = about("The status of the answer; null: none came.")
    fault: str | None = about("Why there is no usable answer.")
    milliseconds: int = about("How long it took.")
    answer: str = about("The first 2 KiB of the answer.")


@strawberry.input(description="A webhook endpoint to create.")
class CreateWebhookEndpointInput:
    """A webhook endpoint to create."""

    url: str = about("Where to post to: https, and a public address.")
    event_types: list[EventType] | None = given(_TYPES)
    signature: SignatureKind | None = given("How deliveries are signed; left out: V1.")
    description: str | None = given("Your own words for it.")
    reseller_id: strawberry.ID | None = given("Whose events it gets; left out: yours.")


@strawberry.input(description="What to change of a webhook endpoint; what is left out stays.")
class UpdateWebhookEndpointInput:
    """What to change of a webhook endpoint."""

    id: strawberry.ID = about("Which endpoint.")
    url: str | None = given("Where to post to: https, and a public address.")
    event_types: list[EventType] | None = given(_TYPES)
    description: str | None = given("Your own words for it.")
    state: EndpointState | None = given("Whether it gets events.")


@strawberry.input(description="Which webhook endpoint to give a new secret.")
class RotateWebhookSecretInput:
    """Which webhook endpoint to give a new secret."""

    id: strawberry.ID = about("Which endpoint.")
    overlap_seconds: int | None = given(
        "How long the former secret signs as well, at most 86400; left out: a day."
    )


@strawberry.input(description="Which webhook endpoint to send a test to.")
class TestWebhookEndpointInput:
    """Which webhook endpoint to send a test to."""

    id: strawberry.ID = about("Which endpoint.")


@strawberry.input(description="Which webhook endpoint to send nothing more to.")
class RemoveWebhookEndpointInput:
    """Which webhook endpoint to remove."""

    id: strawberry.ID = about("Which endpoint.")


@strawberry.input(description="Which webhook endpoints; what is left out does not narrow.")
class WebhookEndpointFilter:
    """Which webhook endpoints."""

    reseller_id: strawberry.ID | None = given("Of this reseller.")


@strawberry.type
class WebhookQueries:
    """What can be asked of webhook endpoints."""

    @field
    async def webhook_endpoint(
        self, info: Info, id: Annotated[strawberry.ID, argument("Which endpoint.")]
    ) -> WebhookEndpoint | None:
        """Read a webhook endpoint."""
        return await read_by_id(rest.get_webhook_endpoint, info.context.reading, id)  # type: ignore[no-any-return]  # Shown as it.

    @field
    async def webhook_endpoints(
        self,
        info: Info,
        first: Annotated[int | None, argument(FIRST)] = 50,
        after: Annotated[str | None, argument(AFTER)] = None,
        filter: Annotated[WebhookEndpointFilter | None, argument(FILTER)] = None,  # noqa: A002 - contract
    ) -> Connection[WebhookEndpoint]:
        """List webhook endpoints, newest first."""
        return await connection(
            webhook_requests.WebhookEndpointQuery,
            first,
            after,
            filter,
            lambda query: rest.list_webhook_endpoints.endpoint(info.context.reading, query=query),
        )
