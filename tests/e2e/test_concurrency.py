"""Changes of one line happen one after the other, whoever asks and in whichever process."""

from __future__ import annotations

import asyncio
from datetime import datetime

from gateway.domain.periods import Period
from tests.world import World, a_world


async def test_renewals_at_once_add_up(world: World) -> None:
    """Each is planned from the expiry that the one before it left: none is lost."""
    line = await world.line(period="P1D")
    answers = await asyncio.gather(
        *(world.a.api.post(f"/v1/lines/{line['id']}/renew", {"period": "P1D"}) for _ in range(6))
    )
    assert [answer.status_code for answer in answers] == [200] * 6
    expected = datetime.fromisoformat(line["expires_at"])
    for _ in range(6):
        expected = Period.parse("P1D").after(expected)
    assert world.user(line["username"])["exp_date"] == int(expected.timestamp())
    seen = await world.a.api.ok("GET", f"/v1/lines/{line['id']}")
    assert seen["version"] == 7


async def test_two_processes_do_not_lose_a_renewal(database_url: str) -> None:
    """Two gateways on one database and one panel."""
    async with a_world(database_url) as one, a_world(database_url, migrated=True) as two:
        # The second gateway's resellers are its own; the first one's caller uses both.
        await two.operator.ok(
            "PATCH", f"/v1/panels/{one.panel_id}", {"base_url": one.simulator.base_url}
        )
        line = await one.line(one.a.api, period="P1D")
        elsewhere = two.api(one.a.api.key)
        answers = await asyncio.gather(
            *(
                api.post(f"/v1/lines/{line['id']}/renew", {"period": "P1D"})
                for api in (one.a.api, elsewhere) * 3
            )
        )
        assert [answer.status_code for answer in answers] == [200] * 6
        expected = datetime.fromisoformat(line["expires_at"])
        for _ in range(6):
            expected = Period.parse("P1D").after(expected)
        assert one.user(line["username"])["exp_date"] == int(expected.timestamp())


async def test_one_name_asked_for_by_many_is_given_once(world: World) -> None:
    answers = await asyncio.gather(
        *(
            api.post("/v1/lines", {"username": "anna", "period": "P1M"})
            for api in (world.a.api, world.b.api) * 5
        )
    )
    codes = sorted(answer.status_code for answer in answers)
    assert codes == [201] + [409] * 9
    assert len(world.users()) == 1


async def test_a_quota_of_one_is_given_once(world: World) -> None:
    tenant = await world.reseller("one", max_lines=1)
    answers = await asyncio.gather(
        *(tenant.api.post("/v1/lines", {"period": "P1M"}) for _ in range(8))
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [403] * 7
    assert len(world.users()) == 1


async def test_if_match_lets_one_of_two_through(world: World) -> None:
    line = await world.line()
    answers = await asyncio.gather(
        *(
            world.a.api.patch(
                f"/v1/lines/{line['id']}", {"notes": text}, headers={"If-Match": '"1"'}
            )
            for text in ("one", "two")
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    lost = next(answer for answer in answers if answer.status_code == 412)
    assert lost.json()["code"] == "version_mismatch"
