"""Tokens that are ended before their time, and what is told of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateway.bootstrap import build
from gateway.domain.errors import ServiceUnavailable, Unauthenticated
from gateway.domain.oauth import RevokedToken
from gateway.identity.denied import EVERY_SECONDS, PATIENCE_SECONDS, Denied
from gateway.services.scope import system_scope
from tests.oauth.clocks import HandClock
from tests.oauth.conftest import Server


async def test_what_is_told_of_a_good_token(server: Server) -> None:
    line, person = await server.world.line(), await server.client()
    token = await server.token(person)
    told = await server.introspected(person, token)
    assert told.pop("jti").startswith("tok_")
    assert told.pop("exp") - told.pop("iat") == 900
    scope = told.pop("scope").split()
    assert "lines:read" in scope
    assert told == {
        "active": True,
        "token_type": "Bearer",
        "iss": server.url,
        "aud": server.url,
        "sub": person.id,
        "client_id": person.id,
        "reseller_id": server.world.a.id,
    }
    answer = await server.exchange(person, token, f"lines/{line['id']}")
    told = await server.introspected(person, answer.json()["access_token"])
    assert (told["sub"], told["resource_id"]) == (line["id"], line["id"])
    assert told["act"] == {"sub": person.id}


async def test_a_client_learns_nothing_of_other_resellers_tokens(server: Server) -> None:
    world = server.world
    mine, brother = await server.client(), await server.client()
    stranger, operator = await server.client(world.b.api), await server.client(world.operator)
    token = await server.token(mine)
    for person, is_told in ((mine, True), (brother, True), (operator, True), (stranger, False)):
        told = await server.introspected(person, token)
        assert told["active"] is is_told
        assert is_told or told == {"active": False}
    for other in ("x", world.a.api.key or "", token[:-4] + "AAAA", await server.token(operator)):
        assert await server.introspected(mine, other) == {"active": False}


async def test_a_revoked_token_counts_no_more(server: Server) -> None:
    person = await server.client()
    token, other = await server.token(person), await server.token(person)
    async with server.session(person) as session:
        answer = await session.revoke_token(f"{server.url}/oauth/revoke", token=token)
    assert (answer.status_code, answer.content) == (200, b"")
    assert (await server.me(token)).status_code == 401
    assert (await server.me(other)).status_code == 200
    assert await server.introspected(person, token) == {"active": False}
    again = await server.post("/oauth/revoke", person, {"token": token})
    assert again.status_code == 200
    entries = await server.entries("token.revoke")
    assert {it["phase"] for it in entries} == {"succeeded"}


async def test_a_foreign_token_is_left_alone_in_silence(server: Server) -> None:
    person, brother = await server.client(), await server.client()
    token = await server.token(person)
    for text in (token, "x", token[:-4] + "AAAA"):
        answer = await server.post("/oauth/revoke", brother, {"token": text})
        assert (answer.status_code, answer.content) == (200, b"")
    assert (await server.me(token)).status_code == 200
    assert await server.entries("token.revoke") == []


async def test_a_revoked_client_has_no_good_tokens(server: Server) -> None:
    person, brother = await server.client(), await server.client()
    token = await server.token(person)
    await server.world.a.api.delete(f"/v1/clients/{person.id}")
    assert await server.introspected(brother, token) == {"active": False}


async def test_another_process_hears_of_it_in_time(server: Server) -> None:
    """A second runtime on the same database, as a second process has it."""
    person = await server.client()
    token = await server.token(person)
    async with build(server.world.settings) as other:
        assert other.ports.oauth is not None
        clock = HandClock()
        denied = Denied(other.database, clock)
        token_id = (await other.ports.oauth.tokens.verified(token)).id
        assert (await other.ports.identity.identify(token, None)).key_id == person.id
        assert not await denied.is_denied(token_id)
        await server.post("/oauth/revoke", person, {"token": token})
        assert not await denied.is_denied(token_id)  # Not asked again yet.
        clock.pass_seconds(EVERY_SECONDS)
        assert await denied.is_denied(token_id)
    async with build(server.world.settings) as other:
        with pytest.raises(Unauthenticated):
            await other.ports.identity.identify(token, None)


async def test_nothing_is_missed_between_two_looks(server: Server) -> None:
    person = await server.client()
    tokens = [await server.token(person) for _ in range(4)]
    ids = [(await server.introspected(person, token))["jti"] for token in tokens]
    clock = HandClock()
    denied = Denied(server.world.runtime.database, clock)
    for count, token in enumerate(tokens, start=1):
        await server.post("/oauth/revoke", person, {"token": token})
        clock.pass_seconds(EVERY_SECONDS)
        assert [await denied.is_denied(it) for it in ids] == [
            place < count for place in range(len(ids))
        ]


async def test_without_the_database_no_token_is_taken_for_long(server: Server) -> None:
    clock = HandClock()
    async with build(server.world.settings) as other:
        denied = Denied(other.database, clock)
        assert not await denied.is_denied("tok_1")
    # Its connections are closed, so that every look fails.
    broken = Broken()
    denied._database = broken  # type: ignore[assignment]
    clock.pass_seconds(PATIENCE_SECONDS - 1)
    assert not await denied.is_denied("tok_1")
    clock.pass_seconds(2)
    with pytest.raises(ServiceUnavailable):
        await denied.is_denied("tok_1")
    assert broken.asked == 2


async def test_what_has_ended_is_swept_and_what_has_not_is_kept(server: Server) -> None:
    database, now = server.world.runtime.database, datetime.now(UTC)
    old, young = now - timedelta(hours=2), now + timedelta(minutes=5)
    async with database.write(system_scope()) as store:
        for name, ends in (("old", old), ("young", young)):
            token = RevokedToken(id=name, revoked_at=old, expires_at=ends)
            await store.revoked_tokens.add(token)
            assert await store.used_assertions.add(name, ends)
    (sweeper,) = [it for it in server.world.runtime.workers() if it.name == "token-sweep"]
    assert [await sweeper.tick(), await sweeper.tick()] == [2, 0]
    async with database.write(system_scope()) as store:
        left = await store.revoked_tokens.list_since(old, now)
        assert [token.id for token in left] == ["young"]
        assert not await store.used_assertions.add("young", young)
        assert await store.used_assertions.add("old", young)


class Broken:
    """A database that cannot be reached."""

    asked = 0

    def read(self, scope: object) -> object:
        self.asked += 1
        raise ServiceUnavailable("The database is away.")
