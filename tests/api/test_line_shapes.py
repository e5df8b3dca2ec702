"""What may be sent of lines, and what is shown of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.api.rest.faults import FAULT_CODES
from gateway.api.rest.keys import KeyCreate
from gateway.api.rest.line_answers import info_out, line_out, line_with_password_out
from gateway.api.rest.line_requests import (
    LineCreate,
    LineImportIn,
    LineLookup,
    LinePatch,
    LineRenew,
    PasswordRotate,
)
from gateway.api.rest.panel_requests import PanelCreate, PanelPatch
from gateway.api.rest.resellers import ResellerCreate, ResellerPatch
from gateway.api.rest.subscription_requests import Reason
from gateway.api.rest.wire import Wire
from gateway.domain.caller import Caller
from gateway.domain.calls import Connections, Isp, LineInfo
from gateway.domain.errors import Fault, InvalidRequest
from gateway.domain.ids import LineId, PanelId, ResellerId
from gateway.domain.lines import LineWithPassword, NewLine, ObservedLine
from gateway.domain.periods import Period
from gateway.domain.secrets import Secret
from gateway.domain.subscriptions import Changes, ObservedInfo, RenewFrom, Term
from gateway.services.context import Context
from tests.api.support import some_ports
from tests.factories import a_line

WHOLE = {
    "panel_id": "pnl_0000000000000000000000000a",
    "external_id": "whmcs:4711",
    "plan_id": None,
    "username": "anna",
    "password": "s3cret-Pass",
    "expires_at": "2027-01-31T00:00:00.25+00:00",
    "period": None,
    "never_expires": False,
    "max_connections": None,
    "bouquet_ids": [3, 1, 2],
    "is_trial": True,
    "is_restreamer": True,
    "allowed_ips": ["203.0.113.7", "2001:DB8::0:1"],
    "allowed_user_agents": ["VLC/3.0 (x)"],
    "notes": "two\nlines",
    "metadata": {"k": "v", "empty": ""},
    "reseller_id": "rsl_0000000000000000000000000a",
    "member_id": 7,
    "force_server_id": 2,
    "isp_lock": True,
    "enabled": False,
    "admin_enabled": True,
    "admin_notes": "watch",
    "extra": {"contact": "a@b.example"},
}


def faults_of(model: type[Wire], body: object) -> dict[str, str]:
    """Return the codes of what is wrong with *body*, by pointer."""
    with pytest.raises(InvalidRequest) as raised:
        model.read(body)
    return {fault.pointer: fault.code for fault in raised.value.faults}


def test_every_field_reaches_the_services() -> None:
    assert LineCreate.read(WHOLE).to_new_line() == NewLine(
        panel_id=PanelId("pnl_0000000000000000000000000a"),
        external_id="whmcs:4711",
        username="anna",
        password=Secret("s3cret-Pass"),
        term=Term(expires_at=datetime(2027, 1, 31, tzinfo=UTC)),
        max_connections=None,
        bouquet_ids=(3, 1, 2),
        is_trial=True,
        is_restreamer=True,
        allowed_ips=("203.0.113.7", "2001:db8::1"),
        allowed_user_agents=("VLC/3.0 (x)",),
        notes="two\nlines",
        metadata={"k": "v", "empty": ""},
        reseller_id=ResellerId("rsl_0000000000000000000000000a"),
        member_id=7,
        force_server_id=2,
        isp_lock=True,
        enabled=False,
        admin_enabled=True,
        admin_notes="watch",
        extra={"contact": "a@b.example"},
    )


def test_the_least_is_a_term() -> None:
    made = LineCreate.read({"period": "P1M"}).to_new_line()
    assert made == NewLine(term=Term(period=Period(months=1)))
    made = LineCreate.read({"never_expires": True, "expires_at": None}).to_new_line()
    assert made == NewLine(term=Term(never_expires=True))


BAD_LINES: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "an array for a string": ({"username": ["anna"]}, {"/username": "wrong_type"}),
    "an object for a string": ({"notes": {}}, {"/notes": "wrong_type"}),
    "a number for a string": ({"username": 7}, {"/username": "wrong_type"}),
    "a string for a number": ({"max_connections": "1"}, {"/max_connections": "wrong_type"}),
    "a fraction for a whole": ({"max_connections": 1.5}, {"/max_connections": "wrong_type"}),
    "a float for a whole": ({"max_connections": 1.0}, {"/max_connections": "wrong_type"}),
    "true for a number": ({"max_connections": True}, {"/max_connections": "wrong_type"}),
    "a number for a boolean": ({"is_trial": 1}, {"/is_trial": "wrong_type"}),
    "a string for a boolean": ({"is_trial": "true"}, {"/is_trial": "wrong_type"}),
    "null for a boolean": ({"is_trial": None}, {"/is_trial": "wrong_type"}),
    "a string for an array": ({"bouquet_ids": "1,2"}, {"/bouquet_ids": "wrong_type"}),
    "an object for an array": ({"bouquet_ids": {"0": 1}}, {"/bouquet_ids": "wrong_type"}),
    "an array for an object": ({"metadata": [["k", "v"]]}, {"/metadata": "wrong_type"}),
    "no connections": ({"max_connections": 0}, {"/max_connections": "out_of_range"}),
    "too many connections": ({"max_connections": 1001}, {"/max_connections": "out_of_range"}),
    "a huge number": ({"max_connections": 10**200}, {"/max_connections": "out_of_range"}),
    "a control character": ({"username": "a\nb"}, {"/username": "bad_format"}),
    "a NUL": ({"username": "a\x00"}, {"/username": "bad_format"}),
    "a long name": ({"username": "a" * 300}, {"/username": "too_long"}),
    "an empty name": ({"username": ""}, {"/username": "too_short"}),
    "an emoji": ({"username": "😀"}, {"/username": "bad_format"}),
    "an umlaut": ({"username": "änna"}, {"/username": "bad_format"}),
    "dots and slashes": ({"username": "../etc"}, {"/username": "bad_format"}),
    "brackets": ({"username": "a][b"}, {"/username": "bad_format"}),
    "a percent sign": ({"password": "a%b"}, {"/password": "bad_format"}),
    "a zero": ({"username": "0"}, {"/username": "unsafe_text"}),
    "a zero to enter": ({"password": "0"}, {"/password": "unsafe_text"}),
    "an unknown field": ({"user_name": "anna"}, {"/user_name": "unknown_field"}),
    "a period in words": ({"period": "1 month"}, {"/period": "bad_format"}),
    "a zero period": ({"period": "P0D"}, {"/period": "out_of_range"}),
    "a period of millennia": ({"period": "P9999M"}, {"/period": "out_of_range"}),
    "a period as number": ({"period": 30}, {"/period": "wrong_type"}),
    "a plan": ({"plan_id": "plan_1"}, {"/plan_id": "not_allowed"}),
    "no id at all": ({"panel_id": "pnl one"}, {"/panel_id": "bad_format"}),
    "a negative bouquet": ({"bouquet_ids": [-1]}, {"/bouquet_ids/0": "out_of_range"}),
    "a large bouquet": ({"bouquet_ids": [2**31]}, {"/bouquet_ids/0": "out_of_range"}),
    "bouquets of other types": (
        {"bouquet_ids": [1, "2", True]},
        {"/bouquet_ids/1": "wrong_type", "/bouquet_ids/2": "wrong_type"},
    ),
    "a bouquet twice": ({"bouquet_ids": [1, 2, 1]}, {"/bouquet_ids": "duplicate"}),
    "a thousand bouquets": ({"bouquet_ids": list(range(1, 1002))}, {"/bouquet_ids": "too_long"}),
    "no address": ({"allowed_ips": ["300.1.1.1"]}, {"/allowed_ips/0": "bad_format"}),
    "a network": ({"allowed_ips": ["10.0.0.0/8"]}, {"/allowed_ips/0": "bad_format"}),
    "a zone": ({"allowed_ips": ["fe80::1%eth0"]}, {"/allowed_ips/0": "bad_format"}),
    "an address twice": ({"allowed_ips": ["::1", "0::1"]}, {"/allowed_ips": "duplicate"}),
    "a quoted agent": ({"allowed_user_agents": ['a"b']}, {"/allowed_user_agents/0": "unsafe_text"}),
    "an empty agent": ({"allowed_user_agents": [""]}, {"/allowed_user_agents/0": "unsafe_text"}),
    "notes that climb": ({"notes": "see ../etc"}, {"/notes": "unsafe_text"}),
    "notes with a script": ({"notes": "<SCRIPT>"}, {"/notes": "unsafe_text"}),
    "notes with a backslash": ({"notes": "a\\b"}, {"/notes": "unsafe_text"}),
    "notes with an emoji": ({"notes": "😀"}, {"/notes": "unsafe_text"}),
    "notes with a bell": ({"notes": "a\x07"}, {"/notes": "unsafe_text"}),
    "long notes": ({"notes": "a" * 2_001}, {"/notes": "too_long"}),
    "blank ends": ({"admin_notes": " a"}, {"/admin_notes": "unsafe_text"}),
    "metadata with numbers": ({"metadata": {"k": 1}}, {"/metadata/k": "wrong_type"}),
    "metadata inside metadata": ({"metadata": {"k": {"a": "b"}}}, {"/metadata/k": "wrong_type"}),
    "a long metadata key": ({"metadata": {"k" * 41: "v"}}, {"/metadata/" + "k" * 41: "too_long"}),
    "an empty metadata key": ({"metadata": {"": "v"}}, {"/metadata/": "too_short"}),
    "a key like pydantic's": ({"metadata": {"[key]": 1}}, {"/metadata/[key]": "wrong_type"}),
    "a long metadata value": ({"metadata": {"k": "v" * 501}}, {"/metadata/k": "too_long"}),
    "much metadata": ({"metadata": {str(n): "" for n in range(51)}}, {"/metadata": "too_long"}),
    "a NUL in metadata": ({"metadata": {"k": "a\x00b"}}, {"/metadata/k": "unsafe_text"}),
    "a reserved column": ({"extra": {"Password": "x"}}, {"/extra/Password": "unsafe_text"}),
    "no column": ({"extra": {"a]b": "x"}}, {"/extra/a]b": "unsafe_text"}),
    "a spaced external id": ({"external_id": "a b"}, {"/external_id": "bad_format"}),
    "a long external id": ({"external_id": "a" * 129}, {"/external_id": "too_long"}),
    "a negative member": ({"member_id": -1}, {"/member_id": "out_of_range"}),
    "no term": ({"period": None}, {"": "exactly_one"}),
    "two terms": ({"never_expires": True}, {"": "exactly_one"}),
    "no term and more": (
        {"period": None, "username": [], "max_connections": "x", "nonsense": 1},
        {
            "": "exactly_one",
            "/username": "wrong_type",
            "/max_connections": "wrong_type",
            "/nonsense": "unknown_field",
        },
    ),
}


@pytest.mark.parametrize(("changes", "faults"), BAD_LINES.values(), ids=BAD_LINES)
def test_a_bad_line_is_told_everything_that_is_wrong(
    changes: dict[str, Any], faults: dict[str, str]
) -> None:
    assert faults_of(LineCreate, {"period": "P1M"} | changes) == faults
    assert set(faults.values()) <= set(FAULT_CODES)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("2027-13-01T00:00:00Z", "bad_format"),
        ("2027-02-30T00:00:00Z", "bad_format"),
        ("2027-01-01T24:00:00Z", "bad_format"),
        ("2027-01-01T00:00:60Z", "bad_format"),
        ("2027-01-01T00:00:00", "bad_format"),
        ("2027-01-01T00:00Z", "bad_format"),
        ("2027-01-01", "bad_format"),
        ("٢٠٢٧-01-01T00:00:00Z", "bad_format"),
        ("0000-01-01T00:00:00Z", "bad_format"),
        ("0001-01-01T00:00:00+10:00", "bad_format"),
        ("9999-12-31T23:59:59-10:00", "bad_format"),
        ("2027-01-01T00:00:00+99:00", "bad_format"),
        ("1969-12-31T23:59:59Z", "out_of_range"),
        ("", "bad_format"),
        (1_800_000_000, "wrong_type"),
        (["2027-01-01T00:00:00Z"], "wrong_type"),
    ],
)
def test_an_expiry_is_an_rfc_3339_time(value: object, code: str) -> None:
    assert faults_of(LineCreate, {"expires_at": value}) == {"/expires_at": code}


def test_no_fault_repeats_a_password() -> None:
    for password in ("p" * 65, "pass word", ["hunter2"]):
        with pytest.raises(InvalidRequest) as raised:
            LineCreate.read({"period": "P1M", "password": password})
        assert "hunter2" not in str(raised.value.faults)
        assert "pass word" not in str(raised.value.faults)
        assert "ppp" not in str(raised.value.faults)
        assert raised.value.__cause__ is None


def test_a_password_does_not_show_in_a_repr() -> None:
    assert "s3cret-Pass" not in repr(LineCreate.read(WHOLE))
    assert "s3cret-Pass" not in repr(PasswordRotate.read({"password": "s3cret-Pass"}))


@pytest.mark.parametrize(
    ("body", "term"),
    [
        ({"period": "P1Y2M"}, Term(period=Period(months=14))),
        (
            {"period": "PT24H", "from": "now"},
            Term(period=Period(seconds=86_400), counted_from=RenewFrom.NOW),
        ),
        (
            {"expires_at": "2027-01-31t00:00:00z"},
            Term(expires_at=datetime(2027, 1, 31, tzinfo=UTC)),
        ),
        ({"never_expires": True, "reference": "invoice 7"}, Term(never_expires=True)),
    ],
)
def test_a_renewal_has_a_term(body: dict[str, Any], term: Term) -> None:
    assert LineRenew.read(body).to_term() == term


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ({}, {"": "exactly_one"}),
        ({"never_expires": False}, {"": "exactly_one"}),
        ({"period": "P1M", "from": "later on"}, {"/from": "unknown_value"}),
        ({"period": "P1M", "from": None}, {"/from": "unknown_value"}),
        ({"period": "P1M", "counted_from": "now"}, {"/counted_from": "unknown_field"}),
        ({"never_expires": True, "from": "now"}, {"/from": "not_allowed"}),
        ({"period": "P1M", "reference": ""}, {"/reference": "too_short"}),
        ({"period": "P1M", "reference": "a\x00"}, {"/reference": "unsafe_text"}),
        (
            {"expires_at": [], "period": 1},
            {"": "exactly_one", "/expires_at": "wrong_type", "/period": "wrong_type"},
        ),
    ],
)
def test_a_bad_renewal_is_told_what_is_wrong(body: object, faults: dict[str, str]) -> None:
    assert faults_of(LineRenew, body) == faults


def test_a_patch_changes_what_is_named() -> None:
    body = {"expires_at": None, "max_connections": None, "notes": "", "metadata": {"k": None}}
    assert Changes(**LinePatch.read(body).given()) == Changes(
        expires_at=None, max_connections=None, notes="", metadata={"k": None}
    )
    assert Changes(**LinePatch.read({}).given()) == Changes()


@pytest.mark.parametrize("name", ["username", "password", "panel_id", "reseller_id", "id", "state"])
def test_what_is_fixed_cannot_be_patched(name: str) -> None:
    assert faults_of(LinePatch, {name: "x"}) == {f"/{name}": "unknown_field"}


@pytest.mark.parametrize("name", ["notes", "bouquet_ids", "is_trial", "metadata", "enabled"])
def test_null_is_only_for_what_can_be_null(name: str) -> None:
    assert faults_of(LinePatch, {name: None}) == {f"/{name}": "wrong_type"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
MODELS: tuple[type[Wire], ...] = (
    LineCreate,
    LinePatch,
    LineRenew,
    PasswordRotate,
    LineImportIn,
    LineLookup,
    Reason,
    KeyCreate,
    PanelCreate,
    PanelPatch,
    ResellerCreate,
    ResellerPatch,
)


@given(data=st.data())
def test_any_json_is_taken_or_refused_with_pointers(data: st.DataObject) -> None:
    model = data.draw(st.sampled_from(MODELS))
    names = [field.alias or name for name, field in model.model_fields.items()]
    body = data.draw(
        st.dictionaries(st.sampled_from(names) | st.text(max_size=5), JSON, max_size=6) | JSON
    )
    faults: tuple[Fault, ...] = ()
    try:
        model.read(body)
    except InvalidRequest as error:
        faults = error.faults
    for fault in faults:
        assert fault.code in FAULT_CODES
        assert fault.detail
        assert fault.pointer == "" or fault.pointer.startswith("/")


# --- what is shown -------------------------------------------------------------------------------

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
INFO = LineInfo(
    panel_line_id=41,
    username="anna",
    member_id=7,
    enabled=True,
    admin_enabled=True,
    expires_at=AT,
    active_connections=1,
    max_connections=2,
    bouquet_ids=(1,),
    allowed_ips=(),
    allowed_user_agents=None,
    is_trial=False,
    is_restreamer=False,
    notes="",
    admin_notes="op_secret",
    created_at=None,
    channel_ids=(1, 2),
    series_ids=(),
    output_formats=("m3u8", "ts"),
    pair=Connections(active_connections=0, max_connections=None),
    isp=Isp(number="3320", name="Telekom", locked=True, violation=False),
    country="DE",
    force_server_id=None,
    pair_id=9,
)
SEEN = ObservedInfo(info=INFO, at=AT, age_seconds=7, stale=False, from_cache=True)


def shown(value: object) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value))


def context() -> Context:
    return Context(ports=some_ports(), caller=Caller.system("test"), request_id="req_1")


def test_a_line_is_shown_whole_and_in_order() -> None:
    line = a_line(username="anna", expires_at=None, notes="n", metadata={"k": "v"})
    out = shown(line_out(context())(ObservedLine(line=line, info=SEEN)))
    assert list(out) == [
        "id", "object", "panel_id", "reseller_id", "external_id", "plan_id", "state",
        "expires_at", "max_connections", "active_connections", "bouquet_ids", "is_trial",
        "is_restreamer", "allowed_ips", "allowed_user_agents", "notes", "metadata",
        "panel_line_id", "version", "created_at", "updated_at", "observed", "username",
    ]  # fmt: skip
    assert out["object"] == "line"
    assert out["state"] == "active"
    assert out["active_connections"] == 1
    assert out["observed"] == {"at": "2026-03-01T12:00:00Z", "age_seconds": 7, "stale": False}
    assert line.password.reveal() not in str(out)


def test_a_line_that_was_not_asked_for_has_no_age() -> None:
    expired = a_line(expires_at=datetime.now(UTC) - timedelta(seconds=1))
    out = shown(line_out(context())(ObservedLine(line=expired, info=None)))
    assert (out["state"], out["observed"], out["active_connections"]) == ("expired", None, None)


def test_a_new_password_is_shown_beside_the_line() -> None:
    seen = ObservedLine(line=a_line(), info=None)
    to_out = line_with_password_out(context())
    assert shown(to_out(LineWithPassword(line=seen, password=Secret("pw"))))["password"] == "pw"
    assert shown(to_out(LineWithPassword(line=seen, password=None)))["password"] is None


def test_info_shows_what_the_panel_says_but_not_what_is_the_operators() -> None:
    out = shown(info_out(LineId("line_1"), SEEN))
    assert out["pair"] == {"active_connections": 0, "max_connections": None}
    assert out["isp"] == {"number": "3320", "name": "Telekom", "locked": True, "violation": False}
    assert out["output_formats"] == ["m3u8", "ts"]
    assert out["observed"]["age_seconds"] == 7
    assert "op_secret" not in str(out)
    assert not {"admin_notes", "member_id", "password"} & set(out)
