"""`/v1/webhook-endpoints`: where events are sent."""

from __future__ import annotations

from typing import Any, Final

from gateway.api.rest.routing import delete, get, mapped, mapped_page, patch, post
from gateway.api.rest.shapes import Out, Time
from gateway.api.rest.webhook_requests import (
    EndpointSecretRotation,
    WebhookEndpointCreate,
    WebhookEndpointPatch,
    WebhookEndpointQuery,
)
from gateway.domain.caller import Permission
from gateway.domain.errors import NotFound, QuotaExceeded
from gateway.domain.events import EventType
from gateway.domain.ids import EndpointId
from gateway.domain.paging import Page
from gateway.domain.webhooks import (
    DisabledReason,
    Endpoint,
    EndpointState,
    IssuedEndpoint,
    RemovedEndpoint,
    SignatureKind,
    Tried,
)
from gateway.services import webhooks
from gateway.services.context import Context, Outcome

_WITH_OVERLAP: Final = EndpointSecretRotation()


class WebhookEndpointOut(Out, frozen=True, kw_only=True):
    """An endpoint without its secret. `reseller_id` null: the operator's.

    `event_types` empty: all. `public_key`: what verifies `v1a`. `failing_since`: since when nothing
    got through.
    """

    id: str
    object: str = "webhook_endpoint"
    url: str
    event_types: tuple[EventType, ...]
    signature: SignatureKind
    description: str
    reseller_id: str | None
    state: EndpointState
    disabled_reason: DisabledReason | None
    public_key: str | None
    failing_since: Time | None
    version: int
    created_at: Time
    updated_at: Time


class IssuedWebhookEndpointOut(WebhookEndpointOut, frozen=True, kw_only=True):
    """An endpoint with its secret, which is shown this once; null where it has a public key."""

    secret: str | None


class RemovedEndpointOut(Out, frozen=True, kw_only=True):
    """An endpoint that is gone."""

    id: str
    reseller_id: str | None


class WebhookTestOut(Out, frozen=True, kw_only=True):
    """What came of a test. `answer`: the first 2 KiB. `fault`: why there is no usable answer."""

    is_success: bool
    status: int | None
    fault: str | None
    milliseconds: int
    answer: str


@post(
    "/v1/webhook-endpoints",
    status=201,
    needs=Permission.WEBHOOKS_WRITE,
    raises=(NotFound, QuotaExceeded),
)
async def create_webhook_endpoint(
    context: Context, body: WebhookEndpointCreate
) -> Outcome[IssuedWebhookEndpointOut]:
    """Create an endpoint. Its secret is in this answer only."""
    made = await webhooks.create_endpoint(context, body.to_new_endpoint())
    return mapped(made, issued_endpoint_out)


@get("/v1/webhook-endpoints", needs=Permission.WEBHOOKS_READ)
async def list_webhook_endpoints(
    context: Context, query: WebhookEndpointQuery
) -> Page[WebhookEndpointOut]:
    """List endpoints, newest first."""
    found = await webhooks.list_endpoints(context, query.page, query.reseller_id)
    return mapped_page(found, endpoint_out)


@get("/v1/webhook-endpoints/{endpoint_id}", needs=Permission.WEBHOOKS_READ, raises=(NotFound,))
async def get_webhook_endpoint(context: Context, endpoint_id: EndpointId) -> WebhookEndpointOut:
    """Read an endpoint, without its secret."""
    return endpoint_out(await webhooks.get_endpoint(context, endpoint_id))


@patch("/v1/webhook-endpoints/{endpoint_id}", needs=Permission.WEBHOOKS_WRITE, raises=(NotFound,))
async def change_webhook_endpoint(
    context: Context, endpoint_id: EndpointId, body: WebhookEndpointPatch
) -> Outcome[WebhookEndpointOut]:
    """Change the named fields of an endpoint; `state` disables it, or makes it active again."""
    changed = await webhooks.change_endpoint(context, endpoint_id, body.to_changes())
    return mapped(changed, endpoint_out)


@post(
    "/v1/webhook-endpoints/{endpoint_id}/rotate-secret",
    needs=Permission.WEBHOOKS_WRITE,
    raises=(NotFound,),
    is_versioned=True,
)
async def rotate_webhook_secret(
    context: Context, endpoint_id: EndpointId, body: EndpointSecretRotation = _WITH_OVERLAP
) -> Outcome[IssuedWebhookEndpointOut]:
    """Give an endpoint a new secret, which is in this answer only; the former signs for a while."""
    rotated = await webhooks.rotate_endpoint_secret(
        context, endpoint_id, overlap_seconds=body.overlap_seconds
    )
    return mapped(rotated, issued_endpoint_out)


@post(
    "/v1/webhook-endpoints/{endpoint_id}/test",
    needs=Permission.WEBHOOKS_WRITE,
    raises=(NotFound,),
)
async def try_webhook_endpoint(context: Context, endpoint_id: EndpointId) -> WebhookTestOut:
    """Send a test at once, and say what came of it. Each request sends one."""
    return tried_out(await webhooks.probe_endpoint(context, endpoint_id))


@delete("/v1/webhook-endpoints/{endpoint_id}", needs=Permission.WEBHOOKS_WRITE, raises=(NotFound,))
async def remove_webhook_endpoint(context: Context, endpoint_id: EndpointId) -> Outcome[None]:
    """Send nothing more to an endpoint, and forget it."""
    return mapped(await removed_endpoint(context, endpoint_id), lambda _: None)


async def removed_endpoint(
    context: Context, endpoint_id: EndpointId
) -> Outcome[RemovedEndpointOut]:
    """Send nothing more to an endpoint, and return which one it was."""
    return mapped(await webhooks.remove_endpoint(context, endpoint_id), removed_out)


def endpoint_out(endpoint: Endpoint) -> WebhookEndpointOut:
    """Return the public shape of *endpoint*."""
    return WebhookEndpointOut(**_members(endpoint))


def issued_endpoint_out(issued: IssuedEndpoint) -> IssuedWebhookEndpointOut:
    """Return the public shape of an endpoint with its secret."""
    secret = None if issued.secret is None else issued.secret.reveal()
    return IssuedWebhookEndpointOut(**_members(issued.endpoint), secret=secret)


def removed_out(removed: RemovedEndpoint) -> RemovedEndpointOut:
    """Return the public shape of an endpoint that is gone."""
    return RemovedEndpointOut(id=removed.id, reseller_id=removed.reseller_id)


def tried_out(tried: Tried) -> WebhookTestOut:
    """Return the public shape of what came of a test."""
    return WebhookTestOut(
        is_success=tried.is_success,
        status=tried.status,
        fault=tried.fault,
        milliseconds=tried.milliseconds,
        answer=tried.answer,
    )


def _members(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "id": endpoint.id,
        "url": endpoint.url,
        "event_types": endpoint.event_types,
        "signature": endpoint.signature,
        "description": endpoint.description,
        "reseller_id": endpoint.reseller_id,
        "state": endpoint.state,
        "disabled_reason": endpoint.disabled_reason,
        "public_key": endpoint.public_key,
        "failing_since": endpoint.failing_since,
        "version": endpoint.version,
        "created_at": endpoint.created_at,
        "updated_at": endpoint.updated_at,
    }
