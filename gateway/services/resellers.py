"""Resellers: tenants, their panel accounts and their policy."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from gateway.domain.audit import Phase
from gateway.domain.caller import ROOT_PATH, Permission
from gateway.domain.calls import UNCHANGED
from gateway.domain.errors import Fault, InvalidRequest, NotFound
from gateway.domain.events import EventType
from gateway.domain.ids import IdKind, ResellerId, new_id
from gateway.domain.paging import Page, PageRequest
from gateway.domain.resellers import (
    NewReseller,
    PanelAccount,
    Policy,
    Reseller,
    ResellerChanges,
    ResellerState,
    owner_path,
)
from gateway.services.action import Action, action
from gateway.services.audit_log import Owner
from gateway.services.context import Outcome
from gateway.services.idempotency import write_once
from gateway.services.ports.store import Store
from gateway.services.records import differences
from gateway.services.telling import tell_reseller

_SWITCHED: Final = {
    ResellerState.SUSPENDED: EventType.RESELLER_SUSPENDED,
    ResellerState.ACTIVE: EventType.RESELLER_RESUMED,
}


@action("reseller.create", needs=Permission.RESELLERS_WRITE, is_audited=True)
async def create_reseller(act: Action, new: NewReseller) -> Outcome[Reseller]:
    """Add a tenant, at the top or below another.

    Raises:
        InvalidRequest: an account or a policy names a panel that does not exist, or the policy one
            on which the reseller has no account; all faults at once.
        NotFound: there is no such parent.
    """

    async def change(store: Store) -> Reseller:
        parent_path = ROOT_PATH
        if new.parent_id is not None:
            parent_path = (await store.resellers.get(new.parent_id)).owner_path
        await _check_panels(store, new.panel_accounts, new.policy)
        now = act.ports.clock.now()
        reseller_id = ResellerId(new_id(IdKind.RESELLER, now, act.ports.random.bytes))
        reseller = Reseller(
            id=reseller_id,
            name=new.name,
            parent_id=new.parent_id,
            owner_path=owner_path(parent_path, reseller_id),
            state=ResellerState.ACTIVE,
            panel_accounts=new.panel_accounts,
            policy=new.policy,
            metadata=new.metadata,
            created_at=now,
            updated_at=now,
        )
        await store.resellers.add(reseller)
        await _record(act, store, None, reseller)
        return reseller

    return await write_once(act, Reseller, change)


@action("reseller.read", needs=Permission.RESELLERS_READ)
async def get_reseller(act: Action, reseller_id: ResellerId) -> Reseller:
    """Return a reseller of the scope.

    Raises:
        NotFound
    """
    async with act.read() as store:
        return await store.resellers.get(reseller_id)


@action("reseller.list", needs=Permission.RESELLERS_READ)
async def list_resellers(act: Action, page: PageRequest) -> Page[Reseller]:
    """Return the caller's resellers, newest first."""
    async with act.read() as store:
        return await store.resellers.list(page)


@action("reseller.update", needs=Permission.RESELLERS_WRITE, is_audited=True)
async def change_reseller(
    act: Action, reseller_id: ResellerId, changes: ResellerChanges
) -> Outcome[Reseller]:
    """Merge a patch; `policy` merges member by member, `metadata` key by key.

    Raises:
        NotFound, VersionMismatch, InvalidRequest
    """

    async def change(store: Store) -> Reseller:
        before = await store.resellers.get(reseller_id)
        after = _patched(before, changes)
        await _check_panels(store, after.panel_accounts, after.policy)
        return await _save(act, store, before, after)

    return await write_once(act, Reseller, change)


@action("reseller.suspend", needs=Permission.RESELLERS_WRITE, is_audited=True)
async def suspend_reseller(act: Action, reseller_id: ResellerId) -> Outcome[Reseller]:
    """Let a reseller, and those below it, read but change nothing. Safe to repeat.

    Raises:
        NotFound, VersionMismatch
    """
    return await _switch(act, reseller_id, ResellerState.SUSPENDED)


@action("reseller.resume", needs=Permission.RESELLERS_WRITE, is_audited=True)
async def resume_reseller(act: Action, reseller_id: ResellerId) -> Outcome[Reseller]:
    """Let a suspended reseller change things again. Safe to repeat.

    Raises:
        NotFound, VersionMismatch
    """
    return await _switch(act, reseller_id, ResellerState.ACTIVE)


async def _switch(act: Action, reseller_id: ResellerId, state: ResellerState) -> Outcome[Reseller]:
    async def change(store: Store) -> Reseller:
        before = await store.resellers.get(reseller_id)
        return await _save(act, store, before, replace(before, state=state))

    return await write_once(act, Reseller, change)


async def _save(act: Action, store: Store, before: Reseller, after: Reseller) -> Reseller:
    act.check_version(before.version)
    if after == before:
        return before
    after = replace(after, version=before.version + 1, updated_at=act.ports.clock.now())
    await store.resellers.save(after, expected_version=before.version)
    await _record(act, store, before, after)
    if after.policy.expiring_marks != before.policy.expiring_marks:
        for rows in (store.lines, store.devices):
            await rows.look_anew(after.id, after.updated_at)
    if after.state is not before.state:
        await tell_reseller(store, act.ports, _SWITCHED[after.state], after)
    return after


async def _record(act: Action, store: Store, before: Reseller | None, after: Reseller) -> None:
    old, new = differences(before, after, act.ports.sealer)
    await store.audit.append(
        act.entry(
            Phase.SUCCEEDED,
            resource_id=after.id,
            owner=Owner(after.id, after.owner_path),
            before=old,
            after=new,
        )
    )


def _patched(reseller: Reseller, changes: ResellerChanges) -> Reseller:
    plain: dict[str, Any] = {
        name: value
        for name in ("name", "panel_accounts")
        if (value := getattr(changes, name)) is not UNCHANGED
    }
    if changes.policy:
        plain["policy"] = replace(reseller.policy, **changes.policy)
    if changes.metadata is not UNCHANGED:
        merged = reseller.metadata | changes.metadata
        plain["metadata"] = {key: value for key, value in merged.items() if value is not None}
    return replace(reseller, **plain)


async def _check_panels(store: Store, accounts: tuple[PanelAccount, ...], policy: Policy) -> None:
    """Refuse accounts and policies that name panels which are not there, all at once."""
    faults: list[Fault] = []
    known: set[str] = set()
    for place, account in enumerate(accounts):
        pointer = f"/panel_accounts/{place}/panel_id"
        if account.panel_id in known:
            faults.append(Fault(pointer, "duplicate", "One account on each panel."))
        elif await _exists(store, account):
            known.add(account.panel_id)
        else:
            faults.append(Fault(pointer, "unknown", "There is no such panel."))
    for place, panel_id in enumerate(policy.panel_ids or ()):
        if panel_id not in known:
            pointer = f"/policy/panel_ids/{place}"
            detail = "The reseller has no account on this panel in panel_accounts."
            faults.append(Fault(pointer, "no_account", detail))
    if faults:
        raise InvalidRequest("The panels of this reseller do not fit.", faults=tuple(faults))


async def _exists(store: Store, account: PanelAccount) -> bool:
    try:
        await store.panels.get(account.panel_id)
    except NotFound:
        return False
    return True
