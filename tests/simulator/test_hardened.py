"""Profile `hardened`: flood ban, rate limit, key, addresses (protocol 2.2, 2.10)."""

import asyncio
import socket
from typing import Any

import pytest

from gateway.simulator import listening
from gateway.simulator.bans import is_exempt
from gateway.simulator.clock import Clock
from gateway.simulator.panel import SimulatedPanel
from gateway.simulator.running import running_simulator
from gateway.simulator.switches import profile
from tests.simulator import replay
from tests.simulator.asking import a_panel, ask, line_form, request, told, until

PAIR = "username=alice&password=secret"


async def status(panel: SimulatedPanel, call: str = "user/info", form: str = PAIR) -> int:
    return (await ask(panel, call, form)).status


# --- flood ----------------------------------------------------------------------------------------


def flooded(**settings: Any) -> SimulatedPanel:
    return a_panel(flood=True, **settings)


async def test_the_forty_first_close_request_is_answered_and_the_next_is_not() -> None:
    panel = flooded()
    for _ in range(41):
        panel.clock.advance(2)
        answer = await ask(panel, "reg_user/list")
        assert answer.is_sent
    assert panel.ledger.records[-1].brought_ban
    assert [row["ip"] for row in panel.tables["blocked_ips"]] == ["127.0.0.1"]
    silent = await ask(panel, "reg_user/list")
    assert silent.silent
    record = panel.ledger.records[-1]
    assert (record.banned, record.status, record.effects) == (True, None, [])
    assert (await ask(panel, "reg_user/list", caller="::1")).is_sent


async def test_a_longer_gap_begins_the_count_anew() -> None:
    panel = flooded()
    for number in range(120):
        panel.clock.advance(2.1 if number % 40 == 0 else 1)
        assert (await ask(panel, "reg_user/list")).is_sent
    assert not panel.world.bans.made


@pytest.mark.parametrize(
    ("call", "caller"), [("nonsense/x", "127.0.0.1"), ("user/info", "203.0.113.9")]
)
async def test_unknown_calls_and_refused_callers_count(call: str, caller: str) -> None:
    panel = flooded()
    for _ in range(41):
        await ask(panel, call, caller=caller)
    assert (await ask(panel, call, caller=caller)).silent


async def test_requests_that_the_firewall_turns_away_do_not_count() -> None:
    panel = flooded(firewall=True)
    for _ in range(60):
        await ask(panel, "user/info", PAIR)
    assert not panel.world.bans.made


def test_servers_and_listed_callers_are_exempt_but_loopback_is_not() -> None:
    panel = flooded(flood_exclude=["10.0.0.1"])
    found = {
        caller: is_exempt(caller, panel.switches, panel.tables)
        for caller in ("127.0.0.1", "::1", "192.0.2.2", "10.0.0.1", "10.0.0.2")
    }
    assert [caller for caller, exempt in found.items() if exempt] == ["192.0.2.2", "10.0.0.1"]


async def test_an_exempt_caller_is_never_banned() -> None:
    panel = flooded(flood_exclude="127.0.0.1")
    for _ in range(60):
        assert (await ask(panel, "reg_user/list")).is_sent


async def test_a_ban_can_end_by_itself_or_be_lifted() -> None:
    panel = flooded(flood_limit=2, ban_seconds=60)
    for _ in range(3):
        await ask(panel, "reg_user/list")
    assert panel.is_banned("127.0.0.1")
    await panel.clock.travel(60)
    assert not panel.is_banned("127.0.0.1")
    assert panel.world.bans.all() == []
    panel.world.ban("127.0.0.1", style="silent")
    assert panel.world.bans.lift("10.0.0.1") == 0
    assert panel.world.bans.lift("127.0.0.1") == 1
    assert (await ask(panel, "reg_user/list")).is_sent


async def test_answers_under_way_stop_when_the_ban_comes_but_their_work_is_done() -> None:
    panel = flooded(flood_limit=1)
    panel.world.pause_at.add("write_1")
    early = asyncio.create_task(ask(panel, "user/create", line_form()))
    await until(lambda: panel.world.gates.waiting == 1)
    await ask(panel, "reg_user/list")
    panel.world.gates.release()
    assert (await early).silent
    assert len(panel.tables["users"]) == 1
    assert panel.ledger.records[0].matched is False


# --- the whole profile ----------------------------------------------------------------------------


def test_the_profile_switches_everything_on() -> None:
    found = profile("hardened")
    assert found.firewall
    assert found.firewall_daemon
    assert found.flood
    assert found.rate_limit is not None
    assert (found.rate_limit.per_second, found.rate_limit.burst) == (20, 8)
    assert (found.api_pass, found.flood_exclude) == ("hardened", ())


async def test_hardened_lets_loopback_with_the_key_in() -> None:
    panel = SimulatedPanel(switches=profile("hardened"), clock=Clock("virtual"))
    assert await told(panel, "reg_user/list") == {"result": False, "0": "KEY WRONG"}
    assert len(await told(panel, "reg_user/list", "api_pass=hardened")) == 2
    refused = await told(panel, "reg_user/list", "api_pass=hardened", caller="127.0.0.2")
    assert refused == {"result": False, "0": "IP FORBIDDEN"}


async def test_hardened_limits_its_own_machine_too() -> None:
    panel = SimulatedPanel(switches=profile("hardened"), clock=Clock("virtual"))
    statuses = [await status(panel, "reg_user/list", "api_pass=hardened") for _ in range(60)]
    assert (statuses.count(200), statuses.count(503)) == (9, 51)


# --- over TCP -------------------------------------------------------------------------------------

CALL = b"GET /api.php?action=stream&sub=offline HTTP/1.1\r\nHost: x\r\n\r\n"


async def test_a_silent_ban_accepts_and_says_nothing() -> None:
    async with running_simulator() as simulator:
        simulator.panel.world.ban("127.0.0.1", style="silent")
        with pytest.raises(TimeoutError):
            await replay.raw_request(simulator.base_url, CALL, seconds=0.05)
        simulator.panel.world.bans.lift()
        assert (await replay.raw_request(simulator.base_url, CALL)).endswith(b"[]")
    assert [record.banned for record in simulator.panel.ledger.records] == [True, False]


async def test_a_dropping_ban_does_not_even_accept_and_hits_one_caller_only() -> None:
    async with running_simulator() as simulator:
        simulator.panel.world.ban("127.0.0.1", style="drop")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await replay.raw_request(simulator.base_url, CALL)
        other = await replay.raw_request(simulator.base_url, CALL, source="127.0.0.2")
        assert b"IP FORBIDDEN" in other
        simulator.panel.world.bans.lift()
        assert (await replay.raw_request(simulator.base_url, CALL)).endswith(b"[]")
    assert len(simulator.panel.ledger.records) == 2


async def test_a_flood_over_tcp_ends_in_a_connect_timeout() -> None:
    settings = {"flood": True, "flood_limit": 3}
    async with running_simulator(clock="virtual", settings=settings) as simulator:
        for _ in range(4):
            assert (await replay.raw_request(simulator.base_url, CALL)).endswith(b"[]")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await replay.raw_request(simulator.base_url, CALL)


async def test_where_packets_cannot_be_dropped_there_is_silence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(listening, "SO_ATTACH_FILTER", 0x7FFF)
    async with running_simulator() as simulator:
        simulator.panel.world.ban("127.0.0.1", style="drop")
        with pytest.raises(TimeoutError):
            await replay.raw_request(simulator.base_url, CALL, seconds=0.05)
    assert simulator.panel.ledger.records[0].banned


async def test_addresses_of_another_family_meet_silence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = await asyncio.start_server(lambda _r, w: w.close(), sock=listener)
        assert not listening.drop_packets(server, ["::1"])
        assert listening.drop_packets(server, [])
        server.close()


async def test_a_hardened_panel_moved_past_an_expiry() -> None:
    """What a colleague's test does: the wall clock, moved by the control surface."""
    async with running_simulator(
        control_bind="127.0.0.1:0", profile="hardened", settings={"api_pass": "k"}
    ) as simulator:
        panel = simulator.panel
        expiry = int(panel.clock.now()) + 60
        await ask(panel, "user/create", "api_pass=k&" + line_form(exp_date=str(expiry)))
        url = simulator.control_url or ""
        assert (await replay.control(url, "POST", "/clock", {"advance_seconds": 4}))[0] == 200
        assert await status(panel, form=f"api_pass=k&{PAIR}") == 200
        await replay.control(url, "POST", "/clock", {"advance_seconds": 60 + 900})
        assert await status(panel, form=f"api_pass=k&{PAIR}") == 404
        assert request("user/info").caller == "127.0.0.1"
