"""From the text of a key to a caller, or to the one refusal."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

import pytest
import structlog

from gateway.domain.caller import (
    ALL_PERMISSIONS,
    OPERATOR_ONLY,
    Caller,
    CallerKind,
    Permission,
)
from gateway.domain.errors import ServiceUnavailable, Unauthenticated
from gateway.domain.ids import KeyId, ResellerId
from gateway.domain.keys import Key, has_key_shape, key_digest, new_key_secret, shown_prefix
from gateway.domain.secrets import SystemRandom
from gateway.identity.api_keys import TOUCHED_MAX, ApiKeys
from gateway.identity.refusals import REFUSAL
from gateway.services.ports.store import Store
from gateway.services.scope import Scope, system_scope

NOW: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECRET: Final = new_key_secret(SystemRandom().text).reveal()
RESELLER: Final = ResellerId("rsl_1")
BOTH: Final = frozenset({Permission.LINES_READ, Permission.PANELS_WRITE})


def a_key(**different: Any) -> Key:
    key = Key(
        id=KeyId("key_1"),
        name="billing",
        reseller_id=RESELLER,
        owner_path="/rsl_0/rsl_1/",
        prefix=shown_prefix(SECRET),
        permissions=BOTH,
        allowed_ips=(),
        expires_at=None,
        last_used_at=None,
        revoked_at=None,
        created_at=NOW - timedelta(days=1),
    )
    return replace(key, **different)


class SetClock:
    def __init__(self) -> None:
        self.past_seconds = 0.0

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.past_seconds)

    def monotonic(self) -> float:
        return self.past_seconds

    async def sleep(self, seconds: float) -> None:
        self.past_seconds += seconds


class Rows:
    """The keys and resellers of one transaction, and the database that opens it."""

    def __init__(self, key: Key | None) -> None:
        self.by_digest = {} if key is None else {key_digest(SECRET): key}
        self.suspended_paths: set[str] = set()
        self.touches: list[tuple[KeyId, datetime]] = []
        self.reads = 0
        self.read_error: Exception | None = None
        self.write_error: Exception | None = None
        self.write_hangs = False
        self.keys = self
        self.resellers = self

    @asynccontextmanager
    async def read(self, scope: Scope) -> AsyncIterator[Store]:
        assert scope == system_scope()
        self.reads += 1
        if self.read_error is not None:
            raise self.read_error
        yield cast("Store", self)

    @asynccontextmanager
    async def write(self, scope: Scope) -> AsyncIterator[Store]:
        assert scope == system_scope()
        if self.write_error is not None:
            raise self.write_error
        if self.write_hangs:
            await asyncio.Event().wait()
        yield cast("Store", self)

    async def is_ready(self) -> bool:
        return True

    async def find_by_digest(self, digest: bytes) -> Key | None:
        return self.by_digest.get(digest)

    async def is_suspended(self, owner_path: str) -> bool:
        return owner_path in self.suspended_paths

    async def touch(self, key_id: KeyId, at: datetime) -> None:
        self.touches.append((key_id, at))


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def rows() -> Rows:
    return Rows(a_key())


@pytest.fixture
def identity(rows: Rows, clock: SetClock) -> ApiKeys:
    return ApiKeys(rows, clock)


async def refused(rows: Rows, *, secret: str = SECRET, ip: str | None = "203.0.113.7") -> None:
    with pytest.raises(Unauthenticated) as caught:
        await ApiKeys(rows, SetClock()).identify(secret, ip)
    assert caught.value.detail == REFUSAL
    assert rows.touches == []


async def test_a_resellers_key_speaks_for_it_without_what_operators_may(identity: ApiKeys) -> None:
    assert await identity.identify(SECRET, None) == Caller(
        kind=CallerKind.RESELLER,
        id="rsl_1",
        key_id="key_1",
        reseller_id=RESELLER,
        owner_path="/rsl_0/rsl_1/",
        permissions=frozenset({Permission.LINES_READ}),
        suspended=False,
    )


async def test_no_reseller_key_holds_an_operators_permission() -> None:
    identity = ApiKeys(Rows(a_key(permissions=ALL_PERMISSIONS)), SetClock())
    caller = await identity.identify(SECRET, None)
    assert caller.permissions == ALL_PERMISSIONS - OPERATOR_ONLY


async def test_an_operators_key_has_the_permissions_of_the_key() -> None:
    identity = ApiKeys(Rows(a_key(reseller_id=None, owner_path="/")), SetClock())
    assert await identity.identify(SECRET, None) == Caller(
        kind=CallerKind.OPERATOR, id="operator", key_id="key_1", permissions=BOTH
    )


async def test_a_suspended_reseller_is_a_caller_still(rows: Rows, identity: ApiKeys) -> None:
    rows.suspended_paths = {"/rsl_0/rsl_1/"}
    assert (await identity.identify(SECRET, None)).suspended


async def test_an_unknown_key_is_refused() -> None:
    await refused(Rows(None))


@pytest.mark.parametrize(
    "different",
    [
        {"revoked_at": NOW},
        {"revoked_at": NOW + timedelta(days=1)},
        {"expires_at": NOW},
        {"expires_at": NOW - timedelta(seconds=1)},
        {"allowed_ips": ("198.51.100.0/24",)},
        {"allowed_ips": ("nonsense",)},
        {"owner_path": "/"},
        {"owner_path": "/rsl_2/"},
        {"owner_path": "/xrsl_1/"},
    ],
)
async def test_a_key_that_is_not_valid_here_is_refused_with_the_same_words(
    different: dict[str, Any],
) -> None:
    await refused(Rows(a_key(**different)))


async def test_from_nowhere_a_key_with_addresses_is_refused() -> None:
    await refused(Rows(a_key(allowed_ips=("203.0.113.7",))), ip=None)


async def test_a_key_is_valid_to_the_last_moment_from_its_addresses() -> None:
    key = a_key(expires_at=NOW + timedelta(microseconds=1), allowed_ips=("203.0.113.0/24",))
    caller = await ApiKeys(Rows(key), SetClock()).identify(SECRET, "::ffff:203.0.113.7")
    assert caller.id == "rsl_1"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        SECRET[:-1],
        SECRET + "a",
        SECRET + "\n",
        " " + SECRET,
        SECRET.replace("xgw_", "XGW_"),
        "xgw_" + "-" * 43,
        "xgw_" + "é" * 43,
        "xgw_" + "٣" * 43,
        "\ud800" * 47,
        "xgw_" * 1_000_000,
    ],
    ids=range(12),
)
async def test_what_cannot_be_a_key_costs_no_query(rows: Rows, text: str) -> None:
    await refused(rows, secret=text)
    assert rows.reads == 0


async def test_a_database_that_is_down_is_not_a_wrong_key(rows: Rows, identity: ApiKeys) -> None:
    rows.read_error = ServiceUnavailable("The database cannot be reached.")
    with pytest.raises(ServiceUnavailable):
        await identity.identify(SECRET, None)


async def test_a_use_is_noted_once_a_minute(rows: Rows, identity: ApiKeys, clock: SetClock) -> None:
    for seconds in (0, 1, 58, 1):  # At 0, 1, 59 and 60.
        clock.past_seconds += seconds
        await asyncio.gather(*(identity.identify(SECRET, None) for _ in range(5)))
    assert rows.touches == [("key_1", NOW), ("key_1", NOW + timedelta(seconds=60))]


@pytest.mark.parametrize(("idle_seconds", "touches"), [(59, 0), (60, 1), (-5, 1)])
async def test_what_another_process_noted_counts(idle_seconds: int, touches: int) -> None:
    rows = Rows(a_key(last_used_at=NOW - timedelta(seconds=idle_seconds)))
    await ApiKeys(rows, SetClock()).identify(SECRET, None)
    assert len(rows.touches) == touches


async def test_failing_to_note_a_use_fails_no_request(
    rows: Rows, identity: ApiKeys, clock: SetClock
) -> None:
    rows.write_error = ServiceUnavailable("The database is read-only.")
    with structlog.testing.capture_logs() as lines:
        assert (await identity.identify(SECRET, None)).id == "rsl_1"
        assert (await identity.identify(SECRET, None)).id == "rsl_1"
    assert [line["event"] for line in lines] == ["key.touch_failed"]


async def test_a_note_that_hangs_is_given_up(rows: Rows, clock: SetClock) -> None:
    identity = ApiKeys(rows, clock, touch_seconds_max=0.01)
    rows.write_hangs = True
    assert (await identity.identify(SECRET, None)).id == "rsl_1"


async def test_what_is_remembered_of_keys_is_bounded(clock: SetClock) -> None:
    rows = Rows(None)
    identity = ApiKeys(rows, clock)
    for number in range(TOUCHED_MAX + 3):
        rows.by_digest[key_digest(SECRET)] = a_key(id=KeyId(f"key_{number}"))
        await identity.identify(SECRET, None)
    assert len(identity._touched) == TOUCHED_MAX


async def test_the_log_says_why_and_never_the_key() -> None:
    with structlog.testing.capture_logs() as lines:
        await refused(Rows(a_key(revoked_at=NOW)))
    assert lines == [
        {
            "event": "key.refused",
            "why": "revoked_or_expired",
            "key_id": "key_1",
            "log_level": "info",
        }
    ]


def test_a_new_key_has_the_shape_and_shows_twelve_characters() -> None:
    secret = new_key_secret(SystemRandom().text).reveal()
    assert has_key_shape(secret)
    assert len(secret) == 47
    assert shown_prefix(secret) == secret[:12]
    assert key_digest(secret) == hashlib.sha256(secret.encode()).digest()
    assert secret != SECRET
