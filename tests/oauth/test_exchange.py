"""Storefront tokens: for one line or device, for less than the client has, and no further."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from gateway.domain.oauth import UnacceptableToken
from gateway.domain.tokens import Token
from gateway.services.storefront_tokens import _chain
from tests.factories import NOW, a_client
from tests.oauth.conftest import ACCESS_TOKEN, EXCHANGE, TOKEN, Server


async def claims_of(server: Server, token: str) -> Any:
    keys = KeySet.import_key_set((await server.http.get("/.well-known/jwks.json")).json())
    return jwt.decode(token, keys, algorithms=["ES256"]).claims


async def test_a_clients_token_becomes_one_for_a_line(server: Server) -> None:
    line, person = await server.world.line(), await server.client()
    async with server.session(person) as session:
        token = await session.fetch_token(grant_type="client_credentials")
        found = await session.fetch_token(
            grant_type=EXCHANGE,
            subject_token=token["access_token"],
            subject_token_type=ACCESS_TOKEN,
            requested_token_type=ACCESS_TOKEN,
            resource=f"{server.url}/v1/lines/{line['id']}",
        )
    assert found["issued_token_type"] == ACCESS_TOKEN
    assert (found["token_type"], found["expires_in"]) == ("Bearer", 300)
    assert found["scope"] == "lines:read lines:write operations:read plans:read"
    claims = await claims_of(server, found["access_token"])
    assert claims["sub"] == claims["resource_id"] == line["id"]
    assert claims["act"] == {"sub": person.id}
    assert (claims["client_id"], claims["reseller_id"]) == (person.id, server.world.a.id)
    me = (await server.me(found["access_token"])).json()
    assert (me["kind"], me["key_id"]) == ("storefront", person.id)


async def test_a_device_has_no_password_to_rotate(server: Server) -> None:
    device = await server.world.a.api.ok(
        "POST", "/v1/devices", {"mac": "00:1A:79:AB:CD:EF", "period": "P1M"}, status=201
    )
    person = await server.client()
    token = await server.token(person)
    answer = await server.exchange(person, token, f"devices/{device['id']}")
    assert answer.json()["scope"] == "devices:read plans:read"
    wider = await server.exchange(
        person, token, f"devices/{device['id']}", form={"scope": "devices:read devices:write"}
    )
    assert (wider.status_code, wider.json()["error"]) == (400, "invalid_scope")


async def test_the_policy_says_whether_a_subscriber_may_rotate(server: Server) -> None:
    strict = await server.world.reseller("Strict", subscriber_may=[])
    line = await server.world.line(strict.api)
    person = await server.client(strict.api)
    token = await server.token(person)
    answer = await server.exchange(person, token, f"lines/{line['id']}")
    assert answer.json()["scope"] == "lines:read plans:read"
    answer = await server.exchange(
        person, token, f"lines/{line['id']}", form={"scope": "lines:write"}
    )
    assert answer.json()["error"] == "invalid_scope"


async def test_nobody_passes_on_what_it_has_not(server: Server) -> None:
    line = await server.world.line()
    person = await server.client(permissions=["lines:read", "lines:write", "credits:read"])
    narrow = await server.token(person, scope="lines:read credits:read")
    answer = await server.exchange(person, narrow, f"lines/{line['id']}")
    assert answer.json()["scope"] == "lines:read"
    for scope in ("lines:write", "credits:read", "lines:secrets"):
        answer = await server.exchange(person, narrow, f"lines/{line['id']}", form={"scope": scope})
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope"), scope


async def test_what_is_foreign_is_not_there(server: Server) -> None:
    world = server.world
    foreign = await world.line(world.b.api)
    ended = await world.line()
    await world.a.api.post(f"/v1/lines/{ended['id']}/terminate", {})
    person = await server.client()
    token = await server.token(person)
    answers = [
        await server.exchange(person, token, f"lines/{foreign['id']}"),
        await server.exchange(person, token, f"lines/{ended['id']}"),
        await server.exchange(person, token, "lines/line_" + "0" * 26),
        await server.exchange(person, token, "lines/x"),
        await server.exchange(person, token, f"devices/{foreign['id']}"),
        await server.exchange(person, token, f"operations/{foreign['id']}"),
        await server.exchange(person, token, "", form={"resource": "https://elsewhere.example/"}),
    ]
    assert {(it.status_code, it.text) for it in answers} == {
        (answers[0].status_code, answers[0].text)
    }
    assert answers[0].json()["error"] == "invalid_target"
    entries = await server.entries("token.exchange")
    assert {(it["phase"], it["code"]) for it in entries} == {("failed", "invalid_target")}


async def test_operators_and_parents_reach_what_is_below_them(server: Server) -> None:
    line = await server.world.line(server.world.b.api)
    person = await server.client(server.world.operator)
    answer = await server.exchange(person, await server.token(person), f"lines/{line['id']}")
    assert answer.status_code == 200
    (entry,) = await server.entries("token.exchange")
    assert entry["after"]["act"] == [person.id]
    page = await server.world.b.api.ok("GET", "/v1/audit/entries?action=token.exchange")
    assert [it["id"] for it in page["data"]] == [entry["id"]]


async def test_only_good_tokens_of_the_own_reseller_can_be_exchanged(server: Server) -> None:
    world = server.world
    line = await world.line()
    person, other = await server.client(), await server.client()
    stranger = await server.client(world.b.api)
    operator = await server.client(world.operator)
    token = await server.token(person)
    storefront = (await server.exchange(person, token, f"lines/{line['id']}")).json()
    revoked = await server.token(person)
    await server.post("/oauth/revoke", person, {"token": revoked})
    for text in (
        await server.token(stranger),
        await server.token(operator),
        storefront["access_token"],
        revoked,
        world.a.api.key,
        token[:-4] + "AAAA",
        "x",
    ):
        assert text is not None
        answer = await server.exchange(person, text, f"lines/{line['id']}")
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
        assert text not in answer.text or text == "x"
    # Another client of the same reseller may, and then both are named.
    answer = await server.exchange(other, token, f"lines/{line['id']}")
    claims = await claims_of(server, answer.json()["access_token"])
    assert claims["act"] == {"sub": other.id, "act": {"sub": person.id}}


async def test_a_malformed_exchange_is_refused(server: Server) -> None:
    line, person = await server.world.line(), await server.client()
    token = await server.token(person)
    for change, error in (
        ({"subject_token": ""}, "invalid_request"),
        ({"subject_token_type": ""}, "invalid_request"),
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:jwt"}, "invalid_request"),
        ({"requested_token_type": "urn:ietf:params:oauth:token-type:jwt"}, "invalid_request"),
        ({"resource": ""}, "invalid_request"),
        ({"actor_token": "x"}, "invalid_request"),
        ({"audience": "x"}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "authorization_code"}, "unsupported_grant_type"),
    ):
        answer = await server.exchange(person, token, f"lines/{line['id']}", form=change)
        assert (answer.status_code, answer.json()["error"]) == (400, error), change


def test_no_more_than_four_act() -> None:
    client = a_client()
    token = Token(
        id="tok_1",
        issuer="http://gateway.test",
        subject="cli_2",
        client_id="cli_2",
        scope=frozenset(),
        issued_at=NOW,
        expires_at=NOW,
        chain=("cli_3", "cli_4"),
    )
    assert _chain(client, token) == (client.id, "cli_2", "cli_3", "cli_4")
    with pytest.raises(UnacceptableToken):
        _chain(client, replace(token, chain=("cli_3", "cli_4", "cli_5")))


async def test_an_exchange_needs_a_client(server: Server) -> None:
    line, person = await server.world.line(), await server.client()
    token = await server.token(person)
    form = {
        "grant_type": EXCHANGE,
        "subject_token": token,
        "subject_token_type": ACCESS_TOKEN,
        "resource": f"{server.url}/v1/lines/{line['id']}",
    }
    answer = await server.post(TOKEN, None, form)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
