"""Webhook endpoints: make, list, change, rotate, try, remove."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import msgspec

from gateway.domain.audit import Phase
from gateway.domain.caller import Permission
from gateway.domain.calls import UNCHANGED
from gateway.domain.errors import Fault, InvalidRequest, QuotaExceeded, ServiceUnavailable
from gateway.domain.ids import EndpointId, IdKind, ResellerId, new_id
from gateway.domain.paging import Page, PageRequest
from gateway.domain.webhooks import (
    OVERLAP_SECONDS_MAX,
    DisabledReason,
    Endpoint,
    EndpointChanges,
    EndpointSecret,
    EndpointState,
    IssuedEndpoint,
    NewEndpoint,
    RemovedEndpoint,
    SignatureKind,
    Tried,
    overlapping,
)
from gateway.services.action import Action, action
from gateway.services.audit_log import Owner
from gateway.services.context import Outcome, Ports
from gateway.services.idempotency import write_once
from gateway.services.ownership import owner_named
from gateway.services.ports.sender import Sender, Sent
from gateway.services.ports.store import Store
from gateway.services.telling import moment
from gateway.services.webhook_health import end_deliveries
from gateway.services.webhook_records import endpoint_differences, endpoint_facts
from gateway.services.webhook_signing import new_secret, public_key_of, signed_headers

#: What a test says it is; no real event has this type.
TEST_TYPE = "webhook_endpoint.test"


@action("webhook_endpoint.create", needs=Permission.WEBHOOKS_WRITE, is_audited=True)
async def create_endpoint(act: Action, new: NewEndpoint) -> Outcome[IssuedEndpoint]:
    """Make an endpoint; its secret, or its public key, is in this answer.

    Raises:
        NotFound: there is no such reseller.
        InvalidRequest: nothing may be sent to this URL.
        QuotaExceeded: its owner has as many as it may have.
    """
    _refuse_url(act.ports, new.url)

    async def change(store: Store) -> IssuedEndpoint:
        now = act.ports.clock.now()
        owner = await owner_named(store, act.context.caller, new.reseller_id)
        await _check_quota(store, owner, act.ports.limits.webhook_endpoints_max)
        secret = new_secret(new.signature, act.ports.random.bytes)
        endpoint = Endpoint(
            id=EndpointId(new_id(IdKind.ENDPOINT, now, act.ports.random.bytes)),
            url=new.url,
            event_types=new.event_types,
            signature=new.signature,
            description=new.description,
            reseller_id=owner.reseller_id,
            owner_path=owner.path,
            state=EndpointState.ACTIVE,
            disabled_reason=None,
            secrets=(EndpointSecret(value=secret),),
            public_key=public_key_of(new.signature, secret),
            failing_since=None,
            version=1,
            created_at=now,
            updated_at=now,
        )
        await store.endpoints.add(endpoint)
        await _record(act, store, None, endpoint)
        return _issued(endpoint)

    return await write_once(act, IssuedEndpoint, change)


@action("webhook_endpoint.read", needs=Permission.WEBHOOKS_READ)
async def get_endpoint(act: Action, endpoint_id: EndpointId) -> Endpoint:
    """Return an endpoint of the scope.

    Raises:
        NotFound
    """
    async with act.read() as store:
        return await store.endpoints.get(endpoint_id)


@action("webhook_endpoint.list", needs=Permission.WEBHOOKS_READ)
async def list_endpoints(
    act: Action, page: PageRequest, reseller_id: ResellerId | None
) -> Page[Endpoint]:
    """Return endpoints, newest first; of one reseller only where *reseller_id* is given."""
    async with act.read() as store:
        return await store.endpoints.list(page, reseller_id)


@action("webhook_endpoint.update", needs=Permission.WEBHOOKS_WRITE, is_audited=True)
async def change_endpoint(
    act: Action, endpoint_id: EndpointId, changes: EndpointChanges
) -> Outcome[Endpoint]:
    """Merge a patch. What is disabled gets nothing more, also not what was still to be sent.

    Raises:
        NotFound, VersionMismatch
        InvalidRequest: nothing may be sent to this URL.
    """
    if changes.url is not UNCHANGED:
        _refuse_url(act.ports, changes.url)

    async def change(store: Store) -> Endpoint:
        before = await store.endpoints.get(endpoint_id)
        act.check_version(before.version)
        after = await _save(act, store, before, _patched(before, changes))
        if before.state is EndpointState.ACTIVE and after.state is EndpointState.DISABLED:
            await end_deliveries(act, store, after)
        return after

    return await write_once(act, Endpoint, change)


@action("webhook_endpoint.rotate_secret", needs=Permission.WEBHOOKS_WRITE, is_audited=True)
async def rotate_endpoint_secret(
    act: Action, endpoint_id: EndpointId, *, overlap_seconds: int = OVERLAP_SECONDS_MAX
) -> Outcome[IssuedEndpoint]:
    """Give an endpoint a new secret or key; the former signs beside it for *overlap_seconds*.

    Args:
        overlap_seconds: 0 to 86,400.

    Raises:
        NotFound, VersionMismatch
        InvalidRequest: *overlap_seconds* is out of range.
    """
    if not 0 <= overlap_seconds <= OVERLAP_SECONDS_MAX:
        detail = f"This must be 0 to {OVERLAP_SECONDS_MAX}."
        raise InvalidRequest(detail, faults=(Fault("/overlap_seconds", "out_of_range", detail),))

    async def change(store: Store) -> IssuedEndpoint:
        before = await store.endpoints.get(endpoint_id)
        act.check_version(before.version)
        secret = new_secret(before.signature, act.ports.random.bytes)
        overlap = timedelta(seconds=overlap_seconds)
        after = replace(
            before,
            secrets=overlapping(before.secrets, secret, act.ports.clock.now(), overlap),
            public_key=public_key_of(before.signature, secret),
        )
        return _issued(await _save(act, store, before, after))

    return await write_once(act, IssuedEndpoint, change)


@action("webhook_endpoint.test", needs=Permission.WEBHOOKS_WRITE, is_audited=True)
async def probe_endpoint(act: Action, endpoint_id: EndpointId) -> Tried:
    """Send a test once, also to an endpoint that is disabled, and return what came of it.

    Raises:
        NotFound
    """
    async with act.read() as store:
        endpoint = await store.endpoints.get(endpoint_id)
    now = act.ports.clock.now()
    event_id = new_id(IdKind.EVENT, now, act.ports.random.bytes)
    data = {"id": endpoint.id, "object": "webhook_endpoint"}
    body = msgspec.json.encode({"type": TEST_TYPE, "timestamp": moment(now), "data": data})
    headers = signed_headers(endpoint, event_id, body, now)
    tried = tried_of(await sender_of(act.ports).send(endpoint.url, headers, body))
    async with act.write() as store:
        entry = act.entry(Phase.SUCCEEDED, resource_id=endpoint.id, owner=_owner(endpoint))
        await store.audit.append(entry)
    return tried


@action("webhook_endpoint.remove", needs=Permission.WEBHOOKS_WRITE, is_audited=True)
async def remove_endpoint(act: Action, endpoint_id: EndpointId) -> Outcome[RemovedEndpoint]:
    """Send nothing more to an endpoint, and forget it.

    Raises:
        NotFound
    """

    async def change(store: Store) -> RemovedEndpoint:
        before = await store.endpoints.get(endpoint_id)
        await store.endpoints.delete(endpoint_id)
        old = endpoint_facts(before, act.ports.sealer)
        entry = act.entry(
            Phase.SUCCEEDED, resource_id=endpoint_id, owner=_owner(before), before=old
        )
        await store.audit.append(entry)
        return RemovedEndpoint(id=endpoint_id, reseller_id=before.reseller_id)

    return await write_once(act, RemovedEndpoint, change)


def sender_of(ports: Ports) -> Sender:
    """Return what sends.

    Raises:
        ServiceUnavailable: this process sends nothing.
    """
    if ports.sender is None:
        raise ServiceUnavailable("This process sends no webhooks.")
    return ports.sender


def tried_of(sent: Sent) -> Tried:
    """Return what is told of an answer. NUL is left out: PostgreSQL has no text with it."""
    return Tried(
        status=sent.status,
        fault=None if sent.fault is None else sent.fault.value,
        milliseconds=sent.milliseconds,
        answer=sent.body_start.decode("utf-8", "replace").replace("\0", ""),
        is_success=sent.is_success,
    )


async def _save(act: Action, store: Store, before: Endpoint, after: Endpoint) -> Endpoint:
    if after == before:
        return before
    after = replace(after, version=before.version + 1, updated_at=act.ports.clock.now())
    await store.endpoints.save(after, expected_version=before.version)
    await _record(act, store, before, after)
    return after


async def _record(act: Action, store: Store, before: Endpoint | None, after: Endpoint) -> None:
    old, new = endpoint_differences(before, after, act.ports.sealer)
    await store.audit.append(
        act.entry(Phase.SUCCEEDED, resource_id=after.id, owner=_owner(after), before=old, after=new)
    )


async def _check_quota(store: Store, owner: Owner, limit: int) -> None:
    """Count under a lock, so that two creations at once cannot both be the last one.

    Raises:
        QuotaExceeded
    """
    await store.endpoints.lock(owner.path)
    if await store.endpoints.count(owner.path) >= limit:
        raise QuotaExceeded(f"At most {limit} webhook endpoints are allowed; remove one first.")


def _owner(endpoint: Endpoint) -> Owner:
    return Owner(endpoint.reseller_id, endpoint.owner_path)


def _issued(endpoint: Endpoint) -> IssuedEndpoint:
    is_shared = endpoint.signature is SignatureKind.V1
    return IssuedEndpoint(
        endpoint=endpoint, secret=endpoint.secrets[0].value if is_shared else None
    )


def _patched(endpoint: Endpoint, changes: EndpointChanges) -> Endpoint:
    given: dict[str, Any] = {
        each.name: value
        for each in fields(changes)
        if (value := getattr(changes, each.name)) is not UNCHANGED
    }
    after = replace(endpoint, **given)
    if after.state is endpoint.state:
        return after
    reason = DisabledReason.ASKED if after.state is EndpointState.DISABLED else None
    return replace(after, disabled_reason=reason, failing_since=None, mail_at=None)


def _refuse_url(ports: Ports, url: str) -> None:
    """Refuse what the sender would not send to, as far as the text shows.

    Raises:
        InvalidRequest
    """
    fault = sender_of(ports).check_url(url)
    if fault is not None:
        faults = (Fault("/url", fault.value, fault.detail),)
        raise InvalidRequest("Nothing can be sent to this URL.", faults=faults)
