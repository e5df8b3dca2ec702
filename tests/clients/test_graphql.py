"""A typed client made from `schema/schema.graphql`: it compiles strictly, and it works."""

from __future__ import annotations

import json

from tests.clients.conftest import Gateway
from tests.docs.pages import ROOT
from tests.servers.npm import NpmProject

SDL = ROOT / "schema" / "schema.graphql"


async def test_a_shop_sells_renews_and_watches_a_line_with_generated_types(
    clients: NpmProject, gateway: Gateway
) -> None:
    await clients.tool("graphql-codegen", "--config", "graphql/codegen.mjs", SDL=str(SDL))
    await clients.tool("tsc", "--project", "graphql")
    said = json.loads(await clients.node("graphql/out/main.js", **gateway.variables))
    row = gateway.world.user(said.pop("username"))
    assert said.pop("password") == row["password"]
    assert said == {
        "tried": "would cost 0.00",
        "again": "there already (409)",
        "wrong": "refused: invalid_request /input/bouquetIds/0",
        "was_renewed": True,
        "was_told": True,
        "listed": [["ACTIVE", 0]],
        "has_more": False,
    }
    assert len(gateway.world.users()) == 1
