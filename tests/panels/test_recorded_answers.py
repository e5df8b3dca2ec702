"""Answers that a real panel gave to calls on lines and devices, decoded."""

from __future__ import annotations

import json
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import pytest

from gateway.domain.calls import (
    DeviceInfo,
    GetLineInfo,
    Isp,
    LineInfo,
)
from gateway.domain.errors import (
    GatewayError,
)
from gateway.panels.dialect import Verb
from gateway.panels.xtream_v2 import devices, lines, lists
from tests.panels import goldens, php
from tests.panels.makers import (
    MAC,
    a_create,
    a_device_create,
    a_device_edit,
    a_device_info,
    a_pair,
    an_edit,
)
from tests.panels.recorded import Exchange, exchanges

LISTS: dict[str, Verb[Any, Any]] = {
    "reg_user": lists.ACCOUNTS,
    "server": lists.SERVERS,
    "stream": lists.STREAMS,
}


def decoded(exchange: Exchange) -> object:
    """Decode as the answer to a call with the credentials or the MAC of the recorded request."""
    action = parse_qs(exchange.query)["action"][0]
    try:
        if action in LISTS:
            return LISTS[action].decode(exchange.answer, None)
        return device(exchange) if action == "stb" else line(exchange)
    except GatewayError as error:
        return error


def line(exchange: Exchange) -> object:
    named = identity(exchange)
    pair = a_pair(str(named.get("username", "?")), str(named.get("password", "?")))
    if "sub=create" in exchange.query:
        return lines.decode_create(exchange.answer, a_create(credentials=pair))
    if "sub=edit" in exchange.query:
        return lines.decode_edit(exchange.answer, an_edit(credentials=pair))
    return lines.decode_info(exchange.answer, GetLineInfo(credentials=pair))


def device(exchange: Exchange) -> object:
    mac = str(identity(exchange).get("mac", "?"))
    if "sub=create" in exchange.query:
        return devices.decode_create(exchange.answer, a_device_create(mac=mac))
    if "sub=edit" in exchange.query:
        return devices.decode_edit(exchange.answer, a_device_edit(mac=mac))
    return devices.decode_info(exchange.answer, a_device_info(mac))


def identity(exchange: Exchange) -> dict[str, php.Value]:
    form = php.parse(exchange.body)
    inner = form.get("user_data", {})
    return inner if "sub=create" in exchange.query and isinstance(inner, dict) else form


def shown(result: object) -> object:
    name = type(result).__name__
    if is_dataclass(result) and not isinstance(result, type):
        facts = json.loads(json.dumps(asdict(result), default=str))
        return {name: facts} if facts else name
    return name


@pytest.mark.parametrize("sub", ["create", "edit", "info"])
@pytest.mark.parametrize("action", ["user", "stb"])
def test_every_recorded_answer_decodes_as_reviewed(action: str, sub: str) -> None:
    called = exchanges(f"action={action}&sub={sub}")
    found = {one.name: shown(decoded(one)) for one in called}
    assert len(found) > 9
    goldens.check(f"answers/{action}_{sub}.json", found)


@pytest.mark.parametrize("action", LISTS)
def test_every_recorded_list_decodes_as_reviewed(action: str) -> None:
    found = {one.name: shown(decoded(one)) for one in exchanges(f"action={action}&sub=list")}
    assert found
    goldens.check(f"answers/{action}_list.json", found)


def test_the_recorded_info_of_a_line_is_typed_in_full() -> None:
    (exchange,) = (one for one in exchanges("user&sub=info") if one.name == "user_info_ok")
    assert decoded(exchange) == LineInfo(
        panel_line_id=1,
        username="test_username",
        member_id=None,
        enabled=True,
        admin_enabled=True,
        expires_at=datetime(2026, 12, 23, 6, 47, 57, tzinfo=UTC),
        active_connections=0,
        max_connections=1,
        bouquet_ids=(1, 2, 3),
        allowed_ips=(),
        allowed_user_agents=(),
        is_trial=False,
        is_restreamer=True,
        notes="",
        admin_notes="",
        created_at=datetime(2026, 11, 18, 11, 6, 40, tzinfo=UTC),
        channel_ids=(1, 2, 3, 4, 5),
        series_ids=(1,),
        output_formats=("m3u8", "ts", "rtmp"),
        pair=None,
        isp=Isp(number=None, name=None, locked=False, violation=False),
        country=None,
        force_server_id=None,
        pair_id=None,
    )


def test_the_recorded_info_of_a_device_is_typed_in_full() -> None:
    (exchange,) = (one for one in exchanges("stb&sub=info") if one.name == "stb_info_ok")
    assert decoded(exchange) == DeviceInfo(
        panel_device_id=1,
        mac=MAC,
        panel_line_id=7778,
        username="RRuser7778",
        member_id=None,
        enabled=True,
        admin_enabled=True,
        expires_at=datetime(2026, 12, 23, 6, 47, 57, tzinfo=UTC),
        active_connections=0,
        max_connections=1,
        bouquet_ids=(1, 2, 3),
        allowed_ips=(),
        allowed_user_agents=(),
        is_trial=False,
        is_restreamer=False,
        notes="",
        admin_notes="",
        created_at=datetime(2026, 11, 18, 11, 6, 40, tzinfo=UTC),
        channel_ids=(1, 2, 3, 4, 5),
        series_ids=(1,),
        output_formats=("m3u8", "ts", "rtmp"),
        pair=None,
        isp=Isp(number=None, name=None, locked=False, violation=False),
        country=None,
        force_server_id=None,
        pair_id=None,
    )
