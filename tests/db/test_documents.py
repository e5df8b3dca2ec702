"""Trusted documents in the registry."""

from __future__ import annotations

import asyncio

import pytest

from gateway.db.store import SqlDatabase
from gateway.domain.documents import TEXT_BYTES_MAX, UPLOAD_MAX, document_id_of
from gateway.domain.errors import NotFound
from gateway.domain.ids import IdKind
from gateway.domain.paging import PageRequest, decode_cursor
from gateway.domain.resellers import Reseller
from gateway.services.ports.store import Store
from gateway.services.scope import system_scope
from tests.db.conftest import Family, scope_for
from tests.factories import a_document, owned_by

TEXT = "query Me { me { kind } }"


@pytest.mark.parametrize("text", [TEXT, "{ ünïcode } # 😀", "ü" * (TEXT_BYTES_MAX // 2)])
async def test_a_document_is_read_as_it_was_added(
    registry: SqlDatabase, family: Family, text: str
) -> None:
    document = a_document(**owned_by(family.ann), text=text)
    async with registry.write(system_scope()) as store:
        await store.documents.add([document])
    async with registry.read(scope_for(family.ann)) as store:
        assert await store.documents.get(family.ann.owner_path, document.id) == document
        assert (await store.documents.list(PageRequest(), None)).items == (document,)


async def test_each_owner_has_its_own_of_one_text(store: Store, family: Family) -> None:
    owners = (None, family.ann, family.child, family.bob)
    made = [a_document(**owned_by(owner), text=TEXT) for owner in owners]
    await store.documents.add(made)
    for document in made:
        assert await store.documents.get(document.owner_path, document.id) == document
        assert await store.documents.count(document.owner_path) == 1
    await store.documents.delete(family.ann.owner_path, made[1].id)
    with pytest.raises(NotFound):
        await store.documents.get(family.ann.owner_path, made[1].id)
    with pytest.raises(NotFound):
        await store.documents.delete(family.ann.owner_path, made[1].id)
    left = (await store.documents.list(PageRequest(), None)).items
    assert left == (made[3], made[2], made[0])


async def test_a_look_upwards_finds_ones_own_and_those_above_never_those_below_or_beside(
    registry: SqlDatabase, family: Family
) -> None:
    of = {
        name: a_document(**owned_by(owner))
        for name, owner in (
            ("operator", None),
            ("ann", family.ann),
            ("child", family.child),
            ("bob", family.bob),
        )
    }
    async with registry.write(system_scope()) as store:
        await store.documents.add(list(of.values()))
    seen = {
        "/": {"operator"},
        family.ann.owner_path: {"operator", "ann"},
        family.child.owner_path: {"operator", "ann", "child"},
        family.bob.owner_path: {"operator", "bob"},
    }
    async with registry.read(system_scope()) as store:
        for owner_path, expected in seen.items():
            for name, document in of.items():
                found = await store.documents.find_for_caller_at(owner_path, document.id)
                assert found == (document if name in expected else None), (owner_path, name)


async def test_the_nearest_owners_is_found(store: Store, family: Family) -> None:
    owners: list[Reseller | None] = [family.ann, None, family.child]
    made = [a_document(**owned_by(owner), text=TEXT) for owner in owners]
    await store.documents.add(made)
    for owner, document in zip(owners, made, strict=True):
        path = "/" if owner is None else owner.owner_path
        assert await store.documents.find_for_caller_at(path, document.id) == document


async def test_pages_are_newest_first_and_of_one_reseller_where_asked(
    store: Store, family: Family
) -> None:
    owners = (family.ann, None, family.ann, family.bob, family.ann)
    made = [a_document(**owned_by(owner)) for owner in owners]
    await store.documents.add(made)
    first = await store.documents.list(PageRequest(limit=2), family.ann.id)
    assert first.items == (made[4], made[2])
    assert first.next_cursor is not None
    after = decode_cursor(first.next_cursor, IdKind.DOCUMENT)
    second = await store.documents.list(PageRequest(limit=2, after=after), family.ann.id)
    assert (second.items, second.next_cursor) == ((made[0],), None)
    assert (await store.documents.list(PageRequest(), None)).items == tuple(reversed(made))


async def test_a_whole_upload_is_added_and_known(store: Store, family: Family) -> None:
    made = [a_document(**owned_by(family.ann)) for _ in range(UPLOAD_MAX)]
    await store.documents.add(made)
    ids = [document.id for document in made]
    path = family.ann.owner_path
    assert await store.documents.known(path, [*ids, document_id_of("nothing")]) == set(ids)
    assert await store.documents.known(family.child.owner_path, ids) == frozenset()
    assert await store.documents.count(path) == UPLOAD_MAX


async def test_who_locks_an_owners_documents_sees_what_the_one_before_added(
    registry: SqlDatabase, family: Family
) -> None:
    document = a_document(**owned_by(family.ann))
    locked = asyncio.Event()

    async def add() -> None:
        async with registry.write(system_scope()) as store:
            await store.documents.lock(family.ann.owner_path)
            locked.set()
            await asyncio.sleep(0.05)  # Gives the other the time to go wrong.
            await store.documents.add([document])

    async def look() -> int:
        await locked.wait()
        async with registry.write(scope_for(family.ann)) as store:
            await store.documents.lock(family.ann.owner_path)
            return await store.documents.count(family.ann.owner_path)

    assert (await asyncio.gather(add(), look()))[1] == 1


async def test_only_ones_own_is_locked_and_only_to_write(
    registry: SqlDatabase, family: Family
) -> None:
    async with registry.write(scope_for(family.ann)) as store:
        await store.documents.lock(family.child.owner_path)
        for path in ("/", family.bob.owner_path):
            with pytest.raises(RuntimeError, match="own"):
                await store.documents.lock(path)
    async with registry.read(system_scope()) as store:
        with pytest.raises(RuntimeError, match="write"):
            await store.documents.lock("/")
