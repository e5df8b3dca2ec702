"""Keys come before they sign, and go after their last token has ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from joserfc import jws, jwt
from joserfc.jwk import KeySet

from gateway.db.engine import make_engine
from gateway.db.migrations import migrate
from gateway.db.store import SqlDatabase
from gateway.domain.signing import (
    MARGIN,
    SHOWN_BEFORE,
    SHOWN_BEFORE_MIN,
    SIGNS_FOR,
    TOKEN_LIFE_MAX,
    SigningKey,
    due_at,
    shown_at,
    signing_at,
)
from gateway.identity.signing_keys import AGAIN_SECONDS, KEPT_SECONDS, SigningKeys
from gateway.services.context import Ports
from gateway.services.ports.oauth import OAuth
from gateway.services.scope import system_scope
from gateway.services.signing_keys import rotate_signing_keys
from gateway.workers.recovery import system_context
from tests.api.support import some_ports
from tests.db.conftest import KEYRING
from tests.factories import NOW, a_signing_key
from tests.oauth.clocks import HandClock

HOUR, DAY, MINUTE = timedelta(hours=1), timedelta(days=1), timedelta(minutes=1)


class Process:
    """One process: its own connections and its own memory of the keys."""

    def __init__(self, url: str, clock: HandClock) -> None:
        self.clock = clock
        self.database = SqlDatabase(make_engine(url), KEYRING)
        self.keys = SigningKeys(self.database, clock)

    @property
    def ports(self) -> Ports:
        rest: Any = None
        oauth = OAuth(
            issuer="http://gateway.test",
            signer=self.keys,
            clients=rest,
            tokens=rest,
            denied=rest,
            proofs=rest,
        )
        return replace(
            some_ports(store=self.database), clock=self.clock, sealer=KEYRING, oauth=oauth
        )

    async def tick(self) -> int:
        """Do what the worker does."""
        return await rotate_signing_keys(system_context(self.ports, "signing-keys"))

    async def signed(self) -> str:
        text = await self.keys.sign({"sub": "x"})
        assert text is not None
        return text

    async def kids(self) -> list[str]:
        return [key["kid"] for key in await self.keys.public_keys()]


def kid_of(token: str) -> str:
    kid: str = jws.extract_compact(token.encode()).headers()["kid"]
    return kid


@pytest.fixture
async def url(database_url: str) -> str:
    await migrate(database_url)
    return database_url


@pytest.fixture
async def clock() -> HandClock:
    return HandClock(datetime(2026, 3, 1, tzinfo=UTC))


@pytest.fixture
async def process(url: str, clock: HandClock) -> AsyncIterator[Process]:
    process = Process(url, clock)
    yield process
    await process.database.close()


@pytest.fixture
async def other(url: str, clock: HandClock) -> AsyncIterator[Process]:
    process = Process(url, clock)
    yield process
    await process.database.close()


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    # The database's own clock has no hands: on PostgreSQL it would be asked for the time.
    return f"sqlite:///{tmp_path}/gateway.db"


async def test_the_first_key_signs_at_once_and_elsewhere_too(
    process: Process, other: Process, clock: HandClock
) -> None:
    assert await other.keys.sign({}) is None
    assert await other.keys.key("x") is None
    assert await process.tick() == 1
    token = await process.signed()
    clock.pass_seconds(AGAIN_SECONDS)
    key = await other.keys.key(kid_of(token))
    assert key is not None
    jwt.decode(token, key, algorithms=["ES256"])
    (jwk,) = await other.keys.public_keys()
    assert jwk.keys() == {"kty", "crv", "x", "y", "kid", "alg", "use"}
    assert jwk["kid"] == key.thumbprint()
    assert await process.tick() == 0


async def test_at_no_moment_of_three_periods_is_a_good_token_unknown(
    process: Process, other: Process, clock: HandClock
) -> None:
    """Tokens of one process, held against what another one published an hour before."""
    _ = await process.tick()
    published: list[tuple[datetime, KeySet]] = []
    living: list[tuple[datetime, str]] = []
    signers: list[str] = []
    end = clock.now() + 3 * SIGNS_FOR
    while clock.now() < end:
        now = clock.now()
        token = await process.signed()
        if not signers or signers[-1] != kid_of(token):
            signers.append(kid_of(token))
        living.append((now, token))
        living = [it for it in living if it[0] > now - TOKEN_LIFE_MAX]
        published.append((now, KeySet.import_key_set({"keys": await other.keys.public_keys()})))
        published = [it for it in published if it[0] >= now - HOUR]
        for _, alive in living:
            jwt.decode(alive, published[-1][1], algorithms=["ES256"])
        jwt.decode(token, published[0][1], algorithms=["ES256"])
        # Fine steps around a change of keys, coarse ones between.
        near = any(
            abs((now - datetime(2026, 3, 1, tzinfo=UTC)) - n * SIGNS_FOR) < 7 * HOUR
            for n in (1, 2, 3)
        )
        clock.pass_seconds((10 * MINUTE if near else 6 * HOUR).total_seconds())
        _ = await process.tick()
    assert len(signers) == len(set(signers)) == 3
    assert len(await process.kids()) <= 3


async def test_two_processes_make_one_key(
    process: Process, other: Process, clock: HandClock
) -> None:
    for _ in range(3):
        made = await asyncio.gather(process.tick(), other.tick(), process.tick(), other.tick())
        assert sum(made) == 1
        clock.pass_seconds(KEPT_SECONDS)
        assert await process.kids() == await other.kids()
        clock.pass_seconds(SIGNS_FOR.total_seconds() - SHOWN_BEFORE.total_seconds())
        clock.pass_seconds(SHOWN_BEFORE.total_seconds())


async def test_a_late_rotation_still_shows_a_key_before_it_signs(
    process: Process, clock: HandClock
) -> None:
    _ = await process.tick()
    first = kid_of(await process.signed())
    clock.pass_seconds(5 * SIGNS_FOR.total_seconds())
    assert kid_of(await process.signed()) == first  # Nobody was there: the old one signs on.
    assert await process.tick() == 1
    assert len(await process.kids()) == 2
    clock.pass_seconds(SHOWN_BEFORE_MIN.total_seconds() - 1)
    assert kid_of(await process.signed()) == first
    clock.pass_seconds(1)
    assert kid_of(await process.signed()) != first


async def test_a_key_that_is_gone_verifies_nothing_and_is_removed(
    process: Process, clock: HandClock
) -> None:
    _ = await process.tick()
    first = kid_of(await process.signed())
    clock.pass_seconds((SIGNS_FOR - HOUR).total_seconds())
    _ = await process.tick()
    clock.pass_seconds((HOUR + TOKEN_LIFE_MAX + MARGIN).total_seconds())
    assert await process.keys.key(first) is None
    assert first not in await process.kids()
    clock.pass_seconds(2 * MARGIN.total_seconds())
    _ = await process.tick()
    async with process.database.read(system_scope()) as store:
        assert [key.number for key in await store.signing_keys.list()] == [2]


async def test_each_new_key_is_in_the_audit_log_without_its_secret(process: Process) -> None:
    _ = await process.tick()
    async with process.database.read(system_scope()) as store:
        (key,) = await store.signing_keys.list()
    async with process.database.session(system_scope(), writable=False) as session:
        connection = await session.connection()
        (leaf,) = (await connection.exec_driver_sql("SELECT leaf FROM audit_bodies")).scalars()
    assert b'"signing_key.rotate"' in leaf
    secret = key.private_jwk.reveal().partition('"d": "')[2][:20]
    assert secret
    assert secret.encode() not in leaf
    assert "private" not in leaf.decode()


def keys_of(*starts: datetime) -> list[SigningKey]:
    return [a_signing_key(number=n, used_from=it) for n, it in enumerate(starts, start=1)]


def test_the_schedule_alone() -> None:
    assert signing_at([], NOW) is None
    due = due_at([], NOW)
    assert due is not None
    assert (due.number, due.used_from, due.after) == (1, NOW, None)
    (only,) = keys_of(NOW)
    assert due_at([only], NOW + SIGNS_FOR - SHOWN_BEFORE - MINUTE) is None
    due = due_at([only], NOW + SIGNS_FOR - SHOWN_BEFORE)
    assert due is not None
    assert (due.number, due.used_from, due.after) == (2, NOW + SIGNS_FOR, only)
    late = due_at([only], NOW + SIGNS_FOR)
    assert late is not None
    assert late.used_from == NOW + SIGNS_FOR + SHOWN_BEFORE_MIN
    first, second = keys_of(NOW, NOW + DAY)
    assert signing_at([first, second], NOW) == first
    assert signing_at([second, first], NOW + DAY) == second
    assert signing_at([first], NOW - HOUR) == first
    gone = replace(first, gone_at=NOW + HOUR)
    assert shown_at([gone, second], NOW) == (second, gone)
    assert shown_at([gone, second], NOW + HOUR) == (second,)
