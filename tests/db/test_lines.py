"""What only lines have: usernames, compared trimmed and without case."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.domain.errors import UsernameTaken
from gateway.domain.ids import PanelId
from gateway.domain.lines import LineFilter, normal_username
from gateway.domain.paging import PageRequest
from gateway.domain.subscriptions import Status
from gateway.services.ports.store import Store
from tests.factories import NOW, PANEL_ID, a_line, a_panel

OTHER_PANEL = PanelId("pnl_0000000000000000000000000b")


async def listed(store: Store, **criteria: Any) -> set[str]:
    page = await store.lines.list(LineFilter(**criteria), PageRequest(limit=200), NOW)
    return {line.username for line in page.items}


@pytest.mark.parametrize("username", ["Bob.1", "bob.1", " BOB.1 "])
async def test_a_username_is_taken_whatever_its_case(store: Store, username: str) -> None:
    await store.lines.add(a_line(username="Bob.1"))
    with pytest.raises(UsernameTaken):
        await store.lines.add(a_line(username=username))


async def test_a_line_is_found_by_its_username(store: Store) -> None:
    line = a_line(username="Bob")
    await store.lines.add(line)
    assert await store.lines.find_by_username(PANEL_ID, " bOB ") == line
    assert await store.lines.find_by_username(PANEL_ID, "bo") is None
    assert await store.lines.find_by_username(OTHER_PANEL, "bob") is None


async def test_a_username_is_found_on_every_panel_where_its_line_is_not_terminated(
    store: Store,
) -> None:
    third = PanelId("pnl_0000000000000000000000000c")
    one = a_line(username="Bob", status=Status.PENDING)
    two = a_line(username="bob", panel_id=OTHER_PANEL)
    for panel_id in (OTHER_PANEL, third):
        await store.panels.add(a_panel(id=panel_id))
    over = a_line(username="bob", panel_id=third, status=Status.TERMINATED)
    for line in (one, two, over, a_line(username="bobby")):
        await store.lines.add(line)
    assert await store.lines.list_by_username(" BOB ") == (two, one)
    assert await store.lines.list_by_username("bo") == ()


FILTERS: list[tuple[dict[str, Any], set[str]]] = [
    ({"username": "ANN.1 "}, {"ann.1"}),
    ({"username": "ann"}, set()),
    ({"q": "an"}, {"ann.1", "Ann_2"}),
    ({"q": " ANN_"}, {"Ann_2"}),
    ({"q": "%"}, set()),
    ({"q": "b"}, {"bob"}),
    ({"q": "ann", "plan_id": "plan_1"}, {"Ann_2"}),
    ({"q": "ex"}, {"bob", "Ext"}),
]


async def test_usernames_narrow_the_list(store: Store) -> None:
    for line in (
        a_line(username="ann.1"),
        a_line(username="Ann_2", plan_id="plan_1"),
        a_line(username="bob", external_id="EXT:2"),
        a_line(username="Ext"),
    ):
        await store.lines.add(line)
    for criteria, expected in FILTERS:
        assert await listed(store, **criteria) == expected, criteria


@pytest.mark.parametrize("text", ["ß", "İstanbul", "ΑΣ"])
async def test_prefixes_are_case_folded_beyond_ascii(store: Store, text: str) -> None:
    await store.lines.add(a_line(username=text + "x"))
    assert normal_username(text.upper()) in normal_username(text.upper() + "x")
    assert await listed(store, q=text) == {text + "x"}
