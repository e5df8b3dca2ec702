"""What is sent for each call on a line."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, get_args

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from gateway.domain.calls import CreateLine, EditLine, GetLineInfo
from gateway.domain.errors import PanelRefusedValues
from gateway.domain.secrets import Secret
from gateway.panels.dialect import urlencode
from gateway.panels.xtream_v2 import lines
from tests.panels import goldens, php
from tests.panels.forms import TEXTS, WILD_VALUES, form_of, sent
from tests.panels.makers import a_create, a_pair, a_panel, an_edit, an_info

Call = CreateLine | EditLine | GetLineInfo

CALLS: dict[str, Call] = {
    "create": a_create(),
    "create_never_without_limit": a_create(expires_at=None, max_connections=None, bouquet_ids=()),
    "create_all": a_create(
        credentials=a_pair("b.o_b-1@x", "P~w*1"),
        is_trial=True,
        is_restreamer=True,
        allowed_ips=("203.0.113.7", "2001:db8::1"),
        allowed_user_agents=("VLC/3.0", "Żółć (TV)"),
        notes="100% ok & it's <b>fine</b>",
        admin_notes="xgw:op_1\nsecond line",
        member_id=2,
        enabled=False,
        admin_enabled=False,
        force_server_id=3,
        isp_lock=True,
        extra=(("is_stalker", "1"), ("forced_country", "DE")),
    ),
    "edit_expiry": an_edit(expires_at=datetime(2031, 2, 28, 23, 59, 59, tzinfo=UTC)),
    "edit_never": an_edit(expires_at=None),
    "edit_suspend": an_edit(enabled=False),
    "edit_password": an_edit(new_password=Secret("NewPassword9")),
    "edit_percent": an_edit(notes="100% ok %1$s"),
    "edit_all": an_edit(
        new_password=Secret("pw2"),
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
    "info": an_info(),
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
    names = {name for name, _text in form_of(a_create())}
    for column in ("admin_notes", "reseller_notes", "forced_country", "play_token"):
        assert f"user_data[{column}]" in names


def test_no_expiry_is_left_out_of_a_create() -> None:
    assert "user_data[exp_date]" not in dict(form_of(a_create(expires_at=None)))


def test_an_edit_to_never_sends_the_sentinel() -> None:
    assert dict(form_of(an_edit(expires_at=None)))["user_data[exp_date]"] == "2145916800"


def test_an_edit_sends_only_what_changes() -> None:
    assert form_of(an_edit(enabled=True)) == (
        ("username", "bob"),
        ("password", "pw1"),
        ("user_data[enabled]", "1"),
    )


def test_percent_signs_are_doubled_on_edit_and_only_there() -> None:
    assert dict(form_of(an_edit(notes="5%")))["user_data[reseller_notes]"] == "5%%"
    assert dict(form_of(a_create(notes="5%")))["user_data[reseller_notes]"] == "5%"


@pytest.mark.parametrize(
    "call",
    [
        a_create(credentials=a_pair("")),
        a_create(credentials=a_pair("0")),
        a_create(credentials=a_pair("bob", "0")),
        a_create(credentials=a_pair("bob ")),
        a_create(credentials=a_pair("bo%b")),
        a_create(credentials=a_pair("b\\ob")),
        a_create(credentials=a_pair("żółć")),
        a_create(credentials=a_pair("b" * 256)),
        a_create(expires_at=datetime(1970, 1, 1, tzinfo=UTC)),
        a_create(expires_at=datetime(1969, 1, 1, tzinfo=UTC)),
        a_create(expires_at=datetime(2038, 1, 1, tzinfo=UTC)),
        an_edit(expires_at=datetime(2038, 1, 1, tzinfo=UTC)),
        a_create(max_connections=0),
        a_create(max_connections=2**31),
        a_create(bouquet_ids=(1, 0)),
        a_create(allowed_ips=("",)),
        a_create(allowed_ips=(" 1.2.3.4",)),
        a_create(allowed_user_agents=('a"b',)),
        a_create(allowed_user_agents=("a\\b",)),
        a_create(allowed_user_agents=("x" * 250,) * 100),
        a_create(notes="\ud800"),
        a_create(notes="tv \U0001f600"),
        a_create(notes="<!-- x"),
        a_create(admin_notes="x" * 21_846),
        a_create(member_id=-1),
        a_create(extra=(("nope", "1"),)),
        a_create(extra=(("is_stalker", "1"), ("is_stalker", "0"))),
        a_create(extra=(("is_stalker", "a\\"),)),
        an_edit(),
        an_edit(new_password=Secret("")),
        an_info("bob", ""),
    ],
)
def test_what_a_panel_would_not_keep_is_refused_before_sending(call: Call) -> None:
    with pytest.raises(PanelRefusedValues):
        form_of(call)


@pytest.mark.parametrize("name", ["id", "ID", "is_mag", "created_at", "username", "enabled", "a-b"])
def test_no_setting_lets_an_extra_column_write_what_is_not_extra(name: str) -> None:
    panel = a_panel(extra_columns=(name,))
    with pytest.raises(PanelRefusedValues):
        lines.encode_create(a_create(extra=((name, "1"),)), panel)


def test_a_refusal_does_not_repeat_the_value() -> None:
    with pytest.raises(PanelRefusedValues) as caught:
        form_of(a_create(credentials=a_pair("bob", "s3cret\\s3cret")))
    assert "s3cret" not in repr(caught.value)


#: Every column that any call may write.
KEYS = {
    name.removeprefix("user_data[").removesuffix("]")
    for name, _text in (*form_of(CALLS["create_all"]), *form_of(CALLS["create"]))
}
WILD: dict[str, st.SearchStrategy[Any]] = {
    "credentials": st.builds(a_pair, TEXTS, st.just("pw")) | st.builds(a_pair, password=TEXTS),
    **WILD_VALUES,
}
#: One or two fields of any value, so that the rest is not what refuses the call.
CHANGES = st.one_of(
    [
        st.fixed_dictionaries({one: WILD[one], other: WILD[other]})
        for one in WILD
        for other in ("notes", "allowed_user_agents")
    ]
)


def creates() -> st.SearchStrategy[CreateLine]:
    made: st.SearchStrategy[CreateLine] = CHANGES.map(lambda changes: a_create(**changes))
    return made


def edits() -> st.SearchStrategy[EditLine]:
    blank = {"allowed_user_agents": (), "notes": "", "admin_notes": ""}
    made: st.SearchStrategy[EditLine] = CHANGES.map(lambda changes: an_edit(**(blank | changes)))
    return made


def wanted(call: CreateLine | EditLine) -> dict[str, Any]:
    """What the panel must read in the free texts, if anything is sent at all."""
    assert isinstance(call.allowed_user_agents, tuple)
    return {
        "allowed_ua": list(call.allowed_user_agents),
        "reseller_notes": call.notes,
        "admin_notes": call.admin_notes,
    }


@settings(max_examples=400)
@given(call=creates() | edits())
def test_no_input_can_add_remove_or_overwrite_a_form_field(call: CreateLine | EditLine) -> None:
    try:
        _query, body = sent(call)
    except PanelRefusedValues:
        event("refused")
        return
    event("sent")
    read = php.parse(body)
    top = {"api_pass"} if isinstance(call, CreateLine) else {"api_pass", "username", "password"}
    assert read.keys() == top | {"user_data"}
    assert read["api_pass"] == "S3 c&ret"
    inner = read["user_data"]
    assert isinstance(inner, dict)
    assert set(inner) <= KEYS
    texts = {key: str(inner[key]) for key in wanted(call)}
    if isinstance(call, EditLine):
        texts = {key: text % () for key, text in texts.items()}  # As the panel formats them.
        assert read["username"] == call.credentials.username
        assert read["password"] == call.credentials.password.reveal()
    else:
        assert inner["username"] == call.credentials.username
        assert inner["password"] == call.credentials.password.reveal()
    assert {**texts, "allowed_ua": json.loads(texts["allowed_ua"])} == wanted(call)


@given(
    pairs=st.lists(
        st.tuples(st.text(alphabet="abc_", min_size=1), st.text()), unique_by=lambda p: p[0]
    )
)
def test_any_text_travels_unchanged(pairs: list[tuple[str, str]]) -> None:
    form = tuple((name, text.encode("utf-8", "replace").decode()) for name, text in pairs)
    assert php.parse(urlencode(form)) == dict(form)


def test_the_form_is_encoded_as_php_does_it() -> None:
    form = (("a[b]", "x y~z-_.*'(ü)"),)
    assert urlencode(form) == b"a%5Bb%5D=x+y%7Ez-_.%2A%27%28%C3%BC%29"


def test_every_call_type_has_a_golden() -> None:
    assert {type(call) for call in CALLS.values()} == set(get_args(Call))
