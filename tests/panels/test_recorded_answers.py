"""Answers that a real panel gave to calls on lines, decoded."""

from __future__ import annotations

import json
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime

import pytest

from gateway.domain.calls import (
    GetLineInfo,
    Isp,
    LineInfo,
)
from gateway.domain.errors import (
    GatewayError,
)
from gateway.panels.xtream_v2 import lines
from tests.panels import goldens, php
from tests.panels.makers import a_create, a_pair, an_edit
from tests.panels.recorded import Exchange, exchanges


def decoded(exchange: Exchange) -> object:
    """Decode as the answer to a call with the credentials of the recorded request."""
    form = php.parse(exchange.body)
    inner = form.get("user_data", {})
    named = inner if "sub=create" in exchange.query and isinstance(inner, dict) else form
    pair = a_pair(str(named.get("username", "?")), str(named.get("password", "?")))
    try:
        if "sub=create" in exchange.query:
            return lines.decode_create(exchange.answer, a_create(credentials=pair))
        if "sub=edit" in exchange.query:
            return lines.decode_edit(exchange.answer, an_edit(credentials=pair))
        return lines.decode_info(exchange.answer, GetLineInfo(credentials=pair))
    except GatewayError as error:
        return error


def shown(result: object) -> object:
    name = type(result).__name__
    if is_dataclass(result) and not isinstance(result, type):
        facts = json.loads(json.dumps(asdict(result), default=str))
        return {name: facts} if facts else name
    return name


@pytest.mark.parametrize("sub", ["create", "edit", "info"])
def test_every_recorded_answer_decodes_as_reviewed(sub: str) -> None:
    found = {one.name: shown(decoded(one)) for one in exchanges(f"user&sub={sub}")}
    assert len(found) > 15
    goldens.check(f"answers/user_{sub}.json", found)


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
