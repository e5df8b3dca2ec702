"""What is published, and that a client needs nothing else to find its way."""

from __future__ import annotations

from pathlib import Path

import pytest
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from authlib.oauth2.rfc8414 import get_well_known_url as well_known

from gateway.api.oauth.metadata import server_metadata
from gateway.domain.caller import Permission
from tests.oauth.conftest import Server
from tests.world import a_world


async def test_a_client_finds_everything_from_a_refusal(server: Server) -> None:
    refusal = await server.http.get("/v1/me")
    challenge = refusal.headers["www-authenticate"]
    assert challenge.startswith("Bearer")
    url = f"{server.url}/.well-known/oauth-protected-resource"
    assert f'resource_metadata="{url}"' in challenge
    resource = (await server.http.get(url)).json()
    assert resource["resource"] == server.url
    (issuer,) = resource["authorization_servers"]
    found = (await server.http.get(well_known(issuer, external=True))).json()
    assert found["issuer"] == issuer == server.url
    for name in ("token_endpoint", "revocation_endpoint", "introspection_endpoint"):
        assert (await server.http.post(found[name])).json().keys() == {
            "error",
            "error_description",
        }
    keys = await server.http.get(found["jwks_uri"])
    assert keys.headers["content-type"] == "application/jwk-set+json"
    assert keys.headers["cache-control"] == "public, max-age=600"


async def test_a_refused_token_points_there_too(server: Server) -> None:
    answer = await server.me("a.b.c")
    assert answer.status_code == 401
    challenge = answer.headers["www-authenticate"]
    assert 'resource_metadata="' in challenge
    assert challenge.startswith("Bearer ")


def test_the_metadata_are_as_the_rfc_wants_them() -> None:
    found = AuthorizationServerMetadata(server_metadata("https://gateway.example"))
    # There is no authorization endpoint, for there are no people here: no response types either.
    for name in found.REGISTRY_KEYS:
        if name in {"authorization_endpoint", "response_types_supported"}:
            continue
        getattr(found, f"validate_{name}")()
    assert set(found["scopes_supported"]) == set(Permission)


async def test_a_url_with_a_path_has_its_documents_where_the_rfcs_want_them(
    tmp_path: Path,
) -> None:
    url = "https://gateway.example/tv"
    async with a_world(f"sqlite:///{tmp_path}/gateway.db", public_url=url) as world:
        for path, member in (
            ("authorization-server", "issuer"),
            ("protected-resource", "resource"),
        ):
            for end in ("", "/tv"):
                found = (await world.client.get(f"/.well-known/oauth-{path}{end}")).json()
                assert found[member] == url


@pytest.mark.parametrize("path", ["oauth-authorization-server", "oauth-protected-resource"])
async def test_documents_need_no_key_and_may_be_kept(server: Server, path: str) -> None:
    answer = await server.http.get(f"/.well-known/{path}")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "public, max-age=3600"
    assert answer.headers["content-type"] == "application/json"
    assert (await server.http.post(f"/.well-known/{path}")).status_code == 405
