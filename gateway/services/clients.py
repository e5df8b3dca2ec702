"""OAuth clients: make, list, change, rotate, revoke. A caller can only give what it has.

Whoever takes a client over, by a new secret or by keys of their own, gets all that it may: so for
that, too, the caller must have it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

from gateway.domain.audit import Phase
from gateway.domain.caller import Permission
from gateway.domain.calls import UNCHANGED
from gateway.domain.clients import (
    OVERLAP_SECONDS_MAX,
    Client,
    ClientChanges,
    IssuedClient,
    NewClient,
    client_secret_digest,
    new_client_secret,
)
from gateway.domain.errors import Fault, InvalidRequest, StateConflict
from gateway.domain.ids import ClientId, IdKind, ResellerId, new_id
from gateway.domain.jwks import jwks_faults
from gateway.domain.origins import ORIGINS_MAX, normal_origin
from gateway.domain.paging import Page, PageRequest
from gateway.services.action import Action, action
from gateway.services.audit_log import Owner
from gateway.services.context import Outcome
from gateway.services.idempotency import write_once
from gateway.services.ownership import check_givable, givable, owner_named
from gateway.services.ports.store import Store
from gateway.services.records import differences


@action("client.create", needs=Permission.CLIENTS_WRITE, is_audited=True)
async def create_client(act: Action, new: NewClient) -> Outcome[IssuedClient]:
    """Make a client; its secret, if it has no keys of its own, is in this answer and nowhere else.

    Raises:
        PermissionDenied: a permission that the caller has not got, or that no reseller may have.
        NotFound: there is no such reseller.
        InvalidRequest: an origin or a key cannot be one; all faults at once.
    """
    _refuse_faults(new.origins, new.jwks)

    async def change(store: Store) -> IssuedClient:
        now = act.ports.clock.now()
        owner = await owner_named(store, act.context.caller, new.reseller_id)
        secret = None if new.jwks is not None else new_client_secret(act.ports.random.text)
        client = Client(
            id=ClientId(new_id(IdKind.CLIENT, now, act.ports.random.bytes)),
            name=new.name,
            reseller_id=owner.reseller_id,
            owner_path=owner.path,
            permissions=_permissions(act, new, owner),
            origins=tuple(map(normal_origin, new.origins)),
            jwks=new.jwks,
            needs_dpop=new.needs_dpop,
            secret_digest=None if secret is None else client_secret_digest(secret.reveal()),
            last_used_at=None,
            revoked_at=None,
            created_at=now,
            updated_at=now,
        )
        await store.clients.add(client)
        await _record(act, store, None, client)
        return IssuedClient(client=client, secret=secret)

    return await write_once(act, IssuedClient, change)


def _permissions(act: Action, new: NewClient, owner: Owner) -> frozenset[Permission]:
    caller = act.context.caller
    if new.permissions is None:
        return givable(caller, owner.reseller_id)
    check_givable(caller, new.permissions, owner.reseller_id)
    return new.permissions


@action("client.read", needs=Permission.CLIENTS_READ)
async def get_client(act: Action, client_id: ClientId) -> Client:
    """Return a client of the scope, without its secret.

    Raises:
        NotFound
    """
    async with act.read() as store:
        return await store.clients.get(client_id)


@action("client.list", needs=Permission.CLIENTS_READ)
async def list_clients(
    act: Action, page: PageRequest, reseller_id: ResellerId | None
) -> Page[Client]:
    """Return clients, newest first; of one reseller only where *reseller_id* is given."""
    async with act.read() as store:
        return await store.clients.list(page, reseller_id)


@action("client.list_origins", needs=Permission.CLIENTS_READ)
async def list_origins(act: Action) -> frozenset[str]:
    """Return the origins of all clients of the scope that are not revoked."""
    async with act.read() as store:
        return await store.clients.origins()


@action("client.update", needs=Permission.CLIENTS_WRITE, is_audited=True)
async def change_client(
    act: Action, client_id: ClientId, changes: ClientChanges
) -> Outcome[Client]:
    """Merge a patch. Keys in place of a secret end the secret; without keys it needs a new one.

    Raises:
        NotFound, VersionMismatch
        PermissionDenied: a permission is added that the caller has not got, or that no reseller may
            have; or other keys are set for a client that may more than the caller.
        StateConflict: it was revoked.
        InvalidRequest: an origin or a key cannot be one; all faults at once.
    """
    _refuse_faults(
        () if changes.origins is UNCHANGED else changes.origins,
        None if changes.jwks is UNCHANGED else changes.jwks,
    )

    async def change(store: Store) -> Client:
        before = await store.clients.get(client_id)
        act.check_version(before.version)
        _refuse_revoked(before)
        after = _patched(before, changes)
        new = after.permissions - before.permissions
        is_taken_over = after.jwks is not None and after.jwks != before.jwks
        given = after.permissions if is_taken_over else new
        check_givable(act.context.caller, given, after.reseller_id)
        return await _save(act, store, before, after)

    return await write_once(act, Client, change)


@action("client.rotate_secret", needs=Permission.CLIENTS_WRITE, is_audited=True)
async def rotate_client_secret(
    act: Action, client_id: ClientId, *, overlap_seconds: int = 0
) -> Outcome[IssuedClient]:
    """Give a client a new secret, which is in this answer and nowhere else.

    Args:
        overlap_seconds: how long the former secret stays good, 0 to 86,400.

    Raises:
        NotFound, VersionMismatch
        PermissionDenied: the client may do what the caller may not.
        StateConflict: it was revoked, or has keys of its own.
        InvalidRequest: *overlap_seconds* is out of range.
    """
    if not 0 <= overlap_seconds <= OVERLAP_SECONDS_MAX:
        detail = f"This must be 0 to {OVERLAP_SECONDS_MAX}."
        raise InvalidRequest(detail, faults=(Fault("/overlap_seconds", "out_of_range", detail),))

    async def change(store: Store) -> IssuedClient:
        before = await store.clients.get(client_id)
        act.check_version(before.version)
        _refuse_revoked(before)
        if before.jwks is not None:
            raise StateConflict("This client has keys of its own, and no secret.")
        check_givable(act.context.caller, before.permissions, before.reseller_id)
        secret = new_client_secret(act.ports.random.text)
        overlap = timedelta(seconds=overlap_seconds)
        keeps = overlap and before.secret_digest is not None
        after = replace(
            before,
            secret_digest=client_secret_digest(secret.reveal()),
            former_digest=before.secret_digest if keeps else None,
            former_ends_at=act.ports.clock.now() + overlap if keeps else None,
        )
        return IssuedClient(client=await _save(act, store, before, after), secret=secret)

    return await write_once(act, IssuedClient, change)


@action("client.revoke", needs=Permission.CLIENTS_WRITE, is_audited=True)
async def revoke_client(act: Action, client_id: ClientId) -> Outcome[Client]:
    """End a client for good, and its secrets with it. Safe to repeat.

    Raises:
        NotFound
    """

    async def change(store: Store) -> Client:
        before = await store.clients.get(client_id)
        if before.revoked_at is not None:
            return before
        after = replace(_without_secret(before), revoked_at=act.ports.clock.now())
        return await _save(act, store, before, after)

    return await write_once(act, Client, change)


async def _save(act: Action, store: Store, before: Client, after: Client) -> Client:
    if after == before:
        return before
    after = replace(after, version=before.version + 1, updated_at=act.ports.clock.now())
    await store.clients.save(after, expected_version=before.version)
    await _record(act, store, before, after)
    return after


async def _record(act: Action, store: Store, before: Client | None, after: Client) -> None:
    old, new = differences(before, after, act.ports.sealer)
    owner = Owner(after.reseller_id, after.owner_path)
    await store.audit.append(
        act.entry(Phase.SUCCEEDED, resource_id=after.id, owner=owner, before=old, after=new)
    )


def _patched(client: Client, changes: ClientChanges) -> Client:
    given: dict[str, Any] = {
        each.name: value
        for each in fields(changes)
        if (value := getattr(changes, each.name)) is not UNCHANGED
    }
    if "origins" in given:
        given["origins"] = tuple(map(normal_origin, given["origins"]))
    after = replace(client, **given)
    return after if after.jwks is None else _without_secret(after)


def _without_secret(client: Client) -> Client:
    return replace(client, secret_digest=None, former_digest=None, former_ends_at=None)


def _refuse_revoked(client: Client) -> None:
    if client.revoked_at is not None:
        raise StateConflict("This client was revoked.")


def _refuse_faults(origins: tuple[str, ...], jwks: dict[str, Any] | None) -> None:
    """Hold what any edge hands in against the rules; REST has told the same faults already.

    Raises:
        InvalidRequest
    """
    faults = (*_origin_faults(origins), *(() if jwks is None else jwks_faults(jwks)))
    if faults:
        raise InvalidRequest("The client cannot be as it is described.", faults=faults)


def _origin_faults(origins: tuple[str, ...]) -> Iterator[Fault]:
    normal: list[str] = []
    for place, origin in enumerate(origins):
        try:
            normal.append(normal_origin(origin))
        except ValueError as error:
            yield Fault(f"/origins/{place}", "bad_format", str(error))
    if len(set(normal)) != len(normal):
        yield Fault("/origins", "duplicate", "The same origin is there twice.")
    if len(origins) > ORIGINS_MAX:
        yield Fault("/origins", "too_long", f"At most {ORIGINS_MAX} origins.")
