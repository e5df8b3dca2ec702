"""A typed client made from `schema/openapi.json`: it compiles strictly, and it works."""

from __future__ import annotations

import json

from tests.clients.conftest import Gateway
from tests.docs.pages import ROOT
from tests.servers.npm import NpmProject

OPENAPI = ROOT / "schema" / "openapi.json"
#: Else a member of a request that has a default would have to be sent.
OPTIONAL = "--default-non-nullable=false"


async def test_a_shop_sells_and_renews_a_line_with_generated_types(
    clients: NpmProject, gateway: Gateway
) -> None:
    await clients.tool("openapi-typescript", str(OPENAPI), OPTIONAL, "-o", "rest/openapi.ts")
    await clients.tool("tsc", "--project", "rest")
    said = json.loads(await clients.node("rest/out/main.js", **gateway.variables))
    row = gateway.world.user(said.pop("username"))
    assert said.pop("password") == row["password"]
    assert said == {
        "may_watch": True,
        "observed": False,
        "was_renewed": True,
        "listed": [True],
        "credits": "0.00",
        "taken": [409, "external_id_taken"],
        "faults": ["/bouquet_ids/0"],
    }
    assert len(gateway.world.users()) == 1
