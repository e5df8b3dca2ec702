"""A list of fifty asks the database and the panels once for all, and shares with REST."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from gateway.cache.memory import MemoryCache
from tests.graphql.asking import ask
from tests.world import World, a_world

LIST = (
    "{ lines(first: 50) { nodes { id activeConnections observed { stale } info { username } } } }"
)


@pytest.fixture
async def fifty(tmp_path: Path) -> AsyncIterator[World]:
    async with a_world(f"sqlite:///{tmp_path}/gateway.db") as world:
        for number in range(50):
            await world.line(username=f"line-{number:02}", bouquet_ids=[1])
        yield world


@contextmanager
def queries(world: World) -> Iterator[list[str]]:
    """Collect the statements that reach the database within the block."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.startswith("SELECT"):
            seen.append(statement)

    engine = world.runtime.database._engine.sync_engine
    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)


def forget(world: World) -> None:
    """Let the cache be empty, as after a restart."""
    cache = world.runtime.ports.cache
    assert isinstance(cache, MemoryCache)
    cache._entries.clear()
    cache._bytes = 0


async def test_fifty_lines_with_info_cost_one_panel_call_each_and_a_few_queries(
    fifty: World,
) -> None:
    forget(fifty)
    before = len(fifty.calls("info"))
    with queries(fifty) as seen:
        found = await ask(fifty.a.api, LIST)
    assert len(fifty.calls("info")) - before == 50
    nodes = found["lines"]["nodes"]
    assert {node["info"]["username"] for node in nodes} == {f"line-{n:02}" for n in range(50)}
    # The key, its reseller, the page, the fifty rows, their panel: not one for each line.
    assert len(seen) <= 8, seen
    with queries(fifty) as again:
        await ask(fifty.a.api, LIST)
    assert len(fifty.calls("info")) - before == 50
    assert len(again) <= 5, again


async def test_only_what_is_missing_is_asked(fifty: World) -> None:
    forget(fifty)
    lines = (await fifty.a.api.ok("GET", "/v1/lines"))["data"]
    for line in lines[:30]:
        await fifty.a.api.ok("GET", f"/v1/lines/{line['id']}/info")
    before = len(fifty.calls("info"))
    await ask(fifty.a.api, LIST)
    assert len(fifty.calls("info")) - before == 20


async def test_rest_and_graphql_readers_share_one_call(fifty: World) -> None:
    forget(fifty)
    lines = (await fifty.a.api.ok("GET", "/v1/lines"))["data"]
    before = len(fifty.calls("info"))
    rest = [fifty.a.api.get(f"/v1/lines/{line['id']}/info") for line in lines]
    lists = [ask(fifty.a.api, LIST) for _ in range(3)]
    await asyncio.gather(*rest, *lists)
    assert len(fifty.calls("info")) - before == 50


async def test_one_that_fails_leaves_the_others(fifty: World) -> None:
    forget(fifty)
    fifty.simulator.panel.tables["users"].update(
        [fifty.user("line-07")["id"]], {"password": "changed-by-hand"}, strict=False
    )
    answer = await fifty.a.api.post(
        "/graphql", {"query": "{ lines(first: 50) { nodes { username info { enabled } } } }"}
    )
    payload = answer.json()
    nodes = payload["data"]["lines"]["nodes"]
    assert [node["username"] for node in nodes if node["info"] is None] == ["line-07"]
    (error,) = payload["errors"]
    assert error["extensions"]["code"] == "credentials_out_of_sync"


async def test_after_a_mutation_the_same_document_reads_anew(fifty: World) -> None:
    line = (await fifty.a.api.ok("GET", "/v1/lines"))["data"][0]
    document = (
        "mutation($id: ID!) {"
        ' a: updateLine(input: {id: $id, notes: "one"}) { ...shown }'
        ' b: updateLine(input: {id: $id, notes: "two"}) { ...shown } }'
        " fragment shown on UpdateLineResult { ... on UpdateLineSuccess"
        " { line { info { notes } } } }"
    )
    found = await ask(fifty.a.api, document, {"id": line["id"]})
    assert found["a"]["line"]["info"]["notes"] == "one"
    assert found["b"]["line"]["info"]["notes"] == "two"
