"""What only devices have: MACs, searched in any spelling; and names apart from those of lines."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.db.devices import _mac_prefix
from gateway.domain.devices import DeviceFilter, normal_mac
from gateway.domain.ids import OperationId, PanelId
from gateway.domain.paging import PageRequest
from gateway.domain.subscriptions import Status
from gateway.services.ports.store import Store
from tests.db.conftest import Family
from tests.factories import NOW, PANEL_ID, a_device, a_line, a_panel, owned_by

OTHER_PANEL = PanelId("pnl_0000000000000000000000000b")
MAC = "00:1A:79:AB:CD:EF"


async def test_a_device_is_found_by_its_mac(store: Store) -> None:
    device = a_device(mac=MAC, status=Status.TERMINATED)
    await store.devices.add(device)
    assert await store.devices.find_by_mac(PANEL_ID, MAC) == device
    assert await store.devices.find_by_mac(PANEL_ID, "00:1A:79:AB:CD:E0") is None
    assert await store.devices.find_by_mac(OTHER_PANEL, MAC) is None


async def test_a_mac_is_found_on_every_panel_where_its_device_is_not_terminated(
    store: Store,
) -> None:
    third = PanelId("pnl_0000000000000000000000000c")
    one = a_device(mac=MAC, status=Status.UNKNOWN)
    two = a_device(mac=MAC, panel_id=OTHER_PANEL)
    for panel_id in (OTHER_PANEL, third):
        await store.panels.add(a_panel(id=panel_id))
    over = a_device(mac=MAC, panel_id=third, status=Status.TERMINATED)
    for device in (one, two, over, a_device()):
        await store.devices.add(device)
    assert await store.devices.list_by_mac(MAC) == (two, one)
    assert await store.devices.list_by_mac("00:1A:79:AB:CD:E0") == ()


async def test_a_line_may_have_the_external_id_and_the_reference_of_a_device(
    store: Store, family: Family
) -> None:
    mine = {**owned_by(family.ann), "external_id": "x"}
    line, device = a_line(**mine), a_device(**mine)
    await store.lines.add(line)
    await store.devices.add(device)
    assert await store.lines.find_by_external_id(family.ann.id, "x") == line
    assert await store.devices.find_by_external_id(family.ann.id, "x") == device
    await store.lines.add_reference(line.id, "invoice", OperationId("op_1"))
    await store.devices.add_reference(device.id, "invoice", OperationId("op_2"))
    assert await store.devices.find_reference(device.id, "invoice") == "op_2"
    assert await store.lines.count(family.ann.id) == await store.devices.count(family.ann.id) == 1


A, B, C = "00:1A:79:AB:CD:EF", "00:1B:00:00:00:00", "D4:CF:F9:00:00:01"
FILTERS: list[tuple[dict[str, Any], set[str]]] = [
    ({"mac": A}, {A}),
    ({"mac": A[:-1]}, set()),
    ({"mac": A.lower()}, set()),
    ({"q": "00"}, {A, B}),
    ({"q": "00:1"}, {A, B}),
    ({"q": "001a"}, {A}),
    ({"q": "00-1a-79"}, {A}),
    ({"q": "001A.79aB.c"}, {A}),
    ({"q": " 00:1b:"}, {B}),
    ({"q": "001A79ABCDEF"}, {A}),
    ({"q": "001A79ABCDEF0"}, set()),
    ({"q": "d"}, {B, C}),
    ({"q": "DE"}, {B}),
    ({"q": "DEP"}, {B}),
    ({"q": "d4", "plan_id": "plan_1"}, {C}),
    ({"q": "00", "plan_id": "plan_1"}, set()),
    ({"q": "\N{ARABIC-INDIC DIGIT ZERO}"}, set()),
    ({"q": ":"}, set()),
]


async def test_macs_narrow_the_list(store: Store) -> None:
    for device in (
        a_device(mac=A),
        a_device(mac=B, external_id="Depot.1"),
        a_device(mac=C, plan_id="plan_1"),
    ):
        await store.devices.add(device)
    for criteria, expected in FILTERS:
        page = await store.devices.list(DeviceFilter(**criteria), PageRequest(), NOW)
        assert {device.mac for device in page.items} == expected, criteria


@given(
    digits=st.text("0123456789abcdefABCDEF", min_size=12, max_size=12),
    length=st.integers(1, 17),
    separator=st.sampled_from([":", "-", ""]),
)
def test_every_beginning_of_a_spelling_begins_the_mac(
    digits: str, length: int, separator: str
) -> None:
    spelt = separator.join(digits[place : place + 2] for place in range(0, 12, 2))
    begun = _mac_prefix(spelt[:length])
    assert begun is not None
    assert normal_mac(digits).startswith(begun)


@pytest.mark.parametrize("text", ["", "-", "g", "00:1G", "0" * 13, "00 1A"])
def test_what_begins_no_mac_is_not_looked_for_among_them(text: str) -> None:
    assert _mac_prefix(text) is None
