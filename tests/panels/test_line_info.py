"""Every shape in which an info answer may tell about a line."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.domain.calls import (
    Connections,
    Isp,
    LineInfo,
    NotOnPanel,
)
from gateway.domain.errors import (
    PanelUnavailable,
)
from gateway.panels.xtream_v2 import lines
from tests.panels.makers import an_answer, an_info
from tests.panels.recorded import exchanges

INFO = {
    exchange.name: json.loads(exchange.answer.body)
    for exchange in exchanges("user&sub=info")
    if exchange.answer.body.startswith(b'{"result":true')
}


def info_with(**changes: Any) -> LineInfo | NotOnPanel:
    told = {**INFO["user_info_ok"]["user_info"], "username": "bob", "password": "pw1", **changes}
    told = {key: value for key, value in told.items() if value is not ...}
    return lines.decode_info(an_answer(json.dumps({"result": True, "user_info": told})), an_info())


def field_of(name: str, **changes: Any) -> object:
    info = info_with(**changes)
    assert isinstance(info, LineInfo)
    return getattr(info, name)


@pytest.mark.parametrize("changes", [{"username": "Bob"}, {"username": "böb"}, {"username": None},
    {"username": ...}, {"password": "PW1"}, {"password": None}])  # fmt: skip
def test_a_line_with_other_credentials_is_not_the_one_asked_for(changes: dict[str, Any]) -> None:
    assert info_with(**changes) == NotOnPanel()


def test_a_panel_that_keeps_the_password_to_itself_is_believed() -> None:
    assert isinstance(info_with(password=...), LineInfo)


YEAR_1970 = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("sent", "expires_at"),
    [
        (None, None),
        ("", None),
        ("0", YEAR_1970),
        (0, YEAR_1970),
        ("-5", YEAR_1970),
        (-(10**17), YEAR_1970),
        ("2027", datetime(1970, 1, 1, 0, 33, 47, tzinfo=UTC)),
        ("2145916799", datetime(2037, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("2145916800", None),
        (2145916800, None),
        ("2147483647", None),
        (10**17, None),
    ],
)
def test_the_expiry_reads_as(sent: object, expires_at: datetime | None) -> None:
    assert field_of("expires_at", exp_date=sent) == expires_at


@pytest.mark.parametrize(
    "changes",
    [
        {"exp_date": ...},
        {"exp_date": "soon"},
        {"exp_date": "1893456000.9"},
        {"exp_date": []},
        {"exp_date": False},
        {"exp_date": "\u00a01893456000"},
        {"exp_date": 10**40},
        {"max_connections": ...},
        {"max_connections": None},
        {"max_connections": "three"},
        {"max_connections": "\uff11"},
        {"max_connections": True},
        {"id": "x"},
        {"id": 0},
        {"id": ...},
    ],
)
def test_an_info_without_what_a_verification_needs_is_not_usable(changes: dict[str, Any]) -> None:
    with pytest.raises(PanelUnavailable):
        info_with(**changes)


@pytest.mark.parametrize(
    ("field", "sent", "read"),
    [
        ("max_connections", {"max_connections": "0"}, None),
        ("max_connections", {"max_connections": 7}, 7),
        ("member_id", {"member_id": "2"}, 2),
        ("enabled", {"enabled": "0"}, False),
        ("enabled", {"enabled": 1}, True),
        ("enabled", {"enabled": False}, False),
        ("enabled", {"enabled": ...}, True),
        ("admin_enabled", {"admin_enabled": "0"}, False),
        ("active_connections", {"active_cons": "3"}, 3),
        ("active_connections", {"active_cons": ...}, None),
        ("bouquet_ids", {"bouquet": ["1", 2]}, (1, 2)),
        ("bouquet_ids", {"bouquet": [1, "x"]}, None),
        ("bouquet_ids", {"bouquet": None}, None),
        ("bouquet_ids", {"bouquet": 5}, None),
        ("bouquet_ids", {"bouquet": {"a": 1}}, None),
        ("allowed_ips", {"allowed_ips": {"1": "9.9.9.9"}}, ("9.9.9.9",)),
        ("allowed_ips", {"allowed_ips": None}, None),
        ("allowed_user_agents", {"allowed_ua": ["a", "\u00a0b\u00a0"]}, ("a", "\u00a0b\u00a0")),
        ("notes", {"reseller_notes": None}, ""),
        ("notes", {"reseller_notes": "a\u0000b"}, "ab"),
        ("admin_notes", {"admin_notes": 7}, "7"),
        ("created_at", {"created_at": "0"}, None),
        ("created_at", {"created_at": 10**15}, None),
        ("channel_ids", {"channel_ids": {"0": 1, "4": "5", "5": "x"}}, (1, 5)),
        ("channel_ids", {"channel_ids": ...}, ()),
        ("series_ids", {"series_ids": "x"}, ()),
        ("output_formats", {"output_formats": []}, ()),
        ("output_formats", {"output_formats": ["ts"]}, ("ts",)),
        ("output_formats", {"output_formats": None}, ()),
        ("pair", {"pair_line_info": []}, None),
        ("pair", {"pair_line_info": ...}, None),
        ("pair", {"pair_line_info": {"active_cons": "1", "max_connections": False}}, None),
        ("pair", {"pair_line_info": {"active_cons": "1", "max_connections": "0"}},
         Connections(active_connections=1, max_connections=None)),
        ("isp", {"as_number": "AS1", "isp_desc": "Net", "is_isplock": "1", "isp_violate": 1},
         Isp(number="AS1", name="Net", locked=True, violation=True)),
        ("country", {"forced_country": "DE"}, "DE"),
        ("force_server_id", {"force_server_id": "3"}, 3),
        ("pair_id", {"pair_id": "20"}, 20),
    ],
)  # fmt: skip
def test_every_shape_of_a_field_is_read(field: str, sent: dict[str, Any], read: object) -> None:
    assert field_of(field, **sent) == read


def test_no_password_survives_in_an_info() -> None:
    assert "pw1" not in repr(info_with())
