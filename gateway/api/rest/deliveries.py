"""`/v1/webhook-endpoints/{endpoint_id}/deliveries` and `/v1/deliveries`: the log of webhooks."""

from __future__ import annotations

from gateway.api.rest.routing import get, mapped, mapped_page, post
from gateway.api.rest.shapes import Out, Time
from gateway.api.rest.webhook_requests import DeliveryQuery, EndpointRecovery
from gateway.domain.caller import Permission
from gateway.domain.deliveries import Attempt, DeliveryState, LoggedDelivery, Recovery
from gateway.domain.errors import NotFound, StateConflict
from gateway.domain.events import EventType
from gateway.domain.ids import DeliveryId, EndpointId
from gateway.domain.paging import Page
from gateway.services import deliveries
from gateway.services.context import Context, Outcome


class AttemptOut(Out, frozen=True, kw_only=True):
    """One sending. `headers` without the signatures; `answer`: its first 2 KiB.

    `fault`: why there is no usable answer.
    """

    id: str
    at: Time
    is_success: bool
    status: int | None
    fault: str | None
    milliseconds: int
    headers: dict[str, str]
    answer: str


class DeliveryOut(Out, frozen=True, kw_only=True):
    """One event for one endpoint. `next_at`: when it is sent next; null: it is over."""

    id: str
    object: str = "delivery"
    endpoint_id: str
    event_id: str
    event_type: EventType
    resource_id: str
    sequence: int
    state: DeliveryState
    next_at: Time | None
    attempts: tuple[AttemptOut, ...]
    created_at: Time
    ended_at: Time | None


class RecoveryOut(Out, frozen=True, kw_only=True):
    """How many deliveries were begun.

    `go_on_since`: there is more; do it again from then on. Null: that was all.
    """

    endpoint_id: str
    since: Time
    deliveries: int
    go_on_since: Time | None


@get(
    "/v1/webhook-endpoints/{endpoint_id}/deliveries",
    needs=Permission.WEBHOOKS_READ,
    raises=(NotFound,),
)
async def list_deliveries(
    context: Context, endpoint_id: EndpointId, query: DeliveryQuery
) -> Page[DeliveryOut]:
    """List an endpoint's deliveries of the last 30 days with their attempts, newest first."""
    found = await deliveries.list_deliveries(context, endpoint_id, query.page, query.state)
    return mapped_page(found, delivery_out)


@post(
    "/v1/deliveries/{delivery_id}/redeliver",
    needs=Permission.WEBHOOKS_WRITE,
    raises=(NotFound, StateConflict),
)
async def redeliver(context: Context, delivery_id: DeliveryId) -> Outcome[DeliveryOut]:
    """Have a delivery made again, also one that the receiver took."""
    return mapped(await deliveries.redeliver_one(context, delivery_id), delivery_out)


@post(
    "/v1/webhook-endpoints/{endpoint_id}/recover",
    needs=Permission.WEBHOOKS_WRITE,
    raises=(NotFound, StateConflict),
)
async def recover_webhook_endpoint(
    context: Context, endpoint_id: EndpointId, body: EndpointRecovery
) -> Outcome[RecoveryOut]:
    """Have everything delivered that happened since then and did not get through."""
    recovered = await deliveries.redeliver_since(context, endpoint_id, body.since)
    return mapped(recovered, recovery_out)


def delivery_out(logged: LoggedDelivery) -> DeliveryOut:
    """Return the public shape of a delivery."""
    delivery = logged.delivery
    return DeliveryOut(
        id=delivery.id,
        endpoint_id=delivery.endpoint_id,
        event_id=delivery.event_id,
        event_type=delivery.event_type,
        resource_id=delivery.resource_id,
        sequence=delivery.sequence,
        state=delivery.state,
        next_at=delivery.next_at,
        attempts=tuple(map(attempt_out, logged.attempts)),
        created_at=delivery.created_at,
        ended_at=delivery.ended_at,
    )


def attempt_out(attempt: Attempt) -> AttemptOut:
    """Return the public shape of an attempt."""
    tried = attempt.tried
    return AttemptOut(
        id=attempt.id,
        at=attempt.at,
        is_success=tried.is_success,
        status=tried.status,
        fault=tried.fault,
        milliseconds=tried.milliseconds,
        headers=attempt.headers,
        answer=tried.answer,
    )


def recovery_out(recovery: Recovery) -> RecoveryOut:
    """Return the public shape of a recovery."""
    return RecoveryOut(
        endpoint_id=recovery.endpoint_id,
        since=recovery.since,
        deliveries=recovery.deliveries,
        go_on_since=recovery.go_on_since,
    )
