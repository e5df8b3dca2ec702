"""Tokens for clients: Authlib's client gets them by every method, and they work."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc import jws, jwt
from joserfc.jwk import KeySet

from tests.oauth.conftest import TOKEN, Person, Server


async def claims_of(server: Server, token: str) -> Any:
    """Verify a token as a resource server of somebody else would: by what is published."""
    found = (await server.http.get("/.well-known/oauth-authorization-server")).json()
    keys = KeySet.import_key_set((await server.http.get(found["jwks_uri"])).json())
    decoded = jwt.decode(token, keys, algorithms=["ES256"])
    assert decoded.header["typ"] == "at+jwt"
    jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": found["issuer"]},
        aud={"essential": True, "value": server.url},
        exp={"essential": True},
    ).validate(decoded.claims)
    return decoded.claims


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
async def test_a_client_gets_a_token_by_its_secret(server: Server, method: str) -> None:
    person = await server.client()
    async with server.session(person, token_endpoint_auth_method=method) as session:
        token = await session.fetch_token(grant_type="client_credentials")
        assert (token["token_type"], token["expires_in"]) == ("Bearer", 900)
        me = (await session.get("/v1/me")).json()
    assert me["kind"] == "reseller"
    assert (me["reseller_id"], me["key_id"]) == (server.world.a.id, person.id)
    assert me["permissions"] == token["scope"].split()


async def test_a_client_gets_a_token_by_an_assertion_that_it_signed(server: Server) -> None:
    person = await server.client_with_key()
    assert person.secret is None
    method = PrivateKeyJWT(server.url + TOKEN, headers={"kid": "mine"}, alg="ES256")
    async with AsyncOAuth2Client(
        person.id,
        person.key,
        token_endpoint=server.url + TOKEN,
        token_endpoint_auth_method="private_key_jwt",
        base_url=server.url,
    ) as session:
        # Authlib's own default is an hour, which is too long here.
        method.claims = {"exp": int(time.time()) + 60}
        session.register_client_auth_method(method)
        token = await session.fetch_token(grant_type="client_credentials")
        me = (await session.get("/v1/me")).json()
    assert token["token_type"] == "Bearer"
    assert me["key_id"] == person.id


async def test_a_token_says_who_for_whom_and_for_how_long(server: Server) -> None:
    person = await server.client()
    claims = await claims_of(server, await server.token(person, scope="lines:read lines:write"))
    assert claims["jti"].startswith("tok_")
    assert claims["sub"] == claims["client_id"] == person.id
    assert claims["exp"] - claims["iat"] == 900
    assert claims["scope"] == "lines:read lines:write"
    assert claims["reseller_id"] == server.world.a.id
    assert not {"act", "cnf", "resource_id"} & claims.keys()


async def test_many_at_once_make_one_first_key(server: Server) -> None:
    person = await server.client()
    tokens = await asyncio.gather(*(server.token(person) for _ in range(8)))
    kids = {jws.extract_compact(token.encode()).headers()["kid"] for token in tokens}
    keys = (await server.http.get("/.well-known/jwks.json")).json()["keys"]
    assert [key["kid"] for key in keys] == list(kids)
    assert len(await server.entries("signing_key.rotate")) == 1


async def test_an_operators_client_speaks_for_the_operator(server: Server) -> None:
    person = await server.client(server.world.operator)
    token = await server.token(person)
    assert "reseller_id" not in await claims_of(server, token)
    assert (await server.me(token)).json()["kind"] == "operator"


async def test_scope_narrows_and_never_widens(server: Server) -> None:
    person = await server.client(permissions=["lines:read", "devices:read"])
    async with server.session(person) as session:
        token = await session.fetch_token(grant_type="client_credentials")
        assert token["scope"] == "lines:read devices:read"
        token = await session.fetch_token(grant_type="client_credentials", scope="devices:read")
        assert token["scope"] == "devices:read"
        for wanted in ("lines:read lines:write", "panels:write", "openid", "LINES:READ"):
            with pytest.raises(OAuthError) as refusal:
                await session.fetch_token(grant_type="client_credentials", scope=wanted)
            assert refusal.value.error == "invalid_scope"
    assert [it["phase"] for it in await server.entries("token.issue")] == [
        *["failed"] * 4,
        *["succeeded"] * 2,
    ]


async def test_only_this_gateway_is_a_target(server: Server) -> None:
    person = await server.client()
    for resource in (server.url, f"{server.url}/"):
        assert await server.token(person, resource=resource)
    for resource in ("https://elsewhere.example", f"{server.url}/v1/lines", "x"):
        form = {"grant_type": "client_credentials", "resource": resource}
        answer = await server.post(TOKEN, person, form)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_target")


async def test_issuing_is_in_the_audit_log_without_the_token(server: Server) -> None:
    person = await server.client()
    token = await server.token(person, scope="lines:read")
    (entry,) = await server.entries("token.issue")
    claims = await claims_of(server, token)
    assert entry["after"] == {
        "token_id": claims["jti"],
        "scope": "lines:read",
        "expires_at": claims["exp"],
    }
    assert entry["resource"]["id"] == person.id
    assert token not in str(entry)


async def refused(server: Server, person: Person, **form: str) -> tuple[int, Any, str | None]:
    answer = await server.post(TOKEN, person, {"grant_type": "client_credentials"} | form)
    return answer.status_code, answer.json(), answer.headers.get("www-authenticate")


async def test_unknown_wrong_and_revoked_clients_look_the_same(server: Server) -> None:
    person, ended = await server.client(), await server.client()
    await server.world.a.api.delete(f"/v1/clients/{ended.id}")
    with_key = await server.client_with_key()
    unknown = Person(id="cli_" + "0" * 26, secret=person.secret)
    seen = [
        await refused(server, Person(id=person.id, secret="xgs_" + "x" * 43)),
        await refused(server, Person(id=person.id, secret="")),
        await refused(server, unknown),
        await refused(server, Person(id="nobody", secret="x")),
        await refused(server, ended),
        await refused(server, Person(id=with_key.id, secret="x")),
        await refused(server, Person(id=server.world.a.id, secret=person.secret)),
    ]
    assert all(it == seen[0] for it in seen)
    status, body, challenge = seen[0]
    assert (status, body["error"]) == (401, "invalid_client")
    assert challenge is not None
    assert challenge.startswith("Basic ")


async def test_without_the_header_there_is_no_challenge(server: Server) -> None:
    form = {"grant_type": "client_credentials", "client_id": "cli_x", "client_secret": "x"}
    answer = await server.post(TOKEN, None, form)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert "www-authenticate" not in answer.headers


async def test_a_client_that_must_prove_a_key_gets_no_token_without(server: Server) -> None:
    person = await server.client(needs_dpop=True)
    status, body, _ = await refused(server, person)
    assert (status, body["error"]) == (400, "invalid_dpop_proof")


async def test_a_client_of_a_suspended_reseller_reads_on(server: Server) -> None:
    person = await server.client()
    await server.world.operator.post(f"/v1/resellers/{server.world.a.id}/suspend", {})
    token = await server.token(person)
    assert (await server.me(token)).status_code == 200
    created = await server.http.post(
        "/v1/lines", json={"period": "P1M"}, headers={"Authorization": f"Bearer {token}"}
    )
    assert created.status_code == 403
