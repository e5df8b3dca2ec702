"""The request firewall and its daemon (protocol 2.9)."""

from typing import Any

import pytest

from gateway.simulator.panel import SimulatedPanel
from gateway.simulator.switches import changed
from tests.simulator.asking import a_panel, ask, line_form, told

PAIR = "username=alice&password=secret"
GATED = (404, b"")
FAR = "2000000000"


def guarded(**settings: Any) -> SimulatedPanel:
    """A panel whose firewall works, and nothing else of the profile."""
    return a_panel(firewall=True, **settings)


async def status(panel: SimulatedPanel, call: str = "user/info", form: str = PAIR) -> int:
    return (await ask(panel, call, form)).status


# --- firewall -------------------------------------------------------------------------------------


async def test_a_new_line_is_gated_until_the_daemon_has_passed() -> None:
    panel = guarded()
    await ask(panel, "user/create", line_form())
    answer = await ask(panel, "user/info", PAIR)
    assert (answer.status, answer.body) == GATED
    panel.clock.advance(2.9)
    assert await status(panel) == 404
    panel.clock.advance(0.1)
    assert await status(panel) == 200


async def test_a_changed_password_is_gated_until_the_next_pass_the_old_one_is_not() -> None:
    panel = guarded()
    await ask(panel, "user/create", line_form())
    panel.clock.advance(3)
    assert (await told(panel, "user/edit", f"{PAIR}&user_data[password]=new"))["result"]
    assert await status(panel, form="username=alice&password=new") == 404
    panel.clock.advance(3)
    assert await status(panel, form="username=alice&password=new") == 200
    old = await told(panel, "user/info", PAIR)
    assert old["error"] == "NOT EXISTS"
    panel.clock.advance(900)
    assert await status(panel) == 404


@pytest.mark.parametrize("field", ["enabled", "admin_enabled"])
async def test_a_line_switched_off_is_readable_for_a_while_then_gated(field: str) -> None:
    panel = guarded()
    await ask(panel, "user/create", line_form())
    panel.clock.advance(3)
    await ask(panel, "user/edit", f"{PAIR}&user_data[{field}]=0")
    panel.clock.advance(790)
    assert await status(panel) == 200
    panel.clock.advance(110)
    assert await status(panel) == 404
    assert await status(panel, "user/edit", f"{PAIR}&user_data[{field}]=1") == 404


async def test_a_token_outlives_expiry_and_is_swept_within_a_quarter_of_an_hour() -> None:
    panel = guarded()
    expiry = int(panel.clock.now()) + 100
    await ask(panel, "user/create", line_form(exp_date=str(expiry)))
    panel.clock.advance(100 + 790)
    assert await status(panel) == 200
    panel.clock.advance(110)
    assert await status(panel) == 404
    assert await status(panel, "user/edit", f"{PAIR}&user_data[exp_date]={FAR}") == 404


async def test_one_leap_of_time_gives_what_many_small_ones_do() -> None:
    results = []
    for steps in (1, 337):
        panel = guarded()
        now = int(panel.clock.now())
        for number in range(12):
            expiry = str(now + 100 * number) if number else ""
            await ask(panel, "user/create", line_form(f"u{number}", exp_date=expiry))
        for _ in range(steps):
            panel.clock.advance(1348 / steps)
            panel.world.run_daemon()
        results.append(
            [await status(panel, form=f"username=u{n}&password=secret") for n in range(12)]
        )
    assert results[0] == results[1]
    assert set(results[0]) == {200, 404}


async def test_a_line_with_expiry_zero_is_gated_for_good() -> None:
    panel = guarded()
    await ask(panel, "user/create", line_form(exp_date="NULL"))
    panel.clock.advance(3)
    assert await status(panel) == 404


async def test_a_line_suspended_by_its_bouquet_keeps_its_token() -> None:
    panel = guarded()
    await ask(panel, "user/create", line_form(exp_date=FAR))
    panel.clock.advance(3)
    await ask(panel, "user/edit", f"{PAIR}&user_data[bouquet]=[]")
    panel.clock.advance(3600)
    assert (await told(panel, "user/edit", f"{PAIR}&user_data[bouquet]=[1]")) == {"result": True}


async def test_a_change_made_in_the_tables_counts_from_its_moment() -> None:
    panel = guarded()
    await ask(panel, "user/create", line_form())
    panel.clock.advance(30)
    panel.tables["users"].update([1], {"enabled": 0}, strict=False)
    assert await status(panel) == 200
    panel.clock.advance(900)
    assert await status(panel) == 404


@pytest.mark.parametrize(
    ("call", "form", "expected"),
    [
        ("user/info", "username=alice&password=", 200),
        ("user/info", "username=alice&password=wrong", 404),
        ("user/info", "username=ALIC&password=Esecret", 200),
        ("user/info", "username=alice&password=secret%20", 404),
        ("user/create", line_form("other"), 200),
        ("user/create", line_form("other") + "&username=x&password=y", 404),
        ("nonsense/x", "username=x&password=y", 404),
        ("stb/info", "mac=00:1A:79:00:00:01", 200),
        ("reg_user/list", "", 200),
        ("reg_user/credits", "username=reseller1&amount=1", 200),
    ],
)
async def test_what_the_firewall_looks_at(call: str, form: str, expected: int) -> None:
    panel = guarded()
    await ask(panel, "user/create", line_form())
    panel.clock.advance(3)
    assert await status(panel, call, form) == expected


async def test_the_firewall_comes_before_the_callers_address() -> None:
    panel = guarded()
    assert (await ask(panel, "user/info", PAIR, caller="203.0.113.9")).status == 404


async def test_a_blacklisted_token_is_refused_until_the_list_is_emptied() -> None:
    panel = guarded()
    await ask(panel, "user/create", line_form())
    panel.clock.advance(3)
    assert await status(panel) == 200
    panel.world.firewall.blacklist.update(panel.world.firewall.tokens)
    assert await status(panel) == 404
    panel.clock.advance(600)
    assert await status(panel) == 200


async def test_arrays_are_no_credentials() -> None:
    panel = guarded()
    assert await status(panel, form="username[]=alice&password[]=secret") == 200


async def test_without_its_daemon_tokens_stay_as_they_were_set() -> None:
    panel = guarded(firewall_daemon=False)
    await ask(panel, "user/create", line_form())
    panel.clock.advance(30)
    assert await status(panel) == 404


async def test_a_firewall_switched_on_later_knows_the_lines_there_are() -> None:
    panel = a_panel()
    await ask(panel, "user/create", line_form())
    panel.clock.advance(10)
    panel.switches = changed(panel.switches, {"firewall": True})
    assert await status(panel) == 200
