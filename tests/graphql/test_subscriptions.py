"""Subscriptions of the real gateway: fed by its own changes, held to the caller's rights."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from gateway.api.server import open_socket, serving
from gateway.bootstrap import build
from tests.graphql.asking import change
from tests.world import BASE_URL, Api, Tenant, World, a_world

LINE = "subscription($id: ID!) { lineChanged(id: $id) { id state version expiresAt } }"


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[World]:
    """A gateway on a real port: streams need one that sends as it goes."""
    async with a_world(f"sqlite:///{tmp_path}/gateway.db") as world, on_a_port(world) as there:
        yield there


@asynccontextmanager
async def on_a_port(world: World) -> AsyncIterator[World]:
    listener = open_socket("127.0.0.1:0")
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with (
        serving([(world.runtime.app(), listener)], drain_seconds=1),
        httpx2.AsyncClient(base_url=url, timeout=20) as client,
    ):
        yield replace(
            world,
            client=client,
            operator=Api(client, world.operator.key),
            a=Tenant(id=world.a.id, api=Api(client, world.a.api.key)),
            b=Tenant(id=world.b.id, api=Api(client, world.b.api.key)),
        )


@asynccontextmanager
async def watching(
    api: Api, document: str, variables: dict[str, Any]
) -> AsyncIterator[AsyncIterator[tuple[str, Any]]]:
    """Yield the events of one subscription: their names and what they carry."""
    headers = {"Authorization": f"Bearer {api.key}", "Accept": "text/event-stream"}
    body = {"query": document, "variables": variables}
    async with api.client.stream("POST", "/graphql", json=body, headers=headers) as answer:
        assert answer.status_code == 200, await answer.aread()
        yield events(answer.aiter_lines())


async def events(lines: AsyncIterator[str]) -> AsyncIterator[tuple[str, Any]]:
    name = ""
    async for line in lines:
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data:"):
            text = line.removeprefix("data:").strip()
            yield name, json.loads(text) if text else None
        elif line == "" and name == "complete":
            return


async def following(stream: AsyncIterator[tuple[str, Any]]) -> dict[str, Any]:
    async with asyncio.timeout(15):
        name, payload = await anext(stream)
    assert name == "next", payload
    found: dict[str, Any] = payload
    return found


async def test_a_line_is_shown_at_once_and_after_each_change(served: World) -> None:
    line = await served.line()
    async with watching(served.a.api, LINE, {"id": line["id"]}) as stream:
        first = (await following(stream))["data"]["lineChanged"]
        assert (first["id"], first["state"]) == (line["id"], "ACTIVE")
        await change(served.a.api, "suspendLine", {"id": line["id"]})
        seen = first
        while seen["state"] != "SUSPENDED":
            seen = (await following(stream))["data"]["lineChanged"]
        await served.a.api.ok("POST", f"/v1/lines/{line['id']}/resume")
        while seen["state"] != "ACTIVE":
            seen = (await following(stream))["data"]["lineChanged"]
        assert seen["version"] > first["version"]


async def test_an_operation_is_shown_until_its_end(served: World) -> None:
    found = await change(served.a.api, "createLine", {"period": "P1M"})
    document = "subscription($id: ID!) { operationChanged(id: $id) { state kind } }"
    async with watching(served.a.api, document, {"id": found["operation"]["id"]}) as stream:
        shown = await following(stream)
        assert shown["data"]["operationChanged"] == {"state": "SUCCEEDED", "kind": "line.create"}
        async with asyncio.timeout(15):
            assert [name async for name, _ in stream] in ([], ["complete"])


async def test_a_revoked_key_ends_its_streams(served: World) -> None:
    line = await served.line()
    made = await served.a.api.ok(
        "POST", "/v1/keys", {"name": "x", "permissions": ["lines:read"]}, status=201
    )
    async with watching(served.api(made["key"]), LINE, {"id": line["id"]}) as stream:
        await following(stream)
        assert (await served.a.api.delete(f"/v1/keys/{made['id']}")).status_code == 204
        ended = await following(stream)
        (error,) = ended["errors"]
        assert error["extensions"]["code"] == "unauthenticated"
        async with asyncio.timeout(15):
            assert [name async for name, _ in stream] in ([], ["complete"])


async def test_what_is_foreign_or_unknown_cannot_be_watched(served: World) -> None:
    line = await served.line()
    for value in (line["id"], line["id"][:-4] + "zzzz", "line_", "dev_x", ""):
        async with watching(served.b.api, LINE, {"id": value}) as stream:
            refused = await following(stream)
            (error,) = refused["errors"]
            assert error["extensions"]["code"] == "not_found", value
            assert line["id"] not in json.dumps(refused)


async def test_another_processs_change_is_seen(tmp_path: Path, redis_url: str) -> None:
    """Two gateways on one database and one Redis: one watches, the other changes."""
    async with (
        a_world(f"sqlite:///{tmp_path}/gateway.db", redis_url=redis_url) as one,
        on_a_port(one) as first,
        build(one.settings) as other,
        httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=other.app()), base_url=BASE_URL
        ) as client,
    ):
        line = await first.line()
        async with watching(first.a.api, LINE, {"id": line["id"]}) as stream:
            await following(stream)
            elsewhere = Api(client, first.a.api.key)
            await elsewhere.ok("POST", f"/v1/lines/{line['id']}/suspend")
            seen: dict[str, Any] = {"state": ""}
            while seen["state"] != "SUSPENDED":
                seen = (await following(stream))["data"]["lineChanged"]
