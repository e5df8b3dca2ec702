"""The keys of a foreign issuer, from a server that rotates, hangs, breaks and lies."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, OctKey, RSAKey

from gateway.domain.errors import ServiceUnavailable
from gateway.identity.fetching import ANSWER_BYTES_MAX, HttpFetcher
from gateway.identity.remote_keys import (
    FRESH_SECONDS,
    KEYS_MAX,
    PAUSE_SECONDS,
    PAUSE_WITHOUT_KEYS_SECONDS,
    STALE_SECONDS,
    RemoteKeys,
)
from gateway.services.tasks import SingleFlight, TaskKeeper
from tests.identity.issuer_server import (
    DISCOVERY,
    JWKS,
    RFC_8414,
    IssuerServer,
    running_issuer,
)
from tests.identity.signing import EC, ED, OTHER_EC, RSA
from tests.identity.times import SetClock

#: Of the client in these tests; the server below hangs for longer.
PATIENCE_SECONDS: Final = 1.0


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@asynccontextmanager
async def fetching() -> AsyncIterator[HttpFetcher]:
    async with HttpFetcher.opened(seconds_max=PATIENCE_SECONDS) as fetcher:
        yield fetcher


@pytest.fixture
async def fetcher() -> AsyncIterator[HttpFetcher]:
    async with fetching() as opened:
        yield opened


@pytest.fixture
async def issuer() -> AsyncIterator[IssuerServer]:
    async with running_issuer(keys={"a": EC}) as server:
        yield server


def keys_of(
    issuer: IssuerServer, fetcher: HttpFetcher, clock: SetClock, **different: Any
) -> RemoteKeys:
    settings = {"dangerous_http": True} | different
    return RemoteKeys(issuer.url, fetcher, clock, SingleFlight(TaskKeeper()), **settings)


@pytest.fixture
def keys(issuer: IssuerServer, fetcher: HttpFetcher, clock: SetClock) -> RemoteKeys:
    return keys_of(issuer, fetcher, clock)


async def away(keys: RemoteKeys, kid: str = "a") -> None:
    with pytest.raises(ServiceUnavailable) as caught:
        await keys.key(kid)
    assert caught.value.retry_after_seconds == PAUSE_WITHOUT_KEYS_SECONDS


async def test_a_key_is_found_by_discovery(issuer: IssuerServer, keys: RemoteKeys) -> None:
    found = await keys.key("a")
    assert found is not None
    assert found.thumbprint() == EC.thumbprint()
    assert not found.is_private
    assert issuer.asked == [DISCOVERY, JWKS]


@pytest.mark.parametrize("path", ["", "/", "/realms/tv", "/realms/tv/"])
async def test_the_discovery_document_is_below_the_issuer(
    fetcher: HttpFetcher, clock: SetClock, path: str
) -> None:
    async with running_issuer(path=path, keys={"a": EC}) as issuer:
        assert await keys_of(issuer, fetcher, clock).key("a") is not None
        assert issuer.asked == [path.removesuffix("/") + DISCOVERY, JWKS]


@pytest.mark.parametrize("path", ["", "/", "/realms/tv", "/realms/tv/"])
async def test_the_metadata_of_rfc_8414_do_as_well(
    fetcher: HttpFetcher, clock: SetClock, path: str
) -> None:
    async with running_issuer(path=path, keys={"a": EC}, has_openid=False) as issuer:
        assert await keys_of(issuer, fetcher, clock).key("a") is not None
        assert issuer.asked[1:] == [RFC_8414 + path.removesuffix("/"), JWKS]


async def test_the_place_of_the_keys_may_be_set(
    issuer: IssuerServer, fetcher: HttpFetcher, clock: SetClock
) -> None:
    keys = keys_of(issuer, fetcher, clock, jwks_url=issuer.origin + JWKS)
    assert await keys.key("a") is not None
    assert issuer.asked == [JWKS]


async def test_many_who_come_at_once_ask_once(issuer: IssuerServer, keys: RemoteKeys) -> None:
    found = await asyncio.gather(*(keys.key("a") for _ in range(50)))
    assert None not in found
    assert issuer.counted() == 1


async def test_keys_are_kept_for_ten_minutes(
    issuer: IssuerServer, keys: RemoteKeys, clock: SetClock
) -> None:
    await keys.key("a")
    clock.past_seconds = FRESH_SECONDS - 1
    await keys.key("a")
    assert issuer.counted() == 1
    clock.past_seconds = FRESH_SECONDS
    await keys.key("a")
    assert issuer.counted() == 2


async def test_a_new_key_is_found_when_its_name_comes(
    issuer: IssuerServer, keys: RemoteKeys, clock: SetClock
) -> None:
    assert await keys.key("a") is not None
    clock.past_seconds = PAUSE_SECONDS
    issuer.keys = {"a": EC, "b": ED}
    assert await keys.key("b") is not None
    assert await keys.key("a") is not None
    assert issuer.counted() == 2


async def test_a_key_that_is_withdrawn_is_forgotten(
    issuer: IssuerServer, keys: RemoteKeys, clock: SetClock
) -> None:
    await keys.key("a")
    issuer.keys = {"b": ED}
    clock.past_seconds = FRESH_SECONDS
    assert await keys.key("a") is None
    assert await keys.key("b") is not None


async def test_unknown_names_make_us_ask_at_most_every_30_seconds(
    issuer: IssuerServer, keys: RemoteKeys, clock: SetClock
) -> None:
    await keys.key("a")
    for number in range(50):
        assert await keys.key(f"unknown-{number}") is None
    assert issuer.counted() == 1
    clock.past_seconds = PAUSE_SECONDS
    found = await asyncio.gather(*(keys.key(f"unknown-{number}") for number in range(50)))
    assert set(found) == {None}
    assert issuer.counted() == 2


async def test_old_keys_serve_for_a_day_while_the_issuer_is_down(
    issuer: IssuerServer, keys: RemoteKeys, clock: SetClock
) -> None:
    await keys.key("a")
    issuer.status = 503
    clock.past_seconds = FRESH_SECONDS
    assert await keys.key("a") is not None
    asked = len(issuer.asked)
    assert await keys.key("a") is not None
    assert len(issuer.asked) == asked  # It is left alone for a while.
    await away(keys, "b")  # It may be new: nobody can tell.
    clock.past_seconds = STALE_SECONDS - 1
    assert await keys.key("a") is not None
    clock.past_seconds = STALE_SECONDS
    await away(keys)
    issuer.status = 200
    clock.past_seconds = STALE_SECONDS + PAUSE_SECONDS
    assert await keys.key("a") is not None


async def test_an_issuer_that_was_never_there_is_tried_again_soon(
    issuer: IssuerServer, keys: RemoteKeys, clock: SetClock
) -> None:
    issuer.status = 500
    await away(keys)
    await away(keys)
    assert len(issuer.asked) == 1
    issuer.status = 200
    clock.past_seconds = PAUSE_WITHOUT_KEYS_SECONDS
    assert await keys.key("a") is not None


async def test_an_issuer_that_hangs_is_given_up(issuer: IssuerServer, keys: RemoteKeys) -> None:
    issuer.may_answer.clear()
    await away(keys)


async def test_nobody_waits_for_an_issuer_that_hangs_while_its_keys_are_known(
    issuer: IssuerServer, keys: RemoteKeys, clock: SetClock
) -> None:
    await keys.key("a")
    issuer.may_answer.clear()
    clock.past_seconds = FRESH_SECONDS
    found = await asyncio.gather(*(keys.key("a") for _ in range(20)))
    assert None not in found
    assert len(issuer.asked) == 3


async def test_who_goes_away_does_not_stop_the_asking_for_the_others(
    issuer: IssuerServer, keys: RemoteKeys
) -> None:
    issuer.may_answer.clear()
    first = asyncio.create_task(keys.key("a"))
    second = asyncio.create_task(keys.key("a"))
    await asyncio.sleep(0.05)
    first.cancel()
    issuer.may_answer.set()
    assert await second is not None


async def test_an_issuer_that_is_not_there(fetcher: HttpFetcher, clock: SetClock) -> None:
    async with running_issuer() as issuer:
        gone = issuer.url
    keys = RemoteKeys(gone, fetcher, clock, SingleFlight(TaskKeeper()), dangerous_http=True)
    await away(keys)


def a_set(*jwks: Any) -> bytes:
    return json.dumps({"keys": list(jwks)}).encode()


GOOD: Final = {"kid": "a", **EC.as_dict(private=False)}
BROKEN: Final = {
    "no JSON": b"<html>",
    "nothing": b"",
    "a list": b"[]",
    "no keys": b"{}",
    "keys an object": b'{"keys": {}}',
    "keys twice": b'{"keys": [], "keys": []}',
    "nested too deep": b'{"keys": ' + b"[" * 50 + b"]" * 50 + b"}",
    "too many": a_set(*({**GOOD, "kid": str(n)} for n in range(KEYS_MAX + 1))),
    "huge": a_set({**GOOD, "x5c": ["x" * ANSWER_BYTES_MAX]}),
    "no UTF-8": b'{"keys": ["\xff"]}',
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
async def test_what_is_no_key_set_is_no_answer(
    issuer: IssuerServer, keys: RemoteKeys, body: bytes
) -> None:
    issuer.instead[JWKS] = body
    await away(keys)


@pytest.mark.parametrize(
    "jwk",
    [
        7,
        {},
        {**GOOD, "kid": None},
        {**GOOD, "kid": ["a"]},
        {**GOOD, "use": "enc"},
        {**GOOD, "key_ops": ["sign"]},
        {**GOOD, "key_ops": "verify"},
        {**GOOD, "crv": "P-384"},
        {**GOOD, "x": GOOD["y"]},
        {**GOOD, "x": 7},
        {**GOOD, "x": "A" * 43},
        {**GOOD, "x": str(GOOD["x"]) + "="},
        {**GOOD, "kty": "RSA"},
        {"kid": "a", **ECKey.generate_key("P-521").as_dict(private=False)},
        {"kid": "a", **OctKey.generate_key(256).as_dict(private=True)},
        {"kid": "a", "kty": "RSA", "n": "AQAB", "e": "AQAB"},
        {"kid": "a", "kty": "RSA", "n": "A" * 3_000, "e": "AQAB"},
        {**RSA.as_dict(private=False), "kid": "a", "e": "A" * 40},
        {"kid": "a", "kty": "OKP", "crv": "X25519", "x": "A" * 43},
        {"kid": "a", "kty": "OKP", "crv": "Ed25519", "x": "AAAA"},
    ],
)
async def test_a_key_of_no_use_is_passed_over(
    issuer: IssuerServer, keys: RemoteKeys, jwk: Any
) -> None:
    other = {**OTHER_EC.as_dict(private=False), "kid": "other"}
    issuer.instead[JWKS] = a_set(jwk, other)
    assert await keys.key("a") is None
    assert await keys.key("other") is not None


async def test_a_name_that_two_keys_bear_names_neither(
    issuer: IssuerServer, keys: RemoteKeys
) -> None:
    issuer.instead[JWKS] = a_set(GOOD, {**GOOD, **OTHER_EC.as_dict(private=False)})
    assert await keys.key("a") is None


async def test_a_weak_rsa_key_is_passed_over(issuer: IssuerServer, keys: RemoteKeys) -> None:
    with pytest.warns(SecurityWarning):  # joserfc's own.
        weak = RSAKey.generate_key(1_024)
    issuer.keys = {"strong": RSA, "weak": weak}
    assert await keys.key("strong") is not None
    assert await keys.key("weak") is None


async def test_another_issuers_document_is_not_believed(
    issuer: IssuerServer, keys: RemoteKeys
) -> None:
    document = {"issuer": issuer.url + "/", "jwks_uri": issuer.origin + JWKS}
    issuer.instead[DISCOVERY] = json.dumps(document).encode()
    await away(keys)
    assert issuer.counted() == 0


@pytest.mark.parametrize(
    "place",
    [
        None,
        7,
        "",
        "/keys",
        "ftp://127.0.0.1/keys",
        "file:///etc/passwd",
        "http://198.51.100.7/keys",
        "http://127.0.0.1@198.51.100.7/keys",
        "http://localhost.attacker.example/keys",
        "https://user:secret@issuer.example/keys",
        "https://issuer.example:x/keys",
        "https://issuer.example/keys\r\nHost: a",
        "https://[::1/keys",
        "https://" + "a" * 300 + ".example/keys",
        "https://xn--a.example/keys",
    ],
)
async def test_the_place_of_the_keys_must_be_https_or_this_machine(
    issuer: IssuerServer, keys: RemoteKeys, place: object
) -> None:
    document = {"issuer": issuer.url, "jwks_uri": place}
    issuer.instead[DISCOVERY] = json.dumps(document).encode()
    await away(keys)
    assert issuer.asked == [DISCOVERY]


async def test_http_is_not_followed_unless_it_is_allowed(
    issuer: IssuerServer, fetcher: HttpFetcher, clock: SetClock
) -> None:
    await away(keys_of(issuer, fetcher, clock, dangerous_http=False))
    assert issuer.counted() == 0


async def test_redirects_are_not_followed(issuer: IssuerServer, keys: RemoteKeys) -> None:
    issuer.status = 302
    issuer.headers = [(b"location", (issuer.origin + "/elsewhere").encode())]
    await away(keys)
    assert issuer.asked == [DISCOVERY]


async def test_what_is_packed_is_not_unpacked(issuer: IssuerServer, keys: RemoteKeys) -> None:
    issuer.headers = [(b"content-encoding", b"gzip")]
    await away(keys)


async def test_the_environments_proxy_is_not_asked(
    issuer: IssuerServer, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_issuer() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.origin)
        async with fetching() as fetcher:
            assert await keys_of(issuer, fetcher, clock).key("a") is not None
        assert proxy.asked == []
