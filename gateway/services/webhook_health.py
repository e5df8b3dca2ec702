"""What becomes of an endpoint by what it answers, and how it is disabled."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING

from gateway.domain.audit import Phase
from gateway.domain.deliveries import FAILING_MAX
from gateway.domain.events import EventType
from gateway.domain.webhooks import DisabledReason, Endpoint, EndpointState, Tried
from gateway.services.audit_log import Owner
from gateway.services.telling import About, tell
from gateway.services.webhook_records import endpoint_differences

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.services.action import Action
    from gateway.services.ports.store import Store


async def note_answer(
    act: Action, store: Store, endpoint: Endpoint, tried: Tried, now: datetime
) -> Endpoint:
    """Note whether something got through, and disable the endpoint when there is no more use.

    Its version stays unless it is disabled: what its owner has read is still so.
    """
    if endpoint.state is not EndpointState.ACTIVE:
        return endpoint
    since = None if tried.is_success else endpoint.failing_since or now
    after = replace(endpoint, failing_since=since)
    reason = _reason_to_disable(after, tried, now)
    if reason is not None:
        return await _disable(act, store, after, reason, now)
    if after != endpoint:
        await store.endpoints.save(after, expected_version=endpoint.version)
    return after


async def end_deliveries(act: Action, store: Store, endpoint: Endpoint) -> None:
    """Give up what is still to be sent to an endpoint that was disabled, and tell of it."""
    reason = endpoint.disabled_reason
    await store.deliveries.give_up(endpoint.id, act.ports.clock.now())
    about = About(
        resource_id=endpoint.id,
        owner_path=endpoint.owner_path,
        reseller_id=endpoint.reseller_id,
    )
    data = {
        "id": endpoint.id,
        "object": "webhook_endpoint",
        "state": endpoint.state.value,
        "disabled_reason": None if reason is None else reason.value,
        "reseller_id": endpoint.reseller_id,
    }
    await tell(store, act.ports, EventType.WEBHOOK_ENDPOINT_DISABLED, about, data)


def _reason_to_disable(endpoint: Endpoint, tried: Tried, now: datetime) -> DisabledReason | None:
    if tried.status == HTTPStatus.GONE:
        return DisabledReason.GONE
    since = endpoint.failing_since
    return DisabledReason.FAILING if since is not None and now - since >= FAILING_MAX else None


async def _disable(
    act: Action, store: Store, before: Endpoint, reason: DisabledReason, now: datetime
) -> Endpoint:
    after = replace(
        before,
        state=EndpointState.DISABLED,
        disabled_reason=reason,
        version=before.version + 1,
        updated_at=now,
        mail_at=None if act.ports.mailer is None else now,
    )
    await store.endpoints.save(after, expected_version=before.version)
    old, new = endpoint_differences(before, after, act.ports.sealer)
    entry = act.entry(
        Phase.SUCCEEDED,
        name="webhook_endpoint.disable",
        resource_id=after.id,
        owner=Owner(after.reseller_id, after.owner_path),
        before=old,
        after=new,
    )
    await store.audit.append(entry)
    await end_deliveries(act, store, after)
    return after
