"""Calls on devices against the simulated panel over TCP, in each of its profiles."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.domain.calls import (
    CreatedDevice,
    DeviceInfo,
    Edited,
    HalfMade,
    NotOnPanel,
    Taken,
    Unconfirmed,
)
from gateway.domain.errors import PanelRefusedValues
from tests.panels.makers import MAC, NEW_YEAR_2030
from tests.panels.talk import Talk, talking


@pytest.fixture(params=["documented", "v2"])
async def talk(request: pytest.FixtureRequest) -> AsyncIterator[Talk]:
    async with talking(request.param) as opened:
        yield opened


async def test_a_created_device_reads_back_as_it_was_sent(talk: Talk) -> None:
    created = await talk.create_device(
        max_connections=3,
        is_trial=True,
        is_restreamer=True,
        allowed_ips=("203.0.113.7",),
        notes="100% & <b>it's</b> ok",
        admin_notes="xgw:op_1",
        member_id=2,
        force_server_id=1,
        isp_lock=True,
        extra=(("is_stalker", "1"),),
    )
    assert created == CreatedDevice()
    info = await talk.device_info()
    assert isinstance(info, DeviceInfo)
    left: dict[str, Any] = {
        "created_at": None,
        "channel_ids": (),
        "series_ids": (),
        "output_formats": (),
    }
    assert replace(info, **left) == DeviceInfo(
        panel_device_id=info.panel_device_id,
        mac=MAC,
        panel_line_id=info.panel_line_id,
        username=info.username,
        member_id=2,
        enabled=True,
        admin_enabled=True,
        expires_at=NEW_YEAR_2030,
        active_connections=0,
        max_connections=3,
        bouquet_ids=(1, 2),
        allowed_ips=("203.0.113.7",),
        allowed_user_agents=(),
        is_trial=True,
        is_restreamer=True,
        notes="100% & <b>it's</b> ok",
        admin_notes="xgw:op_1",
        created_at=None,
        channel_ids=(),
        series_ids=(),
        output_formats=(),
        pair=None,
        isp=replace(info.isp, locked=True),
        country=None,
        force_server_id=1,
        pair_id=None,
    )


async def test_never_and_no_limit_survive_the_round_trip(talk: Talk) -> None:
    await talk.create_device(expires_at=None, max_connections=None)
    info = await talk.device_info()
    assert (info.expires_at, info.max_connections) == (None, None)


async def test_every_field_of_an_edit_reads_back(talk: Talk) -> None:
    await talk.create_device()
    moment = datetime(2031, 2, 28, 23, 59, 59, tzinfo=UTC)
    edited = await talk.edit_device(
        expires_at=moment,
        max_connections=2,
        bouquet_ids=(3,),
        is_trial=True,
        is_restreamer=True,
        allowed_ips=("203.0.113.9",),
        allowed_user_agents=("x",),
        notes="n",
        admin_notes="y",
        member_id=7,
        enabled=False,
        admin_enabled=False,
        force_server_id=3,
        isp_lock=True,
    )
    assert edited == Edited()
    info = await talk.device_info()
    assert info == replace(
        info,
        expires_at=moment,
        max_connections=2,
        bouquet_ids=(3,),
        is_trial=True,
        is_restreamer=True,
        allowed_ips=("203.0.113.9",),
        allowed_user_agents=("x",),
        notes="n",
        admin_notes="y",
        member_id=7,
        enabled=False,
        admin_enabled=False,
        force_server_id=3,
        isp=replace(info.isp, locked=True),
    )


async def test_an_edit_to_never_reads_as_never(talk: Talk) -> None:
    await talk.create_device()
    await talk.edit_device(expires_at=None)
    assert (await talk.device_info()).expires_at is None


async def test_percent_signs_survive_an_edit() -> None:
    async with talking("v2") as talk:
        await talk.create_device()
        await talk.edit_device(notes="50% %1$s %%")
        assert (await talk.device_info()).notes == "50% %1$s %%"


async def test_an_edit_that_changes_nothing_and_one_of_nobody_look_the_same(talk: Talk) -> None:
    await talk.create_device()
    assert await talk.edit_device(max_connections=1) == Unconfirmed()
    assert await talk.edit_device(mac="00:1A:79:FF:FF:FF", max_connections=1) == Unconfirmed()
    assert await talk.device_info("00:1A:79:FF:FF:FF") == NotOnPanel()


async def test_what_exists_is_taken(talk: Talk) -> None:
    await talk.create_device()
    assert await talk.create_device() == Taken()


async def test_a_column_that_the_panel_lacks_is_refused_and_nothing_is_made(talk: Talk) -> None:
    talk.panel = replace(talk.panel, extra_columns=("no_such_column",))
    with pytest.raises(PanelRefusedValues):
        await talk.create_device(extra=(("no_such_column", "1"),))
    assert await talk.device_info() == NotOnPanel()


async def test_the_firewall_hides_no_device() -> None:
    async with talking("v2", firewall=True) as talk:
        assert await talk.create_device(expires_at=datetime(2001, 1, 1, tzinfo=UTC))
        assert await talk.edit_device(expires_at=NEW_YEAR_2030) == Edited()
        assert (await talk.device_info()).expires_at == NEW_YEAR_2030


async def test_a_strict_database_says_true_and_makes_no_device() -> None:
    async with talking("v2-strict") as talk:
        assert await talk.create_device() == CreatedDevice()
        assert await talk.device_info() == NotOnPanel()


async def test_a_device_whose_line_is_gone_is_neither_there_nor_absent() -> None:
    async with talking("v2") as talk:
        await talk.create_device()
        users = talk.simulated.tables["users"]
        for key in list(users.rows):
            users.delete(key)
        assert await talk.device_info() == HalfMade()
        assert await talk.edit_device(max_connections=9) == Unconfirmed()
        assert await talk.create_device() == Taken()


async def test_a_mac_that_is_there_twice_refuses_edits() -> None:
    async with talking("v2") as talk:
        await talk.create_device()
        devices = talk.simulated.tables["mag_devices"]
        (row,) = devices
        devices.insert({"user_id": row["user_id"], "mac": row["mac"]}, strict=False)
        with pytest.raises(PanelRefusedValues):
            await talk.edit_device(max_connections=9)
        assert isinstance(await talk.device_info(), DeviceInfo)
