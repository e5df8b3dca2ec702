"""The dialect against the simulated panel over TCP, in each of its profiles."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gateway.domain.calls import CreatedLine, Edited, LineInfo, NotOnPanel, Taken
from gateway.domain.errors import PanelMisconfigured, PanelRefusedValues
from gateway.domain.secrets import Secret
from tests.panels.makers import NEW_YEAR_2030, a_pair
from tests.panels.talk import Talk, talking

PROFILES = ("documented", "v2", "v2-strict")


@pytest.fixture(params=PROFILES)
async def talk(request: pytest.FixtureRequest) -> AsyncIterator[Talk]:
    async with talking(request.param) as opened:
        yield opened


async def test_a_created_line_reads_back_as_it_was_sent(talk: Talk) -> None:
    created = await talk.create(
        max_connections=3,
        is_trial=True,
        is_restreamer=True,
        allowed_ips=("203.0.113.7",),
        allowed_user_agents=("VLC/3.0 (x86_64)",),
        notes="100% & <b>it's</b> ok",
        admin_notes="xgw:op_1",
        member_id=2,
        force_server_id=1,
        isp_lock=True,
        extra=(("is_stalker", "1"),),
    )
    assert isinstance(created, CreatedLine)
    info = await talk.info()
    assert isinstance(info, LineInfo)
    assert replace(
        info, created_at=None, channel_ids=(), series_ids=(), output_formats=()
    ) == LineInfo(
        panel_line_id=created.panel_line_id,
        username="bob",
        member_id=2,
        enabled=True,
        admin_enabled=True,
        expires_at=NEW_YEAR_2030,
        active_connections=0,
        max_connections=3,
        bouquet_ids=(1, 2),
        allowed_ips=("203.0.113.7",),
        allowed_user_agents=("VLC/3.0 (x86_64)",),
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
    await talk.create(expires_at=None, max_connections=None)
    info = await talk.info()
    assert (info.expires_at, info.max_connections) == (None, None)


async def test_every_field_of_an_edit_reads_back(talk: Talk) -> None:
    await talk.create()
    moment = datetime(2031, 2, 28, 23, 59, 59, tzinfo=UTC)
    edited = await talk.edit(
        expires_at=moment,
        max_connections=2,
        bouquet_ids=(3,),
        is_trial=True,
        is_restreamer=True,
        allowed_ips=("203.0.113.9",),
        allowed_user_agents=("x",),
        notes="50% off",
        admin_notes="y",
        member_id=7,
        enabled=False,
        admin_enabled=False,
        force_server_id=3,
        isp_lock=True,
    )
    assert edited == Edited()
    info = await talk.info()
    assert info == replace(
        info,
        expires_at=moment,
        max_connections=2,
        bouquet_ids=(3,),
        is_trial=True,
        is_restreamer=True,
        allowed_ips=("203.0.113.9",),
        allowed_user_agents=("x",),
        admin_notes="y",
        member_id=7,
        enabled=False,
        admin_enabled=False,
        force_server_id=3,
        isp=replace(info.isp, locked=True),
    )


@pytest.mark.parametrize("profile", ["v2", "v2-strict"])
async def test_percent_signs_survive_an_edit(profile: str) -> None:
    async with talking(profile) as talk:
        await talk.create()
        await talk.edit(notes="50% %1$s %%")
        assert (await talk.info()).notes == "50% %1$s %%"


async def test_an_edit_to_never_reads_as_never(talk: Talk) -> None:
    await talk.create()
    await talk.edit(expires_at=None)
    assert (await talk.info()).expires_at is None


async def test_taking_all_away_reads_as_empty(talk: Talk) -> None:
    await talk.create(allowed_ips=("203.0.113.7",), allowed_user_agents=("x",))
    await talk.edit(bouquet_ids=(), allowed_ips=(), allowed_user_agents=(), force_server_id=None)
    info = await talk.info()
    assert (info.bouquet_ids, info.allowed_ips, info.allowed_user_agents) == ((), (), ())
    assert info.force_server_id is None


async def test_after_a_change_of_password_only_the_new_one_finds_the_line(talk: Talk) -> None:
    await talk.create()
    await talk.edit(new_password=Secret("pw2"))
    assert await talk.info("bob", "pw1") == NotOnPanel()
    assert (await talk.info("bob", "pw2")).username == "bob"


async def test_what_exists_is_taken_and_what_does_not_is_not_on_the_panel(talk: Talk) -> None:
    await talk.create()
    assert await talk.create() == Taken()
    assert await talk.info("nobody") == NotOnPanel()
    assert await talk.edit(credentials=a_pair("nobody"), enabled=True) == NotOnPanel()


async def test_a_pair_in_another_case_is_another_line(talk: Talk) -> None:
    await talk.create()
    assert await talk.info("BOB", "pw1") == NotOnPanel()
    assert await talk.info("bob", "PW1") == NotOnPanel()


async def test_a_column_that_the_panel_lacks_is_refused_and_nothing_is_made(talk: Talk) -> None:
    talk.panel = replace(talk.panel, extra_columns=("no_such_column",))
    with pytest.raises(PanelRefusedValues):
        await talk.create(extra=(("no_such_column", "1"),))
    assert await talk.info() == NotOnPanel()


async def test_a_wrong_key_is_told_for_reads_changes_and_probes() -> None:
    async with talking("v2", api_pass="S3cret &+") as talk:
        with pytest.raises(PanelMisconfigured):
            await talk.create()
        with pytest.raises(PanelMisconfigured):
            await talk.info()
        codes = [warning.code for warning in (await talk.port.probe(talk.panel)).warnings]
        assert codes == ["key_wrong"]
        talk.panel = replace(talk.panel, api_pass=Secret("S3cret &+"))
        assert isinstance(await talk.create(), CreatedLine)


@pytest.mark.parametrize(
    ("profile", "shows_credits"), [("documented", False), ("v2", True), ("v2-strict", True)]
)
async def test_a_probe_knows_the_panel(profile: str, *, shows_credits: bool) -> None:
    async with talking(profile) as talk:
        probe = await talk.port.probe(talk.panel)
    assert (probe.reachable, probe.dialect, probe.warnings) == (True, "xtream_v2", ())
    assert (probe.firewall, probe.credits) == (False, shows_credits)


async def test_a_probe_sees_the_firewall() -> None:
    async with talking("v2", firewall=True) as talk:
        probe = await talk.port.probe(talk.panel)
    assert probe.firewall is True
