"""Lines and devices in the registry: what is written is read, names are taken once, and so on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.db.store import SqlDatabase
from gateway.domain.errors import ExternalIdTaken, NotFound, StateConflict, VersionMismatch
from gateway.domain.ids import OperationId, PanelId
from gateway.domain.panels import SuspendBy
from gateway.domain.subscriptions import Status
from gateway.services.ports.store import Store
from gateway.services.scope import system_scope
from tests.db.conftest import Family, scope_for
from tests.db.kinds import Kind
from tests.factories import NOW, a_panel, owned_by

OTHER_PANEL = PanelId("pnl_0000000000000000000000000b")


def a_full_one(kind: Kind, family: Family) -> Any:
    return kind.make(
        **owned_by(family.ann),
        **kind.own,
        external_id="whmcs:4711",
        plan_id="plan_1",
        status=Status.UNKNOWN,
        suspended_by=SuspendBy.BOUQUETS,
        is_banned=True,
        expires_at=datetime(2027, 1, 31, 23, 59, 59, 123456, tzinfo=UTC),
        max_connections=None,
        bouquet_ids=(3, 1, 2),
        is_trial=True,
        is_restreamer=True,
        allowed_ips=("203.0.113.7", "2001:db8::/32"),
        allowed_user_agents=("VLC",),
        notes="note ✓",
        admin_notes="op_1",
        metadata={"k": "v"},
        member_id=2**40,
        force_server_id=3,
        isp_lock=True,
        extra={"column": "value"},
        panel_line_id=2**33,
        version=7,
        epoch=9,
    )


async def test_it_is_read_as_it_was_added(
    registry: SqlDatabase, family: Family, kind: Kind
) -> None:
    full = a_full_one(kind, family)
    async with registry.write(system_scope()) as store:
        await kind.of(store).add(full)
    async with registry.read(system_scope()) as store:
        assert await kind.of(store).get(full.id) == full


async def test_it_is_read_as_it_was_saved(
    registry: SqlDatabase, family: Family, kind: Kind
) -> None:
    full = a_full_one(kind, family)
    first = kind.make(**owned_by(family.ann), id=full.id, created_at=full.created_at)
    async with registry.write(system_scope()) as store:
        await kind.of(store).add(first)
        await kind.of(store).save(full, expected_version=1)
    async with registry.read(system_scope()) as store:
        assert await kind.of(store).get(full.id) == full


async def test_an_unknown_one_is_not_found(store: Store, kind: Kind) -> None:
    repository, nobody = kind.of(store), kind.make()
    for attempt in (
        repository.get(nobody.id),
        repository.save(nobody),
        repository.raise_epoch(nobody.id),
        repository.delete(nobody.id),
        repository.add_reference(nobody.id, "invoice", OperationId("op_1")),
    ):
        with pytest.raises(NotFound):
            await attempt


async def test_a_name_is_taken_for_ever(store: Store, kind: Kind) -> None:
    await kind.of(store).add(kind.make(**kind.name, status=Status.TERMINATED))
    with pytest.raises(kind.name_taken):
        await kind.of(store).add(kind.make(**kind.name))


async def test_a_name_is_free_on_another_panel(store: Store, kind: Kind) -> None:
    await store.panels.add(a_panel(id=OTHER_PANEL))
    await kind.of(store).add(kind.make(**kind.name))
    await kind.of(store).add(kind.make(**kind.name, panel_id=OTHER_PANEL))


async def test_an_external_id_is_taken_until_terminated(
    store: Store, family: Family, kind: Kind
) -> None:
    repository, mine = kind.of(store), {**owned_by(family.ann), "external_id": "x"}
    first = kind.make(**mine)
    await repository.add(first)
    with pytest.raises(ExternalIdTaken):
        await repository.add(kind.make(**mine))
    await repository.save(replace(first, status=Status.TERMINATED))
    again = kind.make(**mine)
    await repository.add(again)
    assert await repository.find_by_external_id(family.ann.id, "x") == again
    assert await repository.find_by_external_id(family.bob.id, "x") is None


async def test_an_external_id_belongs_to_one_reseller_or_the_operator(
    store: Store, family: Family, kind: Kind
) -> None:
    for owner in (family.ann, family.bob, family.child, None):
        await kind.of(store).add(kind.make(**owned_by(owner), external_id="x"))
    with pytest.raises(ExternalIdTaken):
        await kind.of(store).add(kind.make(external_id="x"))
    found = await kind.of(store).find_by_external_id(None, "x")
    assert found is not None
    assert found.reseller_id is None


async def test_an_external_id_can_be_taken_by_a_save(store: Store, kind: Kind) -> None:
    mine = kind.make(external_id="mine")
    await kind.of(store).add(mine)
    await kind.of(store).add(kind.make(external_id="x"))
    with pytest.raises(ExternalIdTaken):
        await kind.of(store).save(replace(mine, external_id="x"))
    assert await kind.of(store).get(mine.id) == mine


async def test_a_refusal_leaves_the_transaction_usable(registry: SqlDatabase, kind: Kind) -> None:
    one, other = kind.make(**kind.name), kind.make()
    async with registry.write(system_scope()) as store:
        await kind.of(store).add(one)
        with pytest.raises(kind.name_taken):
            await kind.of(store).add(kind.make(**kind.name))
        await kind.of(store).add(other)
    async with registry.read(system_scope()) as store:
        assert await kind.of(store).get(one.id) == one
        assert await kind.of(store).get(other.id) == other


async def test_names_taken_by_strangers_are_refused_without_a_word_about_them(
    registry: SqlDatabase, family: Family, kind: Kind
) -> None:
    async with registry.write(system_scope()) as store:
        await kind.of(store).add(kind.make(**owned_by(family.bob), **kind.name))
    async with registry.write(scope_for(family.ann)) as store:
        with pytest.raises(kind.name_taken) as caught:
            await kind.of(store).add(kind.make(**owned_by(family.ann), **kind.name))
    (member,) = kind.name
    noun = {"username": "username", "mac": "MAC"}[member]
    assert str(caught.value) == f"This {noun} is taken on the panel."
    assert caught.value.__cause__ is None


async def test_a_save_with_an_old_version_changes_nothing(store: Store, kind: Kind) -> None:
    third = kind.make(version=3)
    await kind.of(store).add(third)
    with pytest.raises(VersionMismatch):
        await kind.of(store).save(replace(third, notes="late"), expected_version=2)
    assert await kind.of(store).get(third.id) == third


async def test_a_save_never_moves_it_to_another_owner(
    store: Store, family: Family, kind: Kind
) -> None:
    anns = kind.make(**owned_by(family.ann))
    await kind.of(store).add(anns)
    await kind.of(store).save(replace(anns, **owned_by(family.bob)))
    assert (await kind.of(store).get(anns.id)).owner_path == family.ann.owner_path


async def test_the_epoch_rises_by_one(store: Store, kind: Kind) -> None:
    made = kind.make(epoch=4)
    await kind.of(store).add(made)
    assert await kind.of(store).raise_epoch(made.id) == 5
    assert await kind.of(store).get(made.id) == replace(made, epoch=5)


async def test_a_deleted_one_frees_its_names(store: Store, kind: Kind) -> None:
    repository, made = kind.of(store), kind.make(**kind.name, external_id="x")
    await repository.add(made)
    await repository.add_reference(made.id, "invoice", OperationId("op_1"))
    await repository.delete(made.id)
    assert await repository.find_reference(made.id, "invoice") is None
    await repository.add(kind.make(**kind.name, external_id="x"))


async def test_they_are_counted_until_terminated(store: Store, family: Family, kind: Kind) -> None:
    for status in Status:
        await kind.of(store).add(kind.make(**owned_by(family.ann), status=status))
    await kind.of(store).add(kind.make(**owned_by(family.child)))
    assert await kind.of(store).count(family.ann.id) == 3
    assert await kind.of(store).count(family.bob.id) == 0


async def test_trials_are_counted_even_when_terminated(
    store: Store, family: Family, kind: Kind
) -> None:
    mine, day = owned_by(family.ann), timedelta(days=1)
    for made in (
        kind.make(**mine),
        kind.make(**mine, is_trial=True, created_at=NOW - day),
        kind.make(**mine, is_trial=True, status=Status.TERMINATED),
        kind.make(**owned_by(family.bob), is_trial=True),
    ):
        await kind.of(store).add(made)
    assert await kind.of(store).count_trials(family.ann.id, NOW) == 1
    assert await kind.of(store).count_trials(family.ann.id, NOW - day) == 2


async def test_a_reference_renews_it_once(store: Store, kind: Kind) -> None:
    repository, one, other = kind.of(store), kind.make(), kind.make()
    await repository.add(one)
    await repository.add(other)
    await repository.add_reference(one.id, "invoice", OperationId("op_1"))
    await repository.add_reference(other.id, "invoice", OperationId("op_2"))
    with pytest.raises(StateConflict):
        await repository.add_reference(one.id, "invoice", OperationId("op_3"))
    assert await repository.find_reference(one.id, "invoice") == "op_1"
    await repository.delete_reference(OperationId("op_1"))
    assert await repository.find_reference(one.id, "invoice") is None
    assert await repository.find_reference(other.id, "invoice") == "op_2"
