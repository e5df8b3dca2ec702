"""What is sent for each call on a device."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, get_args

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from gateway.domain.calls import CreateDevice, EditDevice, GetDeviceInfo
from gateway.domain.errors import PanelRefusedValues
from tests.panels import goldens, php
from tests.panels.forms import TEXTS, WILD_VALUES, form_of, sent
from tests.panels.makers import MAC, a_device_create, a_device_edit, a_device_info

Call = CreateDevice | EditDevice | GetDeviceInfo

CALLS: dict[str, Call] = {
    "device_create": a_device_create(),
    "device_create_never_without_limit": a_device_create(
        expires_at=None, max_connections=None, bouquet_ids=()
    ),
    "device_create_all": a_device_create(
        is_trial=True,
        is_restreamer=True,
        allowed_ips=("203.0.113.7", "2001:db8::1"),
        notes="100% ok & it's <b>fine</b>",
        admin_notes="xgw:op_1\nsecond line",
        member_id=2,
        enabled=False,
        admin_enabled=False,
        force_server_id=3,
        isp_lock=True,
        extra=(("is_stalker", "1"), ("forced_country", "DE")),
    ),
    "device_edit_expiry": a_device_edit(expires_at=datetime(2031, 2, 28, 23, 59, 59, tzinfo=UTC)),
    "device_edit_never": a_device_edit(expires_at=None),
    "device_edit_percent": a_device_edit(notes="100% ok %1$s"),
    "device_edit_all": a_device_edit(
        expires_at=datetime(2031, 1, 1, tzinfo=UTC),
        max_connections=None,
        bouquet_ids=(),
        is_trial=False,
        is_restreamer=False,
        allowed_ips=(),
        allowed_user_agents=("ü",),
        notes="",
        admin_notes="",
        member_id=7,
        enabled=True,
        admin_enabled=True,
        force_server_id=None,
        isp_lock=False,
        extra=(("is_stalker", "0"),),
    ),
    "device_info": a_device_info(),
}


@pytest.mark.parametrize("name", CALLS)
def test_the_exact_bytes_of_each_call(name: str) -> None:
    query, body = sent(CALLS[name])
    goldens.check(
        f"forms/{name}.json",
        {"query": query, "body": body.decode("ascii").split("&")},
    )


@pytest.mark.parametrize("name", CALLS)
def test_php_reads_what_we_meant(name: str) -> None:
    query, body = sent(CALLS[name])
    assert php.parse(query.encode()).keys() == {"action", "sub"}
    read = php.parse(body)
    assert read.pop("api_pass") == "S3 c&ret"
    inner = read.pop("user_data", {})
    assert isinstance(inner, dict)
    flat = {**read, **{f"user_data[{key}]": value for key, value in inner.items()}}
    assert flat == dict(form_of(CALLS[name]))


def test_the_panels_strict_text_columns_are_always_sent_on_create() -> None:
    names = {name for name, _text in form_of(a_device_create())}
    for column in ("admin_notes", "reseller_notes", "forced_country", "play_token"):
        assert f"user_data[{column}]" in names


def test_what_a_create_would_lose_is_not_sent() -> None:
    names = {name for name, _text in form_of(a_device_create())}
    assert not names & {"user_data[allowed_ua]", "user_data[username]", "user_data[password]"}


def test_no_expiry_is_left_out_of_a_create() -> None:
    assert "user_data[exp_date]" not in dict(form_of(a_device_create(expires_at=None)))


def test_an_edit_to_never_sends_the_sentinel() -> None:
    assert dict(form_of(a_device_edit(expires_at=None)))["user_data[exp_date]"] == "2145916800"


def test_an_edit_sends_only_what_changes_and_never_the_mac_as_a_column() -> None:
    assert form_of(a_device_edit(enabled=True)) == (("mac", MAC), ("user_data[enabled]", "1"))


def test_percent_signs_are_doubled_on_edit_and_only_there() -> None:
    assert dict(form_of(a_device_edit(notes="5%")))["user_data[reseller_notes]"] == "5%%"
    assert dict(form_of(a_device_create(notes="5%")))["user_data[reseller_notes]"] == "5%"


@pytest.mark.parametrize(
    "mac",
    [
        "",
        "0",
        MAC.replace("A", "a"),
        MAC.replace(":", "-"),
        MAC.replace(":", ""),
        f" {MAC}",
        f"{MAC}\n",
        f"{MAC}:79",
        MAC.replace("1", "\uff11"),
        MAC.replace("1", "G"),
    ],
)
def test_another_spelling_of_a_mac_is_refused_before_sending(mac: str) -> None:
    for call in (
        a_device_create(mac=mac),
        a_device_edit(mac=mac, enabled=True),
        a_device_info(mac),
    ):
        with pytest.raises(PanelRefusedValues):
            form_of(call)


@pytest.mark.parametrize(
    "call",
    [
        a_device_create(expires_at=datetime(1970, 1, 1, tzinfo=UTC)),
        a_device_create(max_connections=0),
        a_device_create(bouquet_ids=(1, 0)),
        a_device_create(allowed_ips=('1"',)),
        a_device_create(notes="<!-- x"),
        a_device_create(extra=(("mac", "00:1A:79:00:00:01"),)),
        a_device_edit(),
        a_device_edit(extra=(("mac", "00:1A:79:00:00:01"),)),
        a_device_edit(expires_at=datetime(2038, 1, 1, tzinfo=UTC)),
    ],
)
def test_what_a_panel_would_not_keep_is_refused_before_sending(call: Call) -> None:
    with pytest.raises(PanelRefusedValues):
        form_of(call)


#: Every column that any call may write.
KEYS = {
    name.removeprefix("user_data[").removesuffix("]")
    for name, _text in (*form_of(CALLS["device_create_all"]), *form_of(CALLS["device_create"]))
}
SHARED = {name: made for name, made in WILD_VALUES.items() if name != "allowed_user_agents"}
#: One or two fields of any value, so that the rest is not what refuses the call.
CHANGES = st.one_of(
    [st.fixed_dictionaries({one: SHARED[one], "notes": TEXTS}) for one in SHARED]
    + [st.fixed_dictionaries({"mac": TEXTS | st.just(MAC), "admin_notes": TEXTS})]
)


def creates() -> st.SearchStrategy[CreateDevice]:
    made: st.SearchStrategy[CreateDevice] = CHANGES.map(lambda some: a_device_create(**some))
    return made


def edits() -> st.SearchStrategy[EditDevice]:
    blank: dict[str, Any] = {"notes": "", "admin_notes": "", "allowed_ips": ()}
    made: st.SearchStrategy[EditDevice] = CHANGES.map(lambda some: a_device_edit(**(blank | some)))
    return made


@settings(max_examples=400)
@given(call=creates() | edits())
def test_no_input_can_add_remove_or_overwrite_a_form_field(call: CreateDevice | EditDevice) -> None:
    try:
        _query, body = sent(call)
    except PanelRefusedValues:
        event("refused")
        return
    event("sent")
    read = php.parse(body)
    assert read.pop("api_pass") == "S3 c&ret"
    inner = read.pop("user_data")
    assert isinstance(inner, dict)
    texts = {key: str(value) for key, value in inner.items()}
    if isinstance(call, EditDevice):
        assert read == {"mac": MAC}
        assert set(texts) < KEYS - {"mac"}
        texts = {key: text % () for key, text in texts.items()}  # As the panel formats them.
    else:
        assert read == {}
        assert set(texts) <= KEYS
        assert texts["mac"] == MAC
    assert (texts["reseller_notes"], texts["admin_notes"]) == (call.notes, call.admin_notes)
    assert isinstance(call.allowed_ips, tuple)
    assert json.loads(texts["allowed_ips"]) == list(call.allowed_ips)


def test_every_call_type_has_a_golden() -> None:
    assert {type(call) for call in CALLS.values()} == set(get_args(Call))
