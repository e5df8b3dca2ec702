"""oauth4webapi, a strict client for browsers and Node, completes every flow."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.oauth.conftest import Server
from tests.servers.npm import NpmProject


@pytest.fixture
def packages(npm: Callable[[Path], NpmProject]) -> NpmProject:
    return npm(Path(__file__).with_name("npm"))


async def test_a_strict_client_completes_every_flow(packages: NpmProject, server: Server) -> None:
    line = await server.world.line()
    person, signer = await server.client(), await server.client_with_key()
    assert signer.key is not None
    said = await packages.node(
        "flows.mjs",
        GATEWAY_URL=server.url,
        CLIENT_ID=person.id,
        CLIENT_SECRET=person.secret or "",
        KEY_CLIENT_ID=signer.id,
        PRIVATE_JWK=json.dumps(signer.key.as_dict(private=True)),
        LINE_ID=line["id"],
    )
    assert json.loads(said) == {
        "basic": ["bearer", 900, "reseller"],
        "post": "reseller",
        "key": "reseller",
        "storefront": [True, "bearer", "lines:read", "storefront"],
        "claims": [True, "lines:read lines:write"],
        "bound": ["dpop", "reseller", "dpop", "storefront"],
        "introspected": [True, False],
        "wrong_secret": "invalid_client",
        "revoked": "invalid_request",
        "challenged": "invalid_token",
    }
