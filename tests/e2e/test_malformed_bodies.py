"""Malformed panel bodies through the whole service: never a 500, never a wrong 201.

A loopback server answers one call with a spoilt body and the others rightly. A sample runs always,
ten thousand in the long mode; the ten thousand that run always, without edge and database, are in
`tests/services/test_malformed_answers.py`.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.e2e.support import eager, process
from tests.impostor import Impostor
from tests.panels.servers import serving
from tests.spoiling import REFUSALS, Json, says_what_is_right
from tests.world import World, a_world

SPOILS = ["create", "info", "edit", "read"]
#: Bodies of each of the four, always and in the long mode.
FEW, MANY = 60, 2_500


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with capture_logs():
        yield


@asynccontextmanager
async def facing(world: World, impostor: Impostor) -> AsyncIterator[World]:
    """A process whose panel is the impostor."""
    async with serving(impostor.handle) as url, process(world, **eager(world)) as there:
        await there.operator.ok("PATCH", f"/v1/panels/{world.panel_id}", {"base_url": url})
        yield there


async def run(tmp_path: Path, spoil: str, count: int) -> Counter[int]:
    """Let *count* answers be spoilt, eight at a time; return how often each status came."""
    impostor, eight = Impostor(random.getrandbits(32)), asyncio.Semaphore(8)
    url = f"sqlite:///{tmp_path}/g.db"
    async with a_world(url) as world, facing(world, impostor) as there:

        async def create(name: str) -> tuple[str, Any]:
            async with eight:
                body = {"period": "P1M", "username": name}
                return name, await there.a.api.post("/v1/lines", body)

        async def ask(name: str, line_id: str) -> tuple[str, Any]:
            path, fresh = f"/v1/lines/{line_id}", {"Cache-Control": "no-cache"}
            async with eight:
                if spoil == "edit":
                    return name, await there.a.api.post(f"{path}/suspend")
                return name, await there.a.api.get(path, headers=fresh)

        impostor.spoil = spoil if spoil in {"create", "info"} else ""
        answers = await asyncio.gather(*(create(f"user{number}") for number in range(count)))
        if spoil in {"edit", "read"}:
            impostor.spoil = "edit" if spoil == "edit" else "info"
            lines = [(name, answer.json()["id"]) for name, answer in answers]
            answers = await asyncio.gather(*(ask(*line) for line in lines))
    for name, answer in answers:
        if name in impostor.said:
            judge(spoil, answer, impostor.said[name], impostor.right[name])
        else:  # Another's answer shut us out before this one was sent, or before it was read back.
            assert answer.status_code in {502, 202}, answer.text
    return Counter(answer.status_code for _, answer in answers)


def judge(spoil: str, answer: Any, said: bytes, right: Json) -> None:
    """Hold an answer of ours against the spoilt body that it was made of."""
    assert answer.status_code < 500 or answer.status_code in {502, 503}, (said, answer.text)
    if answer.status_code == 202:
        assert answer.json()["problem"]["code"] == "outcome_unknown"
    elif answer.status_code >= 400:
        assert answer.headers["Content-Type"] == "application/problem+json"
        if spoil in {"create", "edit"}:  # A definite refusal only in the panel's own words.
            assert any(word in said for word in REFUSALS), (said, answer.text)
    elif spoil == "read":
        assert b"true" in said, (said, answer.text)
        expires_at = answer.json()["expires_at"]
        assert expires_at is None or datetime.fromisoformat(expires_at).tzinfo is not None
    else:
        assert says_what_is_right(said, right), (said, answer.text)
        assert answer.json()["state"] == ("suspended" if spoil == "edit" else "active")


@pytest.mark.parametrize("spoil", SPOILS)
async def test_a_spoilt_answer_is_never_a_500_and_never_a_wrong_success(
    tmp_path: Path, spoil: str
) -> None:
    statuses = await run(tmp_path, spoil, FEW)
    assert statuses.total() == FEW
    assert len(statuses) > 1, "spoiling should make a difference"


@pytest.mark.long
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("spoil", SPOILS)
async def test_ten_thousand_spoilt_answers(tmp_path: Path, spoil: str) -> None:
    assert (await run(tmp_path, spoil, MANY)).total() == MANY
