"""The panel's own accounts, servers and streams, in every shape in which they may be told."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.calls import (
    Accounts,
    ListAccounts,
    ListServers,
    ListStreams,
    PanelAccountInfo,
    PanelServerInfo,
    PanelStreamInfo,
    ReadCall,
    Servers,
    Streams,
)
from gateway.domain.errors import (
    GatewayError,
    PanelMisconfigured,
    PanelUnavailable,
    PanelUnsupported,
)
from gateway.panels.dialect import Answer
from gateway.panels.xtream_v2 import lists
from tests.panels import goldens
from tests.panels.forms import sent
from tests.panels.makers import an_answer
from tests.panels.odd_answers import LOGIN, NGINX, NOTICE, a_refusal
from tests.panels.recorded import exchanges
from tests.panels.talk import talking

ACCOUNT: dict[str, Any] = {
    "id": "2",
    "username": "reseller1",
    "credits": "10.5",
    "group_id": "4",
    "group_name": "Resellers",
    "last_login": None,
    "date_registered": "1500000000",
    "email": "r1@example.org",
    "ip": "203.0.113.9",
    "status": "1",
}


def accounts(answer: Answer) -> Accounts:
    return lists.decode_accounts(answer, ListAccounts())


def servers(answer: Answer) -> Servers:
    return lists.decode_servers(answer, ListServers())


def streams(answer: Answer) -> Streams:
    return lists.decode_streams(answer, ListStreams())


DECODERS: tuple[Callable[[Answer], object], ...] = (accounts, servers, streams)


@pytest.mark.parametrize("call", [ListAccounts(), ListServers(), ListStreams()])
def test_the_exact_bytes_of_each_call(call: object) -> None:
    query, body = sent(call)
    name = type(call).__name__.removeprefix("List").lower()
    goldens.check(f"forms/list_{name}.json", {"query": query, "body": [body.decode("ascii")]})


def an_account(**changes: Any) -> PanelAccountInfo:
    (found,) = accounts(an_answer(json.dumps([{**ACCOUNT, **changes}]))).accounts
    return found


def test_an_account_is_typed_without_mail_and_address() -> None:
    assert an_account() == PanelAccountInfo(
        id=2, username="reseller1", credits="10.5", group_id=4, group_name="Resellers", status=1
    )
    assert "example.org" not in repr(an_account())
    assert "203.0.113.9" not in repr(an_account())


@pytest.mark.parametrize(
    ("told", "read"),
    [
        ("0", "0"),
        ("10.5", "10.5"),
        ("123484", "123484"),
        ("-3.00", "-3.00"),
        ("1.23457e+06", "1234570"),
        ("1e-2", "0.01"),
        (7, "7"),
        (27.22, "27.22"),
        (None, None),
        ("", None),
        ("lots", None),
        ("NaN", None),
        ("1e99", None),
        ("1" * 17, None),
        ("\uff11", None),
        (" 1", None),
        (True, None),
        ([], None),
    ],
)
def test_credits_are_the_panels_own_digits(told: object, read: str | None) -> None:
    assert an_account(credits=told).credits == read


def test_nulls_and_numbers_of_other_revisions_are_read() -> None:
    found = an_account(id=7, group_id=None, group_name=None, username=None, status=0)
    assert found == PanelAccountInfo(
        id=7, username="", credits="10.5", group_id=None, group_name="", status=0
    )


@pytest.mark.parametrize(
    ("told", "online"), [(True, True), (False, False), ("1", True), (0, False), (None, None)]
)
def test_a_server_is_online_or_not_or_unknown(told: object, online: bool | None) -> None:
    row = {"id": 1, "server_name": 'LB "Süd"', "online": told, "info": None}
    assert servers(an_answer(json.dumps([row]))) == Servers(
        (PanelServerInfo(id=1, name='LB "Süd"', online=online),)
    )


def test_streams_keep_their_order_and_names() -> None:
    rows = [{"id": "2", "stream_name": "Żółć <HD>"}, {"id": 1, "stream_name": None}]
    assert streams(an_answer(json.dumps(rows))) == Streams(
        (PanelStreamInfo(id=2, name="Żółć <HD>"), PanelStreamInfo(id=1, name=""))
    )


def test_a_panel_may_have_none() -> None:
    answer = an_answer(NOTICE + "[]")
    assert (accounts(answer), servers(answer), streams(answer)) == (
        Accounts(()),
        Servers(()),
        Streams(()),
    )


@pytest.mark.parametrize("decode", DECODERS)
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (an_answer(), PanelUnsupported),
        (an_answer('{"result":false,"0":"IP FORBIDDEN"}'), PanelMisconfigured),
        (an_answer('{"result":false,"0":"KEY WRONG"}'), PanelMisconfigured),
        (an_answer(LOGIN), PanelMisconfigured),
        (an_answer(NGINX, status=404), PanelMisconfigured),
        (an_answer(status=404), PanelMisconfigured),
        (an_answer(status=302), PanelMisconfigured),
        (an_answer(status=503), PanelUnavailable),
        (an_answer('{"error":"MySQL: Connection refused"}'), PanelUnavailable),
        (an_answer("[{"), PanelUnavailable),
        (an_answer("[]", whole=False), PanelUnavailable),
        (an_answer('{"result":true}'), PanelUnavailable),
        (a_refusal("SOMETHING NEW"), PanelUnavailable),
        (an_answer('[{"id":"1"},[]]'), PanelUnavailable),
        (an_answer('[{"id":"1"},{"id":"x"}]'), PanelUnavailable),
        (an_answer('[{"id":0}]'), PanelUnavailable),
        (an_answer("[{}]"), PanelUnavailable),
    ],
)
def test_a_list_without_a_usable_answer(
    answer: Answer, error: type[GatewayError], decode: Callable[[Answer], object]
) -> None:
    with pytest.raises(error):
        decode(answer)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
KEYS = [*ACCOUNT, "server_name", "online", "stream_name"]


@given(rows=st.lists(st.dictionaries(st.sampled_from(KEYS), JSON, max_size=6), max_size=3))
def test_no_type_in_any_field_is_too_odd(rows: list[dict[str, Any]]) -> None:
    for decode in DECODERS:
        try:
            decode(an_answer(json.dumps(rows)))
        except PanelUnavailable:
            assert rows


async def test_the_simulated_panel_tells_them_all() -> None:
    async with talking("v2") as talk:
        read = [
            await talk.port.read(talk.panel, call, timeout_seconds=5)
            for call in (ListAccounts(), ListServers(), ListStreams())
        ]
    assert [type(one) for one in read] == [Accounts, Servers, Streams]
    recorded = next(one for one in exchanges("reg_user&sub=list") if one.name == "reg_user_list")
    assert read[0] == accounts(recorded.answer)


async def test_a_panel_without_these_calls_says_that_it_lacks_them() -> None:
    async with talking("documented") as talk:
        for call in (ListAccounts(), ListServers(), ListStreams()):
            assert isinstance(call, get_args(ReadCall))
            with pytest.raises(PanelUnsupported):
                await talk.port.read(talk.panel, call, timeout_seconds=5)
