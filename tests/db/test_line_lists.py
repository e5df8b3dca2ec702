"""Lists of lines: filters, prefixes, the state as Python sees it, and stable pages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.db.line_rows import _after
from gateway.db.store import SqlDatabase
from gateway.domain.ids import IdKind
from gateway.domain.lines import Line, LineFilter, LineState, LineStatus, normal_username
from gateway.domain.paging import PageRequest, decode_cursor
from gateway.domain.panels import SuspendBy
from gateway.services.ports.store import Store
from gateway.services.scope import system_scope
from tests.db.conftest import Family
from tests.factories import NOW, a_line, owned_by

DAY = timedelta(days=1)


async def listed(store: Store, **criteria: Any) -> set[str]:
    page = await store.lines.list(LineFilter(**criteria), PageRequest(limit=200), NOW)
    return {line.username for line in page.items}


FILTERS: list[tuple[dict[str, Any], set[str]]] = [
    ({}, {"ann.1", "Ann_2", "bob"}),
    ({"external_id": "EXT:1"}, {"ann.1"}),
    ({"external_id": "ext:1"}, set()),
    ({"username": "ANN.1 "}, {"ann.1"}),
    ({"username": "ann"}, set()),
    ({"plan_id": "plan_1"}, {"Ann_2"}),
    ({"expires_before": NOW + DAY}, {"bob"}),
    ({"expires_after": NOW + DAY}, {"ann.1"}),
    ({"expires_after": NOW, "expires_before": NOW + 40 * DAY}, {"ann.1", "bob"}),
    ({"updated_since": NOW + DAY}, {"Ann_2"}),
    ({"q": "an"}, {"ann.1", "Ann_2"}),
    ({"q": "ANN_"}, {"Ann_2"}),
    ({"q": "%"}, set()),
    ({"q": "ext:"}, {"ann.1", "bob"}),
    ({"q": "b"}, {"bob"}),
    ({"q": "ann", "plan_id": "plan_1"}, {"Ann_2"}),
    ({"q": ""}, {"ann.1", "Ann_2", "bob"}),
]


async def test_filters_narrow_the_list(store: Store) -> None:
    await store.lines.add(a_line(username="ann.1", external_id="EXT:1", expires_at=NOW + 30 * DAY))
    await store.lines.add(
        a_line(username="Ann_2", plan_id="plan_1", expires_at=None, updated_at=NOW + DAY)
    )
    await store.lines.add(
        a_line(username="bob", external_id="ext:2", expires_at=NOW + timedelta(hours=1))
    )
    for criteria, expected in FILTERS:
        assert await listed(store, **criteria) == expected, criteria


async def test_a_list_can_be_narrowed_to_one_reseller(store: Store, family: Family) -> None:
    for owner in (None, family.ann, family.child):
        name = "nobody" if owner is None else owner.name
        await store.lines.add(a_line(**owned_by(owner), username=name))
    assert await listed(store, reseller_id=family.ann.id) == {"Ann"}


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


def lines() -> st.SearchStrategy[Line]:
    return st.builds(
        a_line,
        status=st.sampled_from(LineStatus),
        is_banned=st.booleans(),
        suspended_by=st.none() | st.sampled_from(SuspendBy),
        expires_at=st.none()
        | st.sampled_from([NOW, NOW + timedelta(microseconds=1), NOW - timedelta(microseconds=1)])
        | st.timedeltas(-400 * DAY, 400 * DAY).map(lambda it: NOW + it),
    )


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(made=st.lists(lines(), min_size=1, max_size=30))
async def test_a_list_by_state_is_what_state_at_says(
    registry: SqlDatabase, made: list[Line]
) -> None:
    async with registry.write(system_scope()) as store:
        for line in made:
            await store.lines.add(line)
        for state in LineState:
            expected = {line.username for line in made if line.state_at(NOW) is state}
            assert await listed(store, state=state) == expected
        for line in made:
            await store.lines.delete(line.id)


@pytest.mark.parametrize("text", ["ß", "İstanbul", "ΑΣ"])
async def test_prefixes_are_case_folded_beyond_ascii(store: Store, text: str) -> None:
    await store.lines.add(a_line(username=text + "x"))
    assert normal_username(text.upper()) in normal_username(text.upper() + "x")
    assert await listed(store, q=text) == {text + "x"}


async def test_pages_are_stable_while_rows_are_added_and_removed(registry: SqlDatabase) -> None:
    made = [a_line() for _ in range(7)]
    async with registry.write(system_scope()) as store:
        for line in made:
            await store.lines.add(line)
    seen: list[str] = []
    after: str | None = None
    for turn in range(10):
        async with registry.read(system_scope()) as store:
            request = PageRequest(limit=2, after=after)
            page = await store.lines.list(LineFilter(), request, NOW)
        seen += [line.id for line in page.items]
        if page.next_cursor is None:
            break
        after = decode_cursor(page.next_cursor, IdKind.LINE)
        async with registry.write(system_scope()) as store:
            await store.lines.add(a_line())
            if turn == 0:
                await store.lines.delete(made[5].id)  # The last one shown.
    assert seen == [line.id for line in reversed(made)]


async def test_a_page_that_ends_with_the_list_has_no_cursor(store: Store) -> None:
    for _ in range(2):
        await store.lines.add(a_line())
    page = await store.lines.list(LineFilter(), PageRequest(limit=2), NOW)
    assert len(page.items) == 2
    assert page.next_cursor is None
