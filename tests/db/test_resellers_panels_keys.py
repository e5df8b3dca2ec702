"""Resellers, panels and keys in the registry."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.db.store import SqlDatabase
from gateway.domain.caller import Permission
from gateway.domain.errors import NotFound, VersionMismatch
from gateway.domain.ids import KeyId, PanelId, ResellerId
from gateway.domain.paging import PageRequest
from gateway.domain.panels import (
    Bouquet,
    Budget,
    FloodGuard,
    Panel,
    Probe,
    ProbeWarning,
    SuspendBy,
    Tls,
)
from gateway.domain.resellers import PanelAccount, Policy, ResellerState
from gateway.domain.secrets import Secret
from gateway.services.ports.store import Store
from gateway.services.scope import system_scope
from tests.db.conftest import Family, scope_for
from tests.factories import NOW, PANEL_ID, a_key, a_panel, a_reseller, owned_by

FULL_POLICY = Policy(
    panel_ids=(PANEL_ID,),
    bouquet_ids={PANEL_ID: (1, 2)},
    max_connections=None,
    max_lines=100,
    max_devices=5,
    trials_per_day=None,
    may_restream=True,
    may_never_expire=True,
    subscriber_may=("rotate_password", "renew"),
    expiring_marks=(),
)


def a_full_panel() -> Panel:
    return a_panel(
        id=PanelId("pnl_0000000000000000000000000b"),
        api_pass=None,
        tls=Tls(verify=False, ca_pem="PEM"),
        budget=Budget(calls_per_second=0.5, burst=1, in_flight=2, flood_guard=None),
        suspend_by=SuspendBy.BOUQUETS,
        bouquets=(Bouquet(id=2**40, name="Ünïcode"),),
        extra_columns=("a", "b"),
        creates_devices=False,
        probe=Probe(
            reachable=True,
            dialect="xtream_v2",
            firewall=None,
            credits=False,
            warnings=(ProbeWarning(code="c", detail="d"),),
            checked_at=NOW,
        ),
    )


@pytest.mark.parametrize("policy", [Policy(), FULL_POLICY])
async def test_a_reseller_is_read_as_it_was_added(registry: SqlDatabase, policy: Policy) -> None:
    parent = a_reseller()
    reseller = a_reseller(
        parent=parent,
        policy=policy,
        state=ResellerState.SUSPENDED,
        panel_accounts=(PanelAccount(panel_id=PANEL_ID, member_id=7),),
        metadata={"k": "v"},
    )
    async with registry.write(system_scope()) as store:
        await store.resellers.add(parent)
        await store.resellers.add(reseller)
    async with registry.read(system_scope()) as store:
        assert await store.resellers.get(reseller.id) == reseller
        page = await store.resellers.list(PageRequest())
        assert page.items == (reseller, parent)


async def test_a_reseller_is_saved_by_version(store: Store) -> None:
    reseller = a_reseller()
    await store.resellers.add(reseller)
    changed = replace(reseller, name="New", policy=FULL_POLICY, version=2)
    await store.resellers.save(changed, expected_version=1)
    assert await store.resellers.get(reseller.id) == changed
    with pytest.raises(VersionMismatch):
        await store.resellers.save(changed, expected_version=1)
    with pytest.raises(NotFound):
        await store.resellers.save(a_reseller())


async def test_suspension_comes_from_above(registry: SqlDatabase) -> None:
    top = a_reseller(state=ResellerState.SUSPENDED)
    middle = a_reseller(parent=top)
    below = a_reseller(parent=middle)
    beside = a_reseller()
    async with registry.write(system_scope()) as store:
        for reseller in (top, middle, below, beside):
            await store.resellers.add(reseller)
        await store.resellers.save(replace(beside, state=ResellerState.ACTIVE))
    for scope in (system_scope(), scope_for(below), scope_for(middle)):
        async with registry.read(scope) as store:
            assert await store.resellers.is_suspended(below.owner_path)
            assert await store.resellers.is_suspended(middle.owner_path)
            assert not await store.resellers.is_suspended("/")
    async with registry.read(scope_for(beside)) as store:
        assert not await store.resellers.is_suspended(beside.owner_path)


async def test_a_suspended_reseller_below_suspends_nobody_above(registry: SqlDatabase) -> None:
    top = a_reseller()
    below = a_reseller(parent=top, state=ResellerState.SUSPENDED)
    async with registry.write(system_scope()) as store:
        await store.resellers.add(top)
        await store.resellers.add(below)
        assert not await store.resellers.is_suspended(top.owner_path)
        assert await store.resellers.is_suspended(below.owner_path)


async def test_only_a_reseller_in_scope_can_be_locked(
    registry: SqlDatabase, family: Family
) -> None:
    async with registry.write(scope_for(family.ann)) as store:
        await store.resellers.lock(family.ann.id)
        await store.resellers.lock(family.child.id)
        for foreign in (family.bob.id, ResellerId("rsl_unknown")):
            with pytest.raises(NotFound):
                await store.resellers.lock(foreign)


async def test_a_panel_is_read_as_it_was_added_and_saved(registry: SqlDatabase) -> None:
    plain, full = a_panel(), a_full_panel()
    async with registry.write(system_scope()) as store:
        await store.panels.add(full)
    async with registry.write(system_scope()) as store:
        assert await store.panels.get(full.id) == full
        assert (await store.panels.list(PageRequest())).items == (full, plain)
        guarded = replace(full, id=plain.id, budget=Budget(flood_guard=FloodGuard(calls=3)))
        guarded = replace(guarded, api_pass=Secret("new"), version=2)
        await store.panels.save(guarded, expected_version=1)
        assert await store.panels.get(plain.id) == guarded
        with pytest.raises(VersionMismatch):
            await store.panels.save(plain, expected_version=1)


async def test_an_unknown_panel_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound):
        await store.panels.get(PanelId("pnl_unknown"))
    with pytest.raises(NotFound):
        await store.panels.save(a_full_panel())


async def test_a_key_is_found_by_the_digest_of_its_secret(
    registry: SqlDatabase, family: Family
) -> None:
    key = a_key(
        **owned_by(family.ann),
        permissions=frozenset({Permission.LINES_READ, Permission.KEYS_WRITE}),
        allowed_ips=("203.0.113.0/24",),
        expires_at=NOW,
        revoked_at=NOW,
        last_used_at=NOW,
    )
    async with registry.write(system_scope()) as store:
        await store.keys.add(key, b"d" * 32)
    async with registry.read(system_scope()) as store:
        assert await store.keys.find_by_digest(b"d" * 32) == key
        assert await store.keys.find_by_digest(b"e" * 32) is None
        assert await store.keys.get(key.id) == key
        with pytest.raises(NotFound):
            await store.keys.get(KeyId("key_unknown"))


async def test_keys_are_listed_by_reseller(store: Store, family: Family) -> None:
    keys = [a_key(**owned_by(owner)) for owner in (None, family.ann, family.bob)]
    for number, key in enumerate(keys):
        await store.keys.add(key, bytes([number]) * 32)
    everything = await store.keys.list(PageRequest(), None)
    assert everything.items == tuple(reversed(keys))
    of_ann = await store.keys.list(PageRequest(), family.ann.id)
    assert of_ann.items == (keys[1],)


async def test_a_key_is_revoked_once(store: Store) -> None:
    key = a_key()
    await store.keys.add(key, b"d" * 32)
    await store.keys.revoke(key.id, NOW)
    await store.keys.revoke(key.id, NOW + timedelta(days=1))
    assert await store.keys.get(key.id) == replace(key, revoked_at=NOW)
    with pytest.raises(NotFound):
        await store.keys.revoke(KeyId("key_unknown"), NOW)


async def test_the_last_use_of_a_key_is_noted(store: Store) -> None:
    key = a_key()
    await store.keys.add(key, b"d" * 32)
    await store.keys.touch(key.id, NOW)
    await store.keys.touch(KeyId("key_unknown"), NOW)
    assert await store.keys.get(key.id) == replace(key, last_used_at=NOW)
