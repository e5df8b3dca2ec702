"""Lists of lines and of devices: filters, the state as Python sees it, and stable pages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.db.store import SqlDatabase
from gateway.db.subscription_rows import _after
from gateway.domain.paging import PageRequest, decode_cursor
from gateway.domain.panels import SuspendBy
from gateway.domain.subscriptions import State, Status
from gateway.services.ports.store import Store
from gateway.services.scope import system_scope
from tests.db.conftest import Family
from tests.db.kinds import Kind
from tests.factories import NOW, owned_by

DAY = timedelta(days=1)


async def listed(store: Store, kind: Kind, **criteria: Any) -> set[str]:
    """Return the notes of those that are listed."""
    page = await kind.of(store).list(kind.criteria(**criteria), PageRequest(limit=200), NOW)
    return {it.notes for it in page.items}


FILTERS: list[tuple[dict[str, Any], set[str]]] = [
    ({}, {"1", "2", "3"}),
    ({"external_id": "EXT:1"}, {"1"}),
    ({"external_id": "ext:1"}, set()),
    ({"plan_id": "plan_1"}, {"2"}),
    ({"expires_before": NOW + DAY}, {"3"}),
    ({"expires_after": NOW + DAY}, {"1"}),
    ({"expires_after": NOW, "expires_before": NOW + 40 * DAY}, {"1", "3"}),
    ({"updated_since": NOW + DAY}, {"2"}),
    ({"state": State.BANNED}, {"2"}),
    ({"state": State.ACTIVE}, {"1", "3"}),
    ({"q": "ext:"}, {"1", "3"}),
    ({"q": "EXT:2 "}, {"3"}),
    ({"q": "ext:", "expires_before": NOW + DAY}, {"3"}),
    ({"q": "%"}, set()),
    ({"q": ""}, {"1", "2", "3"}),
    ({"q": "  "}, {"1", "2", "3"}),
]


async def test_filters_narrow_the_list(store: Store, kind: Kind) -> None:
    later = {"expires_at": None, "updated_at": NOW + DAY, "is_banned": True}
    for made in (
        kind.make(notes="1", external_id="EXT:1", expires_at=NOW + 30 * DAY),
        kind.make(notes="2", plan_id="plan_1", **later),
        kind.make(notes="3", external_id="ext:2", expires_at=NOW + timedelta(hours=1)),
    ):
        await kind.of(store).add(made)
    for criteria, expected in FILTERS:
        assert await listed(store, kind, **criteria) == expected, criteria


async def test_a_list_can_be_narrowed_to_one_reseller(
    store: Store, family: Family, kind: Kind
) -> None:
    for owner in (None, family.ann, family.child):
        notes = "nobody" if owner is None else owner.name
        await kind.of(store).add(kind.make(**owned_by(owner), notes=notes))
    assert await listed(store, kind, reseller_id=family.ann.id) == {"Ann"}


@given(prefix=st.text(), rest=st.text(), other=st.text())
def test_the_range_of_a_prefix_holds_exactly_what_begins_with_it(
    prefix: str, rest: str, other: str
) -> None:
    end = _after(prefix)
    assert end is None or prefix + rest < end
    inside = prefix <= other and (end is None or other < end)
    assert inside == other.startswith(prefix)


def test_the_last_character_of_all_has_no_successor() -> None:
    assert _after("a\U0010ffff") == "b"
    assert _after("\U0010ffff") is None
    assert _after("\ud7ff") == "\ue000"


async def test_a_prefix_without_successor_is_searched_to_the_end(store: Store, kind: Kind) -> None:
    await kind.of(store).add(kind.make(notes="1", external_id="\U0010ffff1"))
    await kind.of(store).add(kind.make(notes="2", external_id="z"))
    assert await listed(store, kind, q="\U0010ffff") == {"1"}


def some() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "status": st.sampled_from(Status),
            "is_banned": st.booleans(),
            "suspended_by": st.none() | st.sampled_from(SuspendBy),
            "expires_at": st.none()
            | st.sampled_from([NOW + timedelta(microseconds=it) for it in (-1, 0, 1)])
            | st.timedeltas(-400 * DAY, 400 * DAY).map(lambda it: NOW + it),
        }
    )


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(changes=st.lists(some(), min_size=1, max_size=30))
async def test_a_list_by_state_is_what_state_at_says(
    registry: SqlDatabase, kind: Kind, changes: list[dict[str, Any]]
) -> None:
    made = [kind.make(**it, notes=str(number)) for number, it in enumerate(changes)]
    async with registry.write(system_scope()) as store:
        for one in made:
            await kind.of(store).add(one)
        for state in State:
            expected = {one.notes for one in made if one.state_at(NOW) is state}
            assert await listed(store, kind, state=state) == expected
        for one in made:
            await kind.of(store).delete(one.id)


async def test_pages_are_stable_while_rows_are_added_and_removed(
    registry: SqlDatabase, kind: Kind
) -> None:
    made = [kind.make() for _ in range(7)]
    async with registry.write(system_scope()) as store:
        for one in made:
            await kind.of(store).add(one)
    seen: list[str] = []
    after: str | None = None
    for turn in range(10):
        async with registry.read(system_scope()) as store:
            request = PageRequest(limit=2, after=after)
            page = await kind.of(store).list(kind.criteria(), request, NOW)
        seen += [one.id for one in page.items]
        if page.next_cursor is None:
            break
        after = decode_cursor(page.next_cursor, kind.id_kind)
        async with registry.write(system_scope()) as store:
            await kind.of(store).add(kind.make())
            if turn == 0:
                await kind.of(store).delete(made[5].id)  # The last one shown.
    assert seen == [one.id for one in reversed(made)]


async def test_a_page_that_ends_with_the_list_has_no_cursor(store: Store, kind: Kind) -> None:
    for _ in range(2):
        await kind.of(store).add(kind.make())
    page = await kind.of(store).list(kind.criteria(), PageRequest(limit=2), NOW)
    assert len(page.items) == 2
    assert page.next_cursor is None
