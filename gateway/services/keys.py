"""API keys: issue, list, revoke. A caller can only give what it has."""

from __future__ import annotations

from gateway.domain.audit import Phase
from gateway.domain.caller import Permission
from gateway.domain.errors import Fault, FieldNotAllowed, InvalidRequest
from gateway.domain.ids import IdKind, KeyId, ResellerId, new_id
from gateway.domain.keys import IssuedKey, Key, NewKey, key_digest, new_key_secret, shown_prefix
from gateway.domain.limits import Rate
from gateway.domain.paging import Page, PageRequest
from gateway.services.action import Action, action
from gateway.services.audit_log import Owner
from gateway.services.context import Outcome
from gateway.services.idempotency import write_once
from gateway.services.ownership import check_givable, givable, owner_named
from gateway.services.ports.store import Store
from gateway.services.records import facts_of


@action("key.issue", needs=Permission.KEYS_WRITE, is_audited=True)
async def issue_key(act: Action, new: NewKey) -> Outcome[IssuedKey]:
    """Make a key; its secret is in this answer and nowhere else.

    Raises:
        PermissionDenied: a permission that the caller has not got, or that no reseller may have.
        NotFound: there is no such reseller.
        FieldNotAllowed: a rate limit above the caller's own, who is no operator.
        InvalidRequest: it would have expired already.
    """

    async def change(store: Store) -> IssuedKey:
        now = act.ports.clock.now()
        if new.expires_at is not None and new.expires_at <= now:
            detail = "The key would have expired already."
            raise InvalidRequest(detail, faults=(Fault("/expires_at", "in_the_past", detail),))
        owner = await owner_named(store, act.context.caller, new.reseller_id)
        secret = new_key_secret(act.ports.random.text)
        key = Key(
            id=KeyId(new_id(IdKind.KEY, now, act.ports.random.bytes)),
            name=new.name,
            reseller_id=owner.reseller_id,
            owner_path=owner.path,
            prefix=shown_prefix(secret.reveal()),
            permissions=_permissions(act, new, owner),
            allowed_ips=new.allowed_ips,
            expires_at=new.expires_at,
            last_used_at=None,
            revoked_at=None,
            created_at=now,
            rate_limit=_rate_limit(act, new),
        )
        await store.keys.add(key, key_digest(secret.reveal()))
        after = facts_of(key, act.ports.sealer)
        await store.audit.append(
            act.entry(Phase.SUCCEEDED, resource_id=key.id, owner=owner, after=after)
        )
        return IssuedKey(key=key, secret=secret)

    return await write_once(act, IssuedKey, change)


def _permissions(act: Action, new: NewKey, owner: Owner) -> frozenset[Permission]:
    caller = act.context.caller
    if new.permissions is None:
        return givable(caller, owner.reseller_id)
    check_givable(caller, new.permissions, owner.reseller_id)
    return new.permissions


def _rate_limit(act: Action, new: NewKey) -> Rate | None:
    caller = act.context.caller
    if new.rate_limit is None:
        return caller.rate_limit
    own = act.ports.rates.rates.of(caller)
    if not caller.sees_everything and new.rate_limit.exceeds(own):
        detail = f"Your own rate limit is {own}; a key that you issue cannot have a higher one."
        raise FieldNotAllowed(detail, faults=(Fault("/rate_limit", "too_high", detail),))
    return new.rate_limit


@action("key.read", needs=Permission.KEYS_READ)
async def get_key(act: Action, key_id: KeyId) -> Key:
    """Return a key of the scope, without its secret.

    Raises:
        NotFound
    """
    async with act.read() as store:
        return await store.keys.get(key_id)


@action("key.list", needs=Permission.KEYS_READ)
async def list_keys(act: Action, page: PageRequest, reseller_id: ResellerId | None) -> Page[Key]:
    """Return keys, newest first; of one reseller only where *reseller_id* is given."""
    async with act.read() as store:
        return await store.keys.list(page, reseller_id)


@action("key.revoke", needs=Permission.KEYS_WRITE, is_audited=True)
async def revoke_key(act: Action, key_id: KeyId) -> Outcome[Key]:
    """End a key for good, at once. Safe to repeat.

    Raises:
        NotFound
    """

    async def change(store: Store) -> Key:
        key = await store.keys.get(key_id)
        if key.revoked_at is None:
            await store.keys.revoke(key_id, act.ports.clock.now())
            owner = Owner(key.reseller_id, key.owner_path)
            await store.audit.append(act.entry(Phase.SUCCEEDED, resource_id=key.id, owner=owner))
        return await store.keys.get(key_id)

    return await write_once(act, Key, change)
