"""A gateway on a real port, clients of its resellers, and clients of other makes to talk to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from authlib.integrations.httpx_client import AsyncOAuth2Client
from joserfc.jwk import ECKey

from gateway.api.server import open_socket, serving
from tests.world import Api, World, a_world

TOKEN = "/oauth/token"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"


@dataclass(kw_only=True)
class Person:
    """A client as its owner knows it. `key`: of one that has no secret."""

    id: str
    secret: str | None
    key: ECKey | None = field(default=None, repr=False)


@dataclass(kw_only=True)
class Server:
    """A running gateway. `http` talks to its real port, and adds nothing of its own."""

    world: World
    url: str
    http: httpx2.AsyncClient

    async def client(self, api: Api | None = None, **fields: Any) -> Person:
        """Make a client, by default reseller A's, that may do all that A may."""
        made = await (api or self.world.a.api).ok(
            "POST", "/v1/clients", {"name": "Shop"} | fields, status=201
        )
        return Person(id=made["client_id"], secret=made["client_secret"])

    async def client_with_key(self, **fields: Any) -> Person:
        """Make one that signs assertions."""
        key = ECKey.generate_key("P-256", {"kid": "mine"})
        person = await self.client(jwks={"keys": [key.as_dict(private=False)]}, **fields)
        return Person(id=person.id, secret=person.secret, key=key)

    def session(self, person: Person, **more: Any) -> AsyncOAuth2Client:
        """Return Authlib's client for *person*."""
        return AsyncOAuth2Client(
            person.id,
            person.secret,
            token_endpoint=self.url + TOKEN,
            base_url=self.url,
            **more,
        )

    async def post(
        self, path: str, person: Person | None, form: Any, **headers: str
    ) -> httpx2.Response:
        """Post a form, with the client's secret in the header."""
        if person is None:
            return await self.http.post(path, data=form, headers=headers)
        auth = (person.id, person.secret or "")
        return await self.http.post(path, data=form, auth=auth, headers=headers)

    async def token(self, person: Person, **form: str) -> str:
        """Return a client's own token."""
        answer = await self.post(TOKEN, person, {"grant_type": "client_credentials"} | form)
        assert answer.status_code == 200, answer.text
        text: str = answer.json()["access_token"]
        return text

    async def exchange(
        self, person: Person, token: str, resource: str, form: Mapping[str, str] | None = None
    ) -> httpx2.Response:
        """Ask for a storefront's token; return the whole answer."""
        asked = {
            "grant_type": EXCHANGE,
            "subject_token": token,
            "subject_token_type": ACCESS_TOKEN,
            "resource": f"{self.url}/v1/{resource}",
        }
        return await self.post(TOKEN, person, asked | dict(form or {}))

    async def introspected(self, person: Person, token: str) -> dict[str, Any]:
        """Return what *person* is told of a token."""
        answer = await self.post("/oauth/introspect", person, {"token": token})
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def me(self, token: str) -> httpx2.Response:
        """Ask who a token speaks for."""
        return await self.http.get("/v1/me", headers={"Authorization": f"Bearer {token}"})

    async def entries(self, action: str) -> list[dict[str, Any]]:
        """Return the audit entries of an action, the newest first."""
        page = await self.world.operator.ok("GET", f"/v1/audit/entries?action={action}")
        entries: list[dict[str, Any]] = page["data"]
        return entries


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    async with a_server(f"sqlite:///{tmp_path}/gateway.db") as made:
        yield made


@asynccontextmanager
async def a_server(database_url: str, **settings: Any) -> AsyncIterator[Server]:
    """Run a gateway on a free port."""
    listener = open_socket("127.0.0.1:0")
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with (
        a_world(
            database_url, public_url=url, trusted_proxies=("127.0.0.1/32",), **settings
        ) as world,
        serving([(world.runtime.app(), listener)], drain_seconds=1),
        httpx2.AsyncClient(base_url=url) as http,
    ):
        yield Server(world=world, url=url, http=http)
