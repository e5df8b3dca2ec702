"""What may be sent of devices, and what is shown of them."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from gateway.api.rest.credits import credits_out
from gateway.api.rest.device_answers import device_out, info_out
from gateway.api.rest.device_requests import (
    DeviceCreate,
    DeviceImportIn,
    DeviceLookup,
    DevicePatch,
    DeviceQuery,
    DeviceRenew,
)
from gateway.api.rest.line_requests import LineCreate, LineImportIn, LineLookup, LineQuery
from gateway.api.rest.wire import Wire
from gateway.domain.caller import Caller
from gateway.domain.calls import DeviceInfo, Isp, LineInfo
from gateway.domain.catalog import Credits, PanelBalance
from gateway.domain.devices import DeviceFilter, DeviceImport, NewDevice, ObservedDevice
from gateway.domain.errors import InvalidRequest
from gateway.domain.ids import DeviceId, PanelId, ResellerId
from gateway.domain.lines import LineFilter, LineImport
from gateway.domain.periods import Period
from gateway.domain.secrets import Secret
from gateway.domain.subscriptions import Changes, ObservedInfo, State, Term
from gateway.services.context import Context
from tests.api.support import some_ports
from tests.factories import a_device

MAC = "00:1A:79:AB:CD:EF"
PANEL_ID = PanelId("pnl_0000000000000000000000000a")
RESELLER_ID = ResellerId("rsl_0000000000000000000000000a")
SPELLINGS = (
    MAC,
    "00:1a:79:ab:cd:ef",
    "00-1A-79-ab-cd-EF",
    "001a.79AB.cdef",
    "001a79abcdef",
    " 00:1A:79:AB:CD:EF ",
)
AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
INFO = DeviceInfo(
    panel_line_id=41,
    username="hidden-name",
    member_id=7,
    enabled=True,
    admin_enabled=True,
    expires_at=None,
    active_connections=1,
    max_connections=None,
    bouquet_ids=None,
    allowed_ips=(),
    allowed_user_agents=(),
    is_trial=False,
    is_restreamer=False,
    notes="",
    admin_notes="op_secret",
    created_at=AT,
    channel_ids=(1,),
    series_ids=(),
    output_formats=("ts",),
    pair=None,
    isp=Isp(number=None, name=None, locked=False, violation=False),
    country=None,
    force_server_id=None,
    pair_id=None,
    panel_device_id=9,
    mac=MAC,
)
SEEN = ObservedInfo(info=INFO, at=AT, age_seconds=7, stale=True, from_cache=True)


def faults_of(model: type[Wire], body: object) -> dict[str, str]:
    """Return the codes of what is wrong with *body*, by pointer."""
    with pytest.raises(InvalidRequest) as raised:
        model.read(body)
    return {fault.pointer: fault.code for fault in raised.value.faults}


def shown(value: object) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value))


def context() -> Context:
    return Context(ports=some_ports(), caller=Caller.system("test"), request_id="req_1")


# --- what is sent --------------------------------------------------------------------------------


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_of_a_mac_comes_in_as_one(spelling: str) -> None:
    body = {"mac": spelling, "period": "P1M"}
    expected = NewDevice(mac=MAC, term=Term(period=Period(months=1)))
    assert DeviceCreate.read(body).to_new_device() == expected
    assert DeviceLookup.read({"mac": spelling}).mac == MAC
    assert DeviceQuery.of((("mac", spelling),)).to_filter() == DeviceFilter(mac=MAC)


@pytest.mark.parametrize(
    "mac",
    [
        "",
        "00:1A:79:AB:CD",
        "00:1A:79:AB:CD:EF:01",
        "00:1A-79:AB-CD:EF",
        "0:1A:79:AB:CD:EF",
        "00:1A:79:AB:CD:EG",
        "001a.79ab.cde",
        "00 1A 79 AB CD EF",
        "\u0660\u0660:1A:79:AB:CD:EF",
        "00:1A:79:AB:CD:EF\x00",
    ],
)
def test_what_is_no_mac_is_a_fault(mac: str) -> None:
    assert faults_of(DeviceCreate, {"mac": mac, "period": "P1M"}) == {"/mac": "bad_format"}
    assert faults_of(DeviceLookup, {"mac": mac}) == {"/mac": "bad_format"}
    with pytest.raises(InvalidRequest) as raised:
        DeviceQuery.of((("mac", mac),))
    assert [fault.pointer for fault in raised.value.faults] == ["?mac"]


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({"mac": 1}, {"/mac": "wrong_type"}),
        ({"mac": None}, {"/mac": "wrong_type"}),
        ({"mac": "0" * 51}, {"/mac": "too_long"}),
        ({"username": "anna"}, {"/username": "unknown_field"}),
        ({"password": "anna"}, {"/password": "unknown_field"}),
        ({"allowed_user_agents": []}, {"/allowed_user_agents": "unknown_field"}),
        ({"never_expires": True}, {"": "exactly_one"}),
        ({"plan_id": "plan_1"}, {"/plan_id": "not_allowed"}),
    ],
)
def test_a_bad_device_is_told_what_is_wrong(
    changes: dict[str, Any], faults: dict[str, str]
) -> None:
    assert faults_of(DeviceCreate, {"mac": MAC, "period": "P1M"} | changes) == faults


def test_a_device_needs_a_mac() -> None:
    assert faults_of(DeviceCreate, {"never_expires": True}) == {"/mac": "missing"}


def test_every_shared_field_reaches_the_services() -> None:
    body = {
        "mac": MAC,
        "panel_id": PANEL_ID,
        "external_id": "whmcs:4712",
        "never_expires": True,
        "max_connections": None,
        "bouquet_ids": [2, 1],
        "is_trial": True,
        "is_restreamer": True,
        "allowed_ips": ["203.0.113.7"],
        "notes": "n",
        "metadata": {"k": "v"},
        "reseller_id": RESELLER_ID,
        "member_id": 7,
        "force_server_id": 2,
        "isp_lock": True,
        "enabled": False,
        "admin_enabled": False,
        "admin_notes": "a",
        "extra": {"contact": "c"},
    }
    new = DeviceCreate.read(body).to_new_device()
    assert new.term == Term(never_expires=True)
    given = {field.name: getattr(new, field.name) for field in fields(new)}
    del given["term"]
    expected = body | {"bouquet_ids": (2, 1), "allowed_ips": ("203.0.113.7",)}
    del expected["never_expires"]
    assert given == expected


def test_lines_and_devices_differ_by_their_names_only() -> None:
    own = {"username", "password", "allowed_user_agents"}
    assert set(LineCreate.model_fields) - set(DeviceCreate.model_fields) == own
    assert set(DeviceCreate.model_fields) - set(LineCreate.model_fields) == {"mac"}


def test_a_device_patch_changes_what_is_named() -> None:
    body = {"allowed_user_agents": ["Model/MAG254"], "expires_at": None}
    expected = Changes(allowed_user_agents=("Model/MAG254",), expires_at=None)
    assert DevicePatch.read(body).to_changes() == expected
    assert faults_of(DevicePatch, {"mac": MAC}) == {"/mac": "unknown_field"}


def test_a_device_is_renewed_like_a_line() -> None:
    assert DeviceRenew.read({"never_expires": True}).to_term() == Term(never_expires=True)
    assert faults_of(DeviceRenew, {}) == {"": "exactly_one"}


def test_imports_name_what_is_on_the_panel() -> None:
    common = {"panel_id": PANEL_ID, "reseller_id": RESELLER_ID, "external_id": "x"}
    device = DeviceImportIn.read({"mac": "001a79abcdef", **common}).to_import()
    assert device == DeviceImport(
        panel_id=PANEL_ID, reseller_id=RESELLER_ID, mac=MAC, external_id="x"
    )
    line = LineImportIn.read({"username": "anna", "password": "pw", "panel_id": PANEL_ID})
    assert line.to_import() == LineImport(
        panel_id=PANEL_ID, reseller_id=None, username="anna", password=Secret("pw")
    )
    assert faults_of(LineImportIn, {}) == {
        "/panel_id": "missing",
        "/username": "missing",
        "/password": "missing",
    }


@pytest.mark.parametrize("text", ["anna", "ä", "a b", "../x", "0", "😀" * 100])
def test_anything_can_be_typed_into_a_login_form(text: str) -> None:
    found = LineLookup.read({"username": text, "password": text})
    assert (found.username, found.password) == (text, text)
    assert f"password={text!r}" not in repr(found)


@pytest.mark.parametrize(
    ("text", "code"), [("", "too_short"), ("a" * 501, "too_long"), ("a\x00", "unsafe_text")]
)
def test_some_of_it_is_too_much(text: str, code: str) -> None:
    body = {"username": text, "password": "x"}
    assert faults_of(LineLookup, body) == {"/username": code}


def test_lists_are_narrowed_by_what_is_given() -> None:
    pairs = (("state", "active"), ("q", "00:1a"), ("external_id", "x"), ("limit", "5"))
    assert DeviceQuery.of(pairs).to_filter() == DeviceFilter(
        state=State.ACTIVE, q="00:1a", external_id="x"
    )
    assert LineQuery.of((("username", "anna"),)).to_filter() == LineFilter(username="anna")


# --- what is shown -------------------------------------------------------------------------------


def test_a_device_is_shown_whole_and_in_order() -> None:
    device = a_device(mac=MAC, expires_at=None, panel_line_id=41, panel_device_id=9)
    out = shown(device_out(context())(ObservedDevice(device=device, info=SEEN)))
    assert list(out) == [
        "id", "object", "panel_id", "reseller_id", "external_id", "plan_id", "state",
        "expires_at", "max_connections", "active_connections", "bouquet_ids", "is_trial",
        "is_restreamer", "allowed_ips", "allowed_user_agents", "notes", "metadata",
        "panel_line_id", "version", "created_at", "updated_at", "observed",
        "mac", "panel_device_id",
    ]  # fmt: skip
    assert (out["object"], out["state"], out["expires_at"]) == ("device", "active", None)
    assert (out["mac"], out["panel_line_id"], out["panel_device_id"]) == (MAC, 41, 9)
    assert (out["active_connections"], out["observed"]["stale"]) == (1, True)


def test_the_info_of_a_device_hides_the_line_behind_it() -> None:
    out = shown(info_out(DeviceId("dev_1"), SEEN))
    assert (out["object"], out["device_id"]) == ("device_info", "dev_1")
    assert (out["mac"], out["panel_device_id"], out["panel_line_id"]) == (MAC, 9, 41)
    assert out["pair"] is None
    assert not {"username", "password", "admin_notes", "member_id"} & set(out)
    assert "hidden-name" not in str(out)


def test_the_info_of_a_line_is_not_shown_as_a_devices() -> None:
    members = {field.name: getattr(INFO, field.name) for field in fields(LineInfo)}
    seen = ObservedInfo(
        info=LineInfo(**members), at=AT, age_seconds=0, stale=False, from_cache=False
    )
    with pytest.raises(TypeError, match="not the info of a device"):
        info_out(DeviceId("dev_1"), seen)


def test_credits_are_texts_with_their_age() -> None:
    balance = PanelBalance(panel_id=PANEL_ID, balance="10.50", observed_at=AT)
    found = Credits(balance=None, held=None, panel_balances=(balance,), low_threshold="5.00")
    assert shown(credits_out(found)) == {
        "balance": None,
        "held": None,
        "panel_balances": [
            {"panel_id": PANEL_ID, "balance": "10.50", "observed_at": "2026-03-01T12:00:00Z"}
        ],
        "low_threshold": "5.00",
    }
