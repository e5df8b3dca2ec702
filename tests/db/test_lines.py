"""Lines in the registry: what is written is read, names are taken once, versions are checked."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.db.store import SqlDatabase
from gateway.domain.errors import (
    ExternalIdTaken,
    NotFound,
    StateConflict,
    UsernameTaken,
    VersionMismatch,
)
from gateway.domain.ids import LineId, OperationId, PanelId
from gateway.domain.lines import Line, LineStatus
from gateway.domain.panels import SuspendBy
from gateway.domain.secrets import Secret
from gateway.services.ports.store import Store
from gateway.services.scope import system_scope
from tests.db.conftest import Family, scope_for
from tests.factories import NOW, PANEL_ID, a_line, a_panel, owned_by

OTHER_PANEL = PanelId("pnl_0000000000000000000000000b")


def a_full_line(family: Family) -> Line:
    return a_line(
        **owned_by(family.ann),
        external_id="whmcs:4711",
        plan_id="plan_1",
        username="Some.User",
        password=Secret("pässword"),
        status=LineStatus.UNKNOWN,
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


async def test_a_line_is_read_as_it_was_added(registry: SqlDatabase, family: Family) -> None:
    line = a_full_line(family)
    async with registry.write(system_scope()) as store:
        await store.lines.add(line)
    async with registry.read(system_scope()) as store:
        assert await store.lines.get(line.id) == line


async def test_a_line_is_read_as_it_was_saved(registry: SqlDatabase, family: Family) -> None:
    full = a_full_line(family)
    first = a_line(**owned_by(family.ann), id=full.id, created_at=full.created_at)
    async with registry.write(system_scope()) as store:
        await store.lines.add(first)
        await store.lines.save(full, expected_version=1)
    async with registry.read(system_scope()) as store:
        assert await store.lines.get(full.id) == full


async def test_an_unknown_line_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound):
        await store.lines.get(LineId("line_unknown"))
    with pytest.raises(NotFound):
        await store.lines.save(a_line())
    with pytest.raises(NotFound):
        await store.lines.raise_epoch(LineId("line_unknown"))
    with pytest.raises(NotFound):
        await store.lines.delete(LineId("line_unknown"))


@pytest.mark.parametrize("username", ["Bob.1", "bob.1", " BOB.1 "])
async def test_a_username_is_taken_whatever_its_case(store: Store, username: str) -> None:
    await store.lines.add(a_line(username="Bob.1", status=LineStatus.TERMINATED))
    with pytest.raises(UsernameTaken):
        await store.lines.add(a_line(username=username))


async def test_a_username_is_free_on_another_panel(store: Store) -> None:
    await store.panels.add(a_panel(id=OTHER_PANEL))
    await store.lines.add(a_line(username="bob"))
    await store.lines.add(a_line(username="bob", panel_id=OTHER_PANEL))


async def test_a_line_is_found_by_its_username(store: Store) -> None:
    line = a_line(username="Bob")
    await store.lines.add(line)
    assert await store.lines.find_by_username(PANEL_ID, " bOB ") == line
    assert await store.lines.find_by_username(PANEL_ID, "bo") is None
    assert await store.lines.find_by_username(OTHER_PANEL, "bob") is None


async def test_an_external_id_is_taken_until_the_line_is_terminated(
    store: Store, family: Family
) -> None:
    line = a_line(**owned_by(family.ann), external_id="x")
    await store.lines.add(line)
    with pytest.raises(ExternalIdTaken):
        await store.lines.add(a_line(**owned_by(family.ann), external_id="x"))
    await store.lines.save(replace(line, status=LineStatus.TERMINATED))
    again = a_line(**owned_by(family.ann), external_id="x")
    await store.lines.add(again)
    assert await store.lines.find_by_external_id(family.ann.id, "x") == again
    assert await store.lines.find_by_external_id(family.bob.id, "x") is None


async def test_an_external_id_belongs_to_one_reseller_or_the_operator(
    store: Store, family: Family
) -> None:
    for owner in (family.ann, family.bob, family.child, None):
        await store.lines.add(a_line(**owned_by(owner), external_id="x"))
    with pytest.raises(ExternalIdTaken):
        await store.lines.add(a_line(external_id="x"))
    found = await store.lines.find_by_external_id(None, "x")
    assert found is not None
    assert found.reseller_id is None


async def test_an_external_id_can_be_taken_by_a_save(store: Store) -> None:
    line = a_line(external_id="mine")
    await store.lines.add(line)
    await store.lines.add(a_line(external_id="x"))
    with pytest.raises(ExternalIdTaken):
        await store.lines.save(replace(line, external_id="x"))
    assert await store.lines.get(line.id) == line


async def test_a_refusal_leaves_the_transaction_usable(registry: SqlDatabase) -> None:
    line, other = a_line(username="bob"), a_line()
    async with registry.write(system_scope()) as store:
        await store.lines.add(line)
        with pytest.raises(UsernameTaken):
            await store.lines.add(a_line(username="bob"))
        await store.lines.add(other)
    async with registry.read(system_scope()) as store:
        assert await store.lines.get(line.id) == line
        assert await store.lines.get(other.id) == other


async def test_names_taken_by_strangers_are_refused_without_a_word_about_them(
    registry: SqlDatabase, family: Family
) -> None:
    async with registry.write(system_scope()) as store:
        await store.lines.add(a_line(**owned_by(family.bob), username="bob"))
    async with registry.write(scope_for(family.ann)) as store:
        with pytest.raises(UsernameTaken) as caught:
            await store.lines.add(a_line(**owned_by(family.ann), username="bob"))
    assert caught.value.detail == "This username is taken on the panel."
    assert caught.value.__cause__ is None
    assert family.bob.id not in str(caught.value)


async def test_a_save_with_an_old_version_changes_nothing(store: Store) -> None:
    line = a_line(version=3)
    await store.lines.add(line)
    with pytest.raises(VersionMismatch):
        await store.lines.save(replace(line, notes="late", version=3), expected_version=2)
    assert await store.lines.get(line.id) == line


async def test_a_save_never_moves_a_line_to_another_owner(store: Store, family: Family) -> None:
    line = a_line(**owned_by(family.ann))
    await store.lines.add(line)
    await store.lines.save(replace(line, **owned_by(family.bob)))
    assert (await store.lines.get(line.id)).owner_path == family.ann.owner_path


async def test_the_epoch_rises_by_one(store: Store) -> None:
    line = a_line(epoch=4)
    await store.lines.add(line)
    assert await store.lines.raise_epoch(line.id) == 5
    assert await store.lines.get(line.id) == replace(line, epoch=5)


async def test_a_deleted_line_frees_its_names(store: Store) -> None:
    line = a_line(username="bob", external_id="x")
    await store.lines.add(line)
    await store.lines.add_reference(line.id, "invoice", OperationId("op_1"))
    await store.lines.delete(line.id)
    assert await store.lines.find_reference(line.id, "invoice") is None
    await store.lines.add(a_line(username="bob", external_id="x"))


async def test_lines_are_counted_until_terminated(store: Store, family: Family) -> None:
    mine = owned_by(family.ann)
    for status in LineStatus:
        await store.lines.add(a_line(**mine, status=status))
    await store.lines.add(a_line(**owned_by(family.child)))
    assert await store.lines.count(family.ann.id) == 3
    assert await store.lines.count(family.bob.id) == 0


async def test_trials_are_counted_even_when_terminated(store: Store, family: Family) -> None:
    mine = owned_by(family.ann)
    day = timedelta(days=1)
    await store.lines.add(a_line(**mine))
    await store.lines.add(a_line(**mine, is_trial=True, created_at=NOW - day))
    await store.lines.add(a_line(**mine, is_trial=True, status=LineStatus.TERMINATED))
    await store.lines.add(a_line(**owned_by(family.bob), is_trial=True))
    assert await store.lines.count_trials(family.ann.id, NOW) == 1
    assert await store.lines.count_trials(family.ann.id, NOW - day) == 2


async def test_a_reference_renews_a_line_once(store: Store) -> None:
    line, other = a_line(), a_line()
    await store.lines.add(line)
    await store.lines.add(other)
    await store.lines.add_reference(line.id, "invoice", OperationId("op_1"))
    await store.lines.add_reference(other.id, "invoice", OperationId("op_2"))
    with pytest.raises(StateConflict):
        await store.lines.add_reference(line.id, "invoice", OperationId("op_3"))
    assert await store.lines.find_reference(line.id, "invoice") == "op_1"
    await store.lines.delete_reference(OperationId("op_1"))
    assert await store.lines.find_reference(line.id, "invoice") is None
    assert await store.lines.find_reference(other.id, "invoice") == "op_2"


async def test_a_reference_needs_its_line(store: Store) -> None:
    with pytest.raises(NotFound):
        await store.lines.add_reference(LineId("line_unknown"), "invoice", OperationId("op_1"))
