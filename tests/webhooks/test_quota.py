"""How many webhook endpoints an owner may have."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.settings import WebhookSettings
from tests.e2e.support import problem_of
from tests.world import World, a_world

PATH = "/v1/webhook-endpoints"
NEW = {"url": "https://shop.example/hooks"}


@pytest.fixture
async def narrow(database_url: str) -> AsyncIterator[World]:
    """A gateway on each database with room for two endpoints of each owner."""
    async with a_world(database_url, webhooks=WebhookSettings(endpoints_max=2)) as made:
        yield made


async def test_each_owner_has_room_of_its_own_and_a_removed_one_makes_room(narrow: World) -> None:
    api = narrow.a.api
    made = [await api.ok("POST", PATH, NEW, status=201) for _ in range(2)]
    await api.ok("PATCH", f"{PATH}/{made[0]['id']}", {"state": "disabled"})
    problem_of(await api.post(PATH, NEW), 403, "quota_exceeded")
    for others in (narrow.b.api, narrow.operator, narrow.operator):
        await others.ok("POST", PATH, NEW, status=201)
    problem_of(await narrow.operator.post(PATH, NEW), 403, "quota_exceeded")
    assert (await api.send("DELETE", f"{PATH}/{made[0]['id']}")).status_code == 204
    await api.ok("POST", PATH, NEW, status=201)


async def test_of_many_made_at_once_no_more_are_there_than_may_be(narrow: World) -> None:
    api = narrow.a.api
    answers = await asyncio.gather(*(api.post(PATH, NEW) for _ in range(8)))
    assert sorted(each.status_code for each in answers) == [201] * 2 + [403] * 6
    assert len((await api.ok("GET", PATH))["data"]) == 2
