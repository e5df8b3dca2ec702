"""Trusted documents: sent by their id, and, where the setting says so, nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.domain.documents import document_id_of
from tests.graphql.asking import ask, change, do, refused
from tests.world import World, a_world

ME = "query Me { me { kind } }"
ID = document_id_of(ME)


async def by_id(world: World, document_id: str = ID) -> dict[str, object]:
    answer = await world.a.api.post("/graphql", {"documentId": document_id})
    found: dict[str, object] = answer.json()
    return found


async def test_an_uploaded_document_is_run_by_its_id(world: World) -> None:
    unknown = await by_id(world)
    assert "not_found" in str(unknown["errors"])
    done = await do(
        world.a.api,
        "uploadTrustedDocuments",
        {"documents": [{"id": ID, "text": ME}]},
        "uploaded { added present }",
    )
    assert done["uploaded"] == {"added": 1, "present": 0}
    assert (await by_id(world))["data"] == {"me": {"kind": "RESELLER"}}
    assert "not_found" in str((await world.b.api.post("/graphql", {"documentId": ID})).json())
    listed = await ask(world.a.api, "{ trustedDocuments { nodes { id text bytes resellerId } } }")
    assert listed["trustedDocuments"]["nodes"] == [
        {"id": ID, "text": ME, "bytes": len(ME), "resellerId": world.a.id}
    ]
    gone = await do(
        world.a.api, "removeTrustedDocument", {"documentId": ID}, "removed { id bytes }"
    )
    assert gone["removed"] == {"id": ID, "bytes": len(ME)}
    assert "not_found" in str((await by_id(world))["errors"])


async def test_pages_of_documents_join(world: World) -> None:
    texts = [f"{{ a{number}: __typename }}" for number in range(5)]
    given = {"documents": [{"id": document_id_of(text), "text": text} for text in texts]}
    await do(world.a.api, "uploadTrustedDocuments", given, "uploaded { added }")
    seen: list[str] = []
    after = None
    while True:
        page = await ask(
            world.a.api,
            "query($after: String) { trustedDocuments(first: 2, after: $after)"
            " { nodes { text } pageInfo { hasNextPage endCursor } } }",
            {"after": after},
        )
        found = page["trustedDocuments"]
        seen += [node["text"] for node in found["nodes"]]
        after = found["pageInfo"]["endCursor"]
        if not found["pageInfo"]["hasNextPage"]:
            break
    assert sorted(seen) == texts


async def test_a_faulty_upload_tells_everything_at_once(world: World) -> None:
    wrong = document_id_of("{ no_such_field }")
    found = await change(
        world.a.api,
        "uploadTrustedDocuments",
        {
            "documents": [
                {"id": "sha256:" + "0" * 64, "text": ME},
                {"id": wrong, "text": "{ no_such_field }"},
            ]
        },
    )
    assert found["__typename"] == "InvalidRequestProblem"
    assert len(found["errors"]) >= 1


@pytest.mark.parametrize("mode", ["logged", "required"])
async def test_the_setting_says_what_a_reseller_may_send(tmp_path: Path, mode: str) -> None:
    graphql = {"documents_reseller": mode}
    async with a_world(f"sqlite:///{tmp_path}/g.db", graphql=graphql) as world:
        if mode == "logged":
            assert await ask(world.a.api, ME) == {"me": {"kind": "RESELLER"}}
            return
        assert await refused(world.a.api, ME) == ["permission_denied"]
        assert await ask(world.operator, ME) == {"me": {"kind": "OPERATOR"}}
        await world.a.api.ok("PUT", "/v1/trusted-documents", {"documents": {ID: ME}})
        assert (await by_id(world))["data"] == {"me": {"kind": "RESELLER"}}
        assert await ask(world.a.api, ME) == {"me": {"kind": "RESELLER"}}  # It is that document.
