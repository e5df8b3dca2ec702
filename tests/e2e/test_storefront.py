"""A storefront's token reaches one line or device, and nothing beside it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.domain.caller import Permission
from gateway.domain.documents import document_id_of
from gateway.domain.errors import NotFound
from gateway.domain.ids import IdKind, LineId
from gateway.domain.subscriptions import ObservedInfo
from gateway.services import line_info
from gateway.services.context import Context
from tests.factories import an_id
from tests.pretenders import (
    CLIENT_ID,
    Pretenders,
    a_storefront,
    storefront_api,
    with_pretenders,
)
from tests.world import Api, World, a_world

MAC = "00:1A:79:AB:CD:EF"
ROTATE = """mutation Rotate($id: ID!) { rotateLinePassword(input: {id: $id}) {
  __typename ... on RotateLinePasswordSuccess { password line { id } }
  ... on Problem { code } } }"""
READ = """query Read($id: ID!) { line(id: $id) {
  id username state notes metadata activeConnections info { username notes } } }"""
MORE = """query More($id: ID!) { line(id: $id) {
  id credentials { password } credits { balance } bouquets { id }
  auditEntries { nodes { id } } } }"""
OTHERS = "query Others { lines { nodes { id } } keys { nodes { id } } operations { nodes { id } } }"
SCHEMA = "query Schema { __schema { types { name } } }"
TRUSTED = (ROTATE, READ, MORE, OTHERS, SCHEMA)


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with a_world(database_url) as made:
        yield made


@pytest.fixture
async def pretenders(world: World) -> AsyncIterator[Pretenders]:
    async with with_pretenders(world) as made:
        yield made


async def graphql(api: Api, document: str, **variables: Any) -> dict[str, Any]:
    answer = await api.post("/graphql", {"query": document, "variables": variables})
    found: dict[str, Any] = answer.json()
    return found


def codes(answer: dict[str, Any]) -> set[str]:
    return {error["extensions"]["code"] for error in answer.get("errors", ())}


async def test_it_reads_its_line_and_every_other_is_as_unknown(
    world: World, pretenders: Pretenders
) -> None:
    mine = await world.line(notes="pays late", metadata={"order": "7"}, external_id="shop-1")
    other = await world.line()
    theirs = await world.line(world.b.api)
    device = await world.a.api.ok("POST", "/v1/devices", {"mac": MAC, "period": "P1M"}, status=201)
    api = storefront_api(world, pretenders, mine)
    # What others read before is in the cache, from where scope is decided without the database.
    for each in (mine, other):
        await world.a.api.ok("GET", f"/v1/lines/{each['id']}/info")
    await world.a.api.ok("GET", f"/v1/devices/{device['id']}/info")

    shown = await api.ok("GET", f"/v1/lines/{mine['id']}")
    assert (shown["id"], shown["username"], shown["state"]) == (
        mine["id"],
        mine["username"],
        "active",
    )
    assert (shown["notes"], shown["metadata"]) == ("", {})
    info = await api.ok("GET", f"/v1/lines/{mine['id']}/info")
    assert (info["username"], info["notes"]) == (mine["username"], "")
    own_notes = await world.a.api.ok("GET", f"/v1/lines/{mine['id']}")
    assert own_notes["notes"] == "pays late"

    unknown = an_id(IdKind.LINE)
    for suffix in ("", "/info"):
        absent = await api.get(f"/v1/lines/{unknown}{suffix}")
        assert absent.status_code == 404
        for foreign in (other["id"], theirs["id"]):
            answer = await api.get(f"/v1/lines/{foreign}{suffix}")
            assert answer.status_code == 404
            assert neutral(answer.json()) == neutral(absent.json())
            assert answer.headers.keys() == absent.headers.keys()
        gone = await api.get(f"/v1/devices/{device['id']}{suffix}")
        none = await api.get(f"/v1/devices/{an_id(IdKind.DEVICE)}{suffix}")
        assert (gone.status_code, neutral(gone.json())) == (404, neutral(none.json()))


async def test_the_cache_serves_it_no_other_line_of_its_reseller(
    world: World, pretenders: Pretenders
) -> None:
    """Where scope is decided without the database, the binding holds as well."""
    mine, other = await world.line(), await world.line()
    for each in (mine, other):
        await world.a.api.ok("GET", f"/v1/lines/{each['id']}/info")
    context = Context(
        ports=world.runtime.ports, caller=a_storefront(mine), request_id="req_1", ip=None
    )
    ids = (LineId(mine["id"]), LineId(other["id"]))
    found = await line_info.list_line_infos(context, ids)
    assert isinstance(found[mine["id"]], ObservedInfo)
    assert isinstance(found[other["id"]], NotFound)


async def test_a_device_is_read_in_the_same_way(world: World, pretenders: Pretenders) -> None:
    device = await world.a.api.ok("POST", "/v1/devices", {"mac": MAC, "period": "P1M"}, status=201)
    line = await world.line()
    api = storefront_api(world, pretenders, device)
    assert (await api.ok("GET", f"/v1/devices/{device['id']}"))["mac"] == MAC
    assert (await api.ok("GET", f"/v1/devices/{device['id']}/info"))["device_id"] == device["id"]
    assert (await api.get(f"/v1/lines/{line['id']}")).status_code == 404
    refused = await api.post(f"/v1/lines/{line['id']}/rotate-password")
    assert refused.json()["code"] == "not_found"


async def test_a_line_of_the_operators_own_is_one_line_too(
    world: World, pretenders: Pretenders
) -> None:
    """Its owner path is the root, which without the binding would be everything."""
    body = {"period": "P1M", "panel_id": world.panel_id}
    mine = await world.operator.ok("POST", "/v1/lines", body, status=201)
    theirs = await world.line()
    api = storefront_api(world, pretenders, mine)
    assert (await api.ok("GET", f"/v1/lines/{mine['id']}"))["id"] == mine["id"]
    assert (await api.get(f"/v1/lines/{theirs['id']}")).status_code == 404
    assert (await api.get("/v1/lines")).status_code == 403
    rotated = await api.ok("POST", f"/v1/lines/{mine['id']}/rotate-password")
    assert rotated["password"] != mine["password"]


async def test_it_says_who_it_is_and_shows_no_policy(world: World, pretenders: Pretenders) -> None:
    api = storefront_api(world, pretenders, await world.line())
    me = await api.ok("GET", "/v1/me")
    assert (me["kind"], me["reseller_id"], me["key_id"]) == ("storefront", world.a.id, CLIENT_ID)
    assert me["policy"] is None
    assert "lines:read" in me["permissions"]


async def test_it_rotates_its_password_and_the_log_says_who_acted(
    world: World, pretenders: Pretenders
) -> None:
    mine, other = await world.line(), await world.line()
    chain = (CLIENT_ID, "cli_of_the_shop")
    api = storefront_api(world, pretenders, mine, chain=chain)
    rotated = await api.ok("POST", f"/v1/lines/{mine['id']}/rotate-password")
    assert world.user(mine["username"])["password"] == rotated["password"] != mine["password"]

    refused = await api.post(f"/v1/lines/{other['id']}/rotate-password")
    assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
    assert world.user(other["username"])["password"] == other["password"]

    found = await world.a.api.ok("GET", "/v1/audit/entries", params={"resource_id": mine["id"]})
    entries = [each for each in found["data"] if each["action"] == "line.rotate_password"]
    assert [each["phase"] for each in entries] == ["succeeded", "started"]
    for each in entries:
        assert each["caller"] == {
            "kind": "storefront",
            "id": mine["id"],
            "key_id": CLIENT_ID,
            "chain": list(chain),
        }
    document = "{ auditEntries { nodes { action caller { kind id chain } } } }"
    shown = (await graphql(world.a.api, document))["data"]["auditEntries"]["nodes"]
    assert {
        "action": "line.rotate_password",
        "caller": {"kind": "storefront", "id": mine["id"], "chain": list(chain)},
    } in shown


async def test_it_follows_its_own_operations_and_no_others(
    world: World, pretenders: Pretenders
) -> None:
    mine, other = await world.line(), await world.line()
    api = storefront_api(world, pretenders, mine)
    await api.ok("POST", f"/v1/lines/{mine['id']}/rotate-password")
    found = await world.a.api.ok("GET", "/v1/operations")
    ids = {each["resource_id"]: each["id"] for each in reversed(found["data"])}
    assert (await api.ok("GET", f"/v1/operations/{ids[mine['id']]}"))["resource_id"] == mine["id"]
    foreign = await api.get(f"/v1/operations/{ids[other['id']]}")
    absent = await api.get(f"/v1/operations/{an_id(IdKind.OPERATION)}")
    assert (foreign.status_code, neutral(foreign.json())) == (404, neutral(absent.json()))
    assert (await api.get("/v1/operations")).status_code == 403


@pytest.mark.parametrize("may", [True, False], ids=["policy allows", "policy does not"])
async def test_the_policy_decides_whether_subscribers_rotate(
    world: World, pretenders: Pretenders, may: bool
) -> None:
    tenant = await world.reseller("C", subscriber_may=["rotate_password"] if may else [])
    tenant.api.client = world.client
    mine = await world.line(tenant.api)
    api = storefront_api(world, pretenders, mine)
    answer = await api.post(f"/v1/lines/{mine['id']}/rotate-password")
    assert answer.status_code == (200 if may else 403)
    assert (world.user(mine["username"])["password"] == mine["password"]) is not may
    found = await tenant.api.ok("GET", "/v1/audit/entries", params={"resource_id": mine["id"]})
    assert found["data"][0]["phase"] == ("succeeded" if may else "denied")
    reader = storefront_api(world, pretenders, mine, permissions=frozenset({Permission.LINES_READ}))
    refused = await reader.post(f"/v1/lines/{mine['id']}/rotate-password")
    assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")


async def test_its_idempotency_keys_are_its_lines_own(world: World, pretenders: Pretenders) -> None:
    mine, other = await world.line(), await world.line()
    key = {"Idempotency-Key": "same-for-all"}
    answers = []
    for line in (mine, other, mine):
        api = storefront_api(world, pretenders, line)
        path = f"/v1/lines/{line['id']}/rotate-password"
        answers.append(await api.post(path, headers=key))
    assert [each.status_code for each in answers] == [200, 200, 200]
    assert answers[2].headers["idempotent-replayed"] == "true"
    assert answers[2].json()["password"] == answers[0].json()["password"]
    assert answers[1].json()["id"] == other["id"]
    # The reseller's own use of that key is another one, too.
    path = f"/v1/lines/{mine['id']}/rotate-password"
    own = await world.a.api.post(path, headers=key)
    assert "idempotent-replayed" not in own.headers


async def test_graphql_takes_trusted_documents_only_and_stays_within_the_line(
    world: World, pretenders: Pretenders
) -> None:
    documents = {document_id_of(text): text for text in TRUSTED}
    await world.a.api.ok("PUT", "/v1/trusted-documents", {"documents": documents})
    mine, other = await world.line(notes="pays late"), await world.line()
    await world.a.api.ok("GET", f"/v1/lines/{other['id']}/info")
    api = storefront_api(world, pretenders, mine)

    untrusted = await graphql(api, "{ me { kind } }")
    assert codes(untrusted) == {"permission_denied"}
    by_id = await api.ok(
        "POST",
        "/graphql",
        {"documentId": document_id_of(READ), "variables": {"id": mine["id"]}},
    )
    assert by_id["data"]["line"]["info"] == {"username": mine["username"], "notes": ""}
    assert by_id["data"]["line"]["notes"] == ""
    assert codes(await graphql(api, READ, id=other["id"])) == {"not_found"}
    assert (await graphql(api, READ, id=other["id"]))["data"] == {"line": None}

    more = await graphql(api, MORE, id=mine["id"])
    assert codes(more) == {"permission_denied"}
    assert set(more["data"]["line"].items()) == {
        ("id", mine["id"]),
        *((name, None) for name in ("credentials", "credits", "bouquets", "auditEntries")),
    }
    others = await graphql(api, OTHERS)
    assert codes(others) == {"permission_denied"}
    assert not others["data"]
    assert "data" not in await graphql(api, SCHEMA)

    rotated = (await graphql(api, ROTATE, id=mine["id"]))["data"]["rotateLinePassword"]
    assert rotated["password"] == world.user(mine["username"])["password"]
    foreign = await graphql(api, ROTATE, id=other["id"])
    assert foreign["data"]["rotateLinePassword"]["code"] == "not_found"


async def test_a_suspended_reseller_leaves_its_subscribers_reading(
    world: World, pretenders: Pretenders
) -> None:
    mine = await world.line()
    api = storefront_api(world, pretenders, mine, suspended=True)
    assert (await api.get(f"/v1/lines/{mine['id']}")).status_code == 200
    refused = await api.post(f"/v1/lines/{mine['id']}/rotate-password")
    assert refused.json()["code"] == "permission_denied"


async def test_a_dry_run_shows_no_secret(world: World, pretenders: Pretenders) -> None:
    mine = await world.line()
    api = storefront_api(world, pretenders, mine)
    path = f"/v1/lines/{mine['id']}/rotate-password?dry_run=true"
    answer = await api.post(path)
    assert answer.status_code == 200
    assert mine["password"] not in answer.text
    assert world.user(mine["username"])["password"] == mine["password"]


def neutral(problem: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in problem.items() if name != "request_id"}
