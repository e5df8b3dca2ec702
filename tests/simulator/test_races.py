"""Races of protocol 2.11: checks and writes are apart, by chance and by order."""

import asyncio

import pytest

from gateway.simulator.panel import SimulatedPanel
from gateway.simulator.running import build_panel, running_simulator
from tests.simulator import replay
from tests.simulator.asking import ask, line_form, until

STB = "user_data[mac]=00:1A:79:00:00:01"


def a_seeded_panel(seed: int, **settings: object) -> SimulatedPanel:
    return build_panel(seed=seed, clock="virtual", settings=dict(settings))


async def burst(panel: SimulatedPanel, call: str, form: str) -> list[bytes]:
    answers = await asyncio.gather(*(ask(panel, call, form) for _ in range(16)))
    return [answer.body for answer in answers]


@pytest.mark.parametrize("scheduler", ["free", "seeded"])
@pytest.mark.parametrize(("call", "form"), [("user/create", line_form()), ("stb/create", STB)])
async def test_sixteen_identical_creates_give_one_row_or_several(
    call: str, form: str, scheduler: str
) -> None:
    rows = set()
    for seed in range(8):
        panel = a_seeded_panel(seed, scheduler=scheduler)
        bodies = await burst(panel, call, form)
        made = len(panel.tables["users"])
        assert made == sum(b'"result":true' in body for body in bodies)
        assert all(b'"result":true' in body or b"EXISTS" in body for body in bodies)
        rows.add(made)
    assert max(rows) > 1
    assert min(rows) < 16


@pytest.mark.parametrize("scheduler", ["free", "seeded"])
async def test_credits_get_lost_between_reading_and_writing(scheduler: str) -> None:
    balances = set()
    for seed in range(6):
        panel = a_seeded_panel(seed, scheduler=scheduler)
        bodies = await burst(panel, "reg_user/credits", "id=2&amount=1")
        assert set(bodies) == {b'{"result":true}'}
        balances.add(panel.tables["reg_users"].rows[2]["credits"])
    assert max(float(balance or 0) for balance in balances) < 26.5
    assert len(balances) > 1


async def test_the_same_seed_interleaves_the_same_way_whatever_the_loop_does() -> None:
    async def run(seed: int, noise: int) -> str:
        panel = a_seeded_panel(seed, scheduler="seeded")

        async def disturb() -> None:
            for _ in range(noise):
                await asyncio.sleep(0)

        disturbing = [asyncio.create_task(disturb()) for _ in range(noise)]
        await burst(panel, "stb/create", STB)
        await asyncio.gather(*disturbing)
        return panel.ledger.digest()

    digests = [await run(3, noise) for noise in (0, 5, 20)]
    assert len(set(digests)) == 1
    assert await run(4, 0) != digests[0]


async def test_two_requests_can_be_led_into_a_race() -> None:
    panel = a_seeded_panel(0)
    panel.world.pause_at.add("write_1")
    racing = [asyncio.create_task(ask(panel, "user/create", line_form())) for _ in range(2)]
    await until(lambda: panel.world.gates.waiting == 2)
    panel.world.gates.release()
    assert all(b'"result":true' in answer.body for answer in await asyncio.gather(*racing))
    assert len(panel.tables["users"].find("alice")) == 2


async def test_a_burst_over_tcp_races_too() -> None:
    exchange = {"method": "POST", "query": "action=stb&sub=create", "headers": None}
    rows = set()
    async with running_simulator(seed=1) as simulator:
        for number in range(6):
            form = {"body": f"user_data[mac]=00:1A:79:00:00:0{number}"}
            sending = [
                replay.send(simulator.base_url, exchange | form, replay.Learned())
                for _ in range(16)
            ]
            replies = await asyncio.gather(*sending)
            rows.add(sum(reply.body == '{"result":true}' for reply in replies))
    assert max(rows) > 1


async def test_a_turn_that_is_given_up_leaves_the_others_going() -> None:
    panel = a_seeded_panel(0, scheduler="seeded")
    first = asyncio.create_task(ask(panel, "user/create", line_form()))
    second = asyncio.create_task(ask(panel, "user/create", line_form("bob")))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).status == 200
    third = asyncio.create_task(panel.world.scheduler.turn(99))
    await asyncio.sleep(0)
    third.cancel()
    await asyncio.sleep(0)
    assert (await ask(panel, "reg_user/list")).status == 200


async def test_the_same_seed_gives_the_same_answers_and_ledger() -> None:
    async def run(seed: int) -> tuple[list[bytes], str]:
        panel = a_seeded_panel(seed)
        answers = [
            (await ask(panel, call, form)).body
            for call, form in [
                ("user/create", ""),
                ("stb/create", STB),
                ("stb/info", "mac=00:1A:79:00:00:01"),
                ("user/create", line_form()),
            ]
        ]
        racing = [ask(panel, "user/create", line_form("bob")) for _ in range(8)]
        answers += [answer.body for answer in await asyncio.gather(*racing)]
        return answers, panel.ledger.digest()

    assert await run(5) == await run(5)
    assert await run(5) != await run(6)
