"""Rows X: many ask for the same at once, of several processes; it happens once.

The first test knows nothing of REST but its `Door`: another way in brings a door of its own.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest

from tests.faults.orders import CANARY, open_operations
from tests.faults.rig import Rig, a_rig
from tests.servers.flags import flag
from tests.world import Api

KEYS, COPIES = (200, 50) if flag("LONG") else (20, 20)
AT_ONCE: Final = 40
#: Answers that say: nothing of yours is there, ask again.
LATER: Final = ("idempotency_in_progress", "service_unavailable", "panel_unavailable")
SETTLE_SECONDS: Final = 5


@dataclass(frozen=True, slots=True)
class Said:
    """An answer, whatever the way in: `code` is `made`, `open`, or that of a problem."""

    code: str
    value: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Door:
    """A way in: asks for a line of this name under this key, and tells what was said."""

    name: str
    ask: Callable[[Api, str, dict[str, Any]], Awaitable[Said]]


async def _ask_rest(api: Api, key: str, body: dict[str, Any]) -> Said:
    headers = {"Idempotency-Key": key, "Prefer": "wait=20"}
    answer = await api.post("/v1/lines", body, headers=headers)
    found: dict[str, Any] = answer.json()
    if answer.status_code == 201:
        return Said("made", found)
    return Said("open" if answer.status_code == 202 else found["code"], found)


DOORS: Final = (Door("rest", _ask_rest),)


@pytest.fixture
async def pair(migrated_postgres: str, redis_url: str, tmp_path: Path) -> Any:
    """A rig whose panel has time, with two processes that serve and one that works."""
    async with a_rig(migrated_postgres, redis_url, tmp_path, settle_seconds=SETTLE_SECONDS) as rig:
        rig.fleet.work()
        await rig.fleet.serve()
        await rig.fleet.serve()
        yield rig


def apis(rig: Rig, tenant: str = "a") -> list[Api]:
    """Return the same caller at each process that serves."""
    served = [process for process in rig.fleet.processes if process.role == "serve"]
    return [getattr(process.world, tenant).api for process in served]


@pytest.mark.timeout(3_600 if flag("LONG") else 600)
@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.name)
async def test_x01_x02_copies_are_one_and_another_body_is_refused(pair: Rig, door: Door) -> None:
    gate = asyncio.Semaphore(AT_ONCE)

    async def ask(api: Api, number: int, **more: Any) -> Said:
        async with gate:
            body = {"username": f"line-{number}", "period": "P1M"} | more
            return await door.ask(api, f"order-{number}", body)

    both = apis(pair)
    numbers = [number for number in range(KEYS) for _ in range(COPIES)]
    turns = itertools.cycle(both)
    said = await asyncio.gather(*(ask(next(turns), number) for number in numbers))
    codes = Counter(each.code for each in said)
    assert set(codes) <= {"made", "open", *LATER}, codes
    async with asyncio.timeout(60):
        while await open_operations(pair.world):  # noqa: ASYNC110 - other processes tell no event
            await asyncio.sleep(0.2)
    for number in range(KEYS):
        while (await ask(both[0], number)).code in LATER:  # noqa: ASYNC110 - as a client
            await asyncio.sleep(0.1)
        finals = [await ask(api, number) for api in both]
        assert finals[0].code == "made"
        assert finals[0].value == finals[1].value
        told = [s for s, n in zip(said, numbers, strict=True) if n == number and s.code == "made"]
        assert all(each.value == finals[0].value for each in told)
        other = await ask(random.choice(both), number, notes="another")
        assert other.code == "idempotency_key_reused"
    assert len(pair.world.users()) == KEYS
    assert len(pair.world.calls("create")) == KEYS
    stranger = apis(pair, "b")[0]
    assert (await ask(stranger, 0, username="of-b")).code == "made"


@pytest.mark.parametrize("noun", ["lines", "devices"])
async def test_x03_a_name_that_two_resellers_want_is_given_once(pair: Rig, noun: str) -> None:
    name = {"lines": {"username": "anna"}, "devices": {"mac": "00:1A:79:00:00:01"}}[noun]
    secret = {"password": f"{CANARY}-1"} if noun == "lines" else {"notes": f"{CANARY}-1"}
    askers = [
        (api, {"period": "P1M"} | name | (secret if tenant == "a" else {}))
        for tenant in ("a", "b")
        for api in apis(pair, tenant) * 5
    ]
    random.shuffle(askers)
    answers = await asyncio.gather(
        *(
            api.post(
                f"/v1/{noun}", body, headers={"Idempotency-Key": f"k-{n}", "Prefer": "wait=20"}
            )
            for n, (api, body) in enumerate(askers)
        )
    )
    codes = sorted(answer.status_code for answer in answers)
    assert codes == [201] + [409] * (len(askers) - 1)
    taken = {"lines": "username_taken", "devices": "mac_taken"}[noun]
    for answer in answers:
        if answer.status_code == 409:
            assert answer.json()["code"] == taken
            assert CANARY not in answer.text
    assert len(pair.world.users()) == len(pair.world.calls("create")) == 1


async def test_x04_changes_of_one_line_at_once_have_one_order(pair: Rig) -> None:
    line = await pair.world.line(period="P1D", password="pass-0")
    path = f"/v1/lines/{line['id']}"
    wishes: list[tuple[str, str, dict[str, Any]]] = [
        *[("POST", f"{path}/renew", {"period": "P1D"})] * 4,
        *[("POST", f"{path}/rotate-password", {"password": f"pass-{n}"}) for n in (1, 2, 3)],
        *[("PATCH", path, {"notes": f"note {n}"}) for n in (1, 2, 3)],
    ]
    random.shuffle(wishes)
    turns = itertools.cycle(apis(pair))
    answers = await asyncio.gather(
        *(
            next(turns).send(method, where, body, headers={"Prefer": "wait=30"})
            for method, where, body in wishes
        )
    )
    assert {answer.status_code for answer in answers} <= {200, 409}
    done = [wish for wish, answer in zip(wishes, answers, strict=True) if answer.is_success]
    assert len(done) >= len(wishes) // 2
    _check_line(pair, line, done, answers)
    shown = await pair.world.a.api.ok("GET", path, headers={"Cache-Control": "no-cache"})
    assert shown["version"] == 1 + len(done)
    row = pair.world.user(line["username"])
    kept = await pair.world.a.api.ok("GET", f"{path}/credentials")
    assert kept["password"] == row["password"]
    assert shown["notes"] == (row["reseller_notes"] or "")


def _check_line(
    rig: Rig,
    line: dict[str, Any],
    done: Sequence[tuple[str, str, dict[str, Any]]],
    answers: Sequence[httpx2.Response],
) -> None:
    """Expect every renewal in the expiry, and every answer in a version of its own."""
    renewals = sum(where.endswith("/renew") for _, where, _ in done)
    until = datetime.fromisoformat(line["expires_at"]) + timedelta(days=renewals)
    assert rig.world.user(line["username"])["exp_date"] == int(until.timestamp())
    versions = sorted(
        int(answer.headers["ETag"].strip('"')) for answer in answers if answer.is_success
    )
    assert versions == list(range(2, 2 + len(versions)))
