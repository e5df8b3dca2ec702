"""What hangs on the database: once means once, and processes agree; on SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest

from gateway.bootstrap import build
from gateway.domain.errors import Unauthenticated
from tests.oauth.conftest import TOKEN, Server, a_server
from tests.oauth.test_assertions import TYPE, claims_for, signed


@pytest.fixture
async def server(database_url: str) -> AsyncIterator[Server]:
    async with a_server(database_url) as made:
        yield made


async def test_of_many_uses_of_an_assertion_at_once_one_counts(server: Server) -> None:
    person = await server.client_with_key()
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": TYPE,
        "client_assertion": signed(claims_for(server, person), person.key),
    }
    answers = await asyncio.gather(*(server.post(TOKEN, None, form) for _ in range(8)))
    assert sorted(it.status_code for it in answers) == [200] + [401] * 7


async def test_two_processes_sign_with_one_key_and_know_each_others_tokens(
    server: Server,
) -> None:
    person = await server.client()
    async with build(server.world.settings) as other:
        transport = httpx2.ASGITransport(app=other.app())
        async with httpx2.AsyncClient(transport=transport, base_url=server.url) as http:
            there = Server(world=server.world, url=server.url, http=http)
            tokens = await asyncio.gather(
                *(it.token(person) for it in (server, there, server, there))
            )
            assert len((await http.get("/.well-known/jwks.json")).json()["keys"]) == 1
            for token in tokens:
                assert (await server.me(token)).status_code == 200
                assert (await there.me(token)).status_code == 200


async def test_another_process_refuses_what_was_revoked_before_it_looked(server: Server) -> None:
    person, line = await server.client(), await server.world.line()
    token = await server.token(person)
    storefront = (await server.exchange(person, token, f"lines/{line['id']}")).json()
    for text in (token, storefront["access_token"]):
        assert (await server.me(text)).status_code == 200
        for _ in range(2):  # Safe to repeat.
            answer = await server.post("/oauth/revoke", person, {"token": text})
            assert answer.status_code == 200
        async with build(server.world.settings) as other:
            with pytest.raises(Unauthenticated):
                await other.ports.identity.identify(text, None)
