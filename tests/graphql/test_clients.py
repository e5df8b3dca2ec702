"""OAuth clients through GraphQL: the same as through REST, under its names."""

from __future__ import annotations

from tests.graphql.asking import ask, change, do
from tests.keys import EC
from tests.world import World

CLIENT = (
    "id clientId name resellerId permissions origins jwks needsDpop lastUsedAt revokedAt version"
    " createdAt updatedAt"
)
SHOWN = f"client {{ {CLIENT} }}"


async def test_a_client_is_made_changed_rotated_and_revoked(world: World) -> None:
    api = world.a.api
    given = {
        "name": "shop",
        "permissions": ["lines:read"],
        "origins": ["https://Shop.example"],
        "needsDpop": True,
    }
    made = await do(api, "createClient", given, f"clientSecret {SHOWN}", idempotencyKey="client-1")
    client, this = made["client"], {"id": made["client"]["id"]}
    assert made["clientSecret"].startswith("xgs_")
    assert client | given == client | {"origins": given["origins"]}
    assert client["origins"] == ["https://shop.example"]
    assert (client["clientId"], client["resellerId"]) == (client["id"], world.a.id)
    again = await do(api, "createClient", given, f"clientSecret {SHOWN}", idempotencyKey="client-1")
    assert again == made | {"replayed": True}
    document = (
        f"query($id: ID!) {{ client(id: $id) {{ {CLIENT} }}"
        f" clients {{ nodes {{ {CLIENT} }} }}"
        " node(id: $id) { __typename ... on Client { name } } }"
    )
    assert await ask(api, document, this) == {
        "client": client,
        "clients": {"nodes": [client]},
        "node": {"__typename": "Client", "name": "shop"},
    }
    rotated = await do(
        api,
        "rotateClientSecret",
        this | {"overlapSeconds": 60},
        f"clientSecret {SHOWN}",
        ifVersion=1,
    )
    assert rotated["clientSecret"] not in {None, made["clientSecret"]}
    late = await change(api, "updateClient", this | {"name": "x"}, ifVersion=1)
    assert late["code"] == "version_mismatch"
    with_keys = await do(api, "updateClient", this | {"jwks": {"keys": [EC]}}, SHOWN, ifVersion=2)
    assert with_keys["client"]["jwks"] == {"keys": [EC]}
    assert (await change(api, "rotateClientSecret", this))["code"] == "state_conflict"
    for _ in range(2):
        revoked = await do(api, "revokeClient", this, SHOWN)
        assert revoked["client"]["revokedAt"] is not None
    assert (await change(api, "updateClient", this | {"name": "x"}))["code"] == "state_conflict"


async def test_clients_are_listed_by_reseller(world: World) -> None:
    for api in (world.operator, world.a.api, world.b.api):
        await do(api, "createClient", {"name": "shop"}, SHOWN)
    document = "query($f: ClientFilter) { clients(filter: $f) { nodes { resellerId } } }"
    found = await ask(world.operator, document, {"f": {"resellerId": world.b.id}})
    assert found == {"clients": {"nodes": [{"resellerId": world.b.id}]}}


async def test_faults_are_told_where_they_stand_in_the_arguments(world: World) -> None:
    wrong = {
        "name": "shop",
        "permissions": ["lines:fly"],
        "origins": ["*"],
        "jwks": {"keys": [EC | {"d": "x", "key_ops": ["sign"], "my_own": 1}]},
    }
    found = await change(world.a.api, "createClient", wrong)
    assert found["__typename"] == "InvalidRequestProblem"
    assert {error["pointer"] for error in found["errors"]} == {
        "/input/permissions/0",
        "/input/origins/0",
        "/input/jwks/keys/0/d",
        "/input/jwks/keys/0/key_ops",
        "/input/jwks/keys/0/my_own",
    }


async def test_nobody_gives_what_it_has_not(world: World) -> None:
    given = {"name": "x", "permissions": ["panels:write"]}
    found = await change(world.a.api, "createClient", given)
    assert found["__typename"] == "PermissionDeniedProblem"
    rehearsed = await change(world.a.api, "createClient", {"name": "x"}, dryRun=True)
    assert rehearsed["__typename"] == "DryRun"
    assert rehearsed["effect"]["after"]["secret"] == "***"
    assert "xgs_" not in str(rehearsed)
