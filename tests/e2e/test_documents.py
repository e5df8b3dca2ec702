"""Trusted documents: uploaded, listed, removed, and found by those who may send them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.clock import SystemClock
from gateway.domain.documents import (
    OWNED_MAX,
    UPLOAD_MAX,
    DocumentsMode,
    DocumentsModes,
    document_id_of,
)
from gateway.domain.errors import NotFound
from gateway.services import documents
from gateway.services.context import Context
from gateway.services.document_memory import SECONDS, DocumentMemory
from tests.e2e.support import pointers, problem_of, process
from tests.world import Api, Tenant, World, a_world

PATH = "/v1/trusted-documents"
TEXT = "query Me { me { kind } }"
ID = document_id_of(TEXT)


def body_of(*texts: str, **more: Any) -> dict[str, Any]:
    return {"documents": {document_id_of(text): text for text in texts}, **more}


async def upload(api: Api, *texts: str, **more: Any) -> dict[str, Any]:
    return await api.ok("PUT", PATH, body_of(*texts, **more))


async def context_of(world: World, api: Api) -> Context:
    """Return the context in which an executor would ask for a document."""
    ports = world.runtime.ports
    caller = await ports.identity.identify(str(api.key), None)
    return Context(ports=ports, caller=caller, request_id="req")


async def finds(world: World, api: Api, text: str) -> bool:
    """Tell whether this caller finds the document of this text."""
    try:
        found = await documents.find_document(await context_of(world, api), document_id_of(text))
    except NotFound:
        return False
    assert found == text
    return True


async def sub_reseller(world: World, parent: Tenant) -> Tenant:
    made = await world.operator.ok(
        "POST", "/v1/resellers", {"name": "child", "parent_id": parent.id}, status=201
    )
    key = await world.operator.ok(
        "POST", "/v1/keys", {"name": "child", "reseller_id": made["id"]}, status=201
    )
    return Tenant(id=made["id"], api=world.api(key["key"]))


async def test_what_is_uploaded_is_listed_and_an_upload_is_safe_to_repeat(world: World) -> None:
    other = "{ __typename } # ünïcode"
    assert await upload(world.a.api, TEXT) == {"added": 1, "present": 0}
    assert await upload(world.a.api, TEXT, other) == {"added": 1, "present": 1}
    assert await upload(world.a.api, TEXT, other) == {"added": 0, "present": 2}
    listed = await world.a.api.ok("GET", PATH)
    assert [item["id"] for item in listed["data"]] == [document_id_of(other), ID]
    first = listed["data"][1]
    assert first == {
        "id": ID,
        "object": "trusted_document",
        "reseller_id": world.a.id,
        "bytes": len(TEXT),
        "text": TEXT,
        "created_at": first["created_at"],
    }
    assert listed["data"][0]["bytes"] == len(other.encode())
    entries = await world.a.api.ok("GET", "/v1/audit/entries?action=document.upload")
    assert [(entry["phase"], entry["after"]) for entry in entries["data"]] == [
        ("succeeded", {"documents": [document_id_of(other)]}),
        ("succeeded", {"documents": [ID]}),
    ]


async def test_every_fault_is_told_at_once_and_nothing_is_kept(world: World) -> None:
    wrong = "sha256:" + "0" * 64
    body = {
        "documents": {ID: TEXT, "md5": TEXT, wrong: TEXT, document_id_of(""): "", "n": 7},
        "nonsense": 1,
    }
    problem = problem_of(await world.a.api.send("PUT", PATH, body), 422, "invalid_request")
    assert {fault["pointer"]: fault["code"] for fault in problem["errors"]} == {
        f"/documents/{wrong}": "wrong_digest",
        "/documents/md5": "bad_format",
        "/documents/n": "wrong_type",
        f"/documents/{document_id_of('')}": "too_short",
        "/nonsense": "unknown_field",
    }
    assert len(problem["errors"]) == 5
    assert (await world.a.api.ok("GET", PATH))["data"] == []


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({}, "/documents"),
        ({"documents": {}}, "/documents"),
        ({"documents": [TEXT]}, "/documents"),
        ({"documents": {ID: 7}}, f"/documents/{ID}"),
        ({"documents": {ID: TEXT}, "reseller_id": "a b"}, "/reseller_id"),
        (body_of(*(str(n) for n in range(UPLOAD_MAX + 1))), "/documents"),
        (body_of("x" * 65_537), f"/documents/{document_id_of('x' * 65_537)}"),
    ],
    ids=["none", "empty", "array", "number", "reseller", "too many", "too large"],
)
async def test_a_wrong_upload_has_one_fault(
    small_world: World, body: dict[str, Any], place: str
) -> None:
    answer = await small_world.a.api.send("PUT", PATH, body)
    assert pointers(problem_of(answer, 422, "invalid_request")) == [place]


async def test_a_document_is_removed_by_its_owner_only_and_once(world: World) -> None:
    child = await sub_reseller(world, world.a)
    await upload(world.a.api, TEXT)
    for api in (world.b.api, child.api, world.operator):
        problem_of(await api.delete(f"{PATH}/{ID}"), 404, "not_found")
    answer = await world.a.api.delete(f"{PATH}/{ID}")
    assert (answer.status_code, answer.content) == (204, b"")
    problem_of(await world.a.api.delete(f"{PATH}/{ID}"), 404, "not_found")
    assert (await world.a.api.ok("GET", PATH))["data"] == []
    entries = await world.a.api.ok("GET", "/v1/audit/entries?action=document.remove")
    assert [(entry["phase"], entry["before"]) for entry in entries["data"]] == [
        (
            "succeeded",
            {"document_id": ID, "reseller_id": world.a.id, "size_bytes": len(TEXT)},
        )
    ]


@pytest.mark.parametrize("name", ["line_x", "sha256:", "sha256:" + "A" * 64, f"{ID}0"])
async def test_what_is_no_id_is_not_found(small_world: World, name: str) -> None:
    problem_of(await small_world.a.api.delete(f"{PATH}/{name}"), 404, "not_found")
    with pytest.raises(NotFound):
        await documents.find_document(await context_of(small_world, small_world.a.api), name)


async def test_a_caller_finds_its_own_and_those_from_above_never_those_beside_or_below(
    world: World,
) -> None:
    child = await sub_reseller(world, world.a)
    callers = {
        "operator": world.operator,
        "a": world.a.api,
        "child": child.api,
        "b": world.b.api,
    }
    for name, api in callers.items():
        await upload(api, f"{{ {name}: __typename }}")
    finders = {
        "operator": {"operator", "a", "child", "b"},
        "a": {"a", "child"},
        "child": {"child"},
        "b": {"b"},
    }
    for _ in range(2):  # From the database, then from memory.
        for owner, expected in finders.items():
            found = {
                name
                for name, api in callers.items()
                if await finds(world, api, f"{{ {owner}: __typename }}")
            }
            assert found == expected, owner


async def test_finding_needs_no_permission_and_works_while_suspended(world: World) -> None:
    await upload(world.a.api, TEXT)
    made = await world.a.api.ok(
        "POST", "/v1/keys", {"name": "powerless", "permissions": []}, status=201
    )
    await world.operator.ok("POST", f"/v1/resellers/{world.a.id}/suspend")
    assert await finds(world, world.api(made["key"]), TEXT)


async def test_listing_and_changing_need_the_permissions_of_clients(small_world: World) -> None:
    world = small_world
    made = await world.a.api.ok(
        "POST", "/v1/keys", {"name": "reads", "permissions": ["clients:read"]}, status=201
    )
    reader = world.api(made["key"])
    assert (await reader.ok("GET", PATH))["data"] == []
    problem = problem_of(await reader.send("PUT", PATH, body_of(TEXT)), 403, "permission_denied")
    assert "clients:write" in problem["detail"]
    made = await world.a.api.ok(
        "POST", "/v1/keys", {"name": "writes", "permissions": ["clients:write"]}, status=201
    )
    writer = world.api(made["key"])
    await upload(writer, TEXT)
    assert "clients:read" in problem_of(await writer.get(PATH), 403, "permission_denied")["detail"]


async def test_an_upload_for_another_reseller_goes_down_only(world: World) -> None:
    child = await sub_reseller(world, world.a)
    assert await upload(world.a.api, TEXT, reseller_id=child.id) == {"added": 1, "present": 0}
    for api, reseller_id in ((child.api, world.a.id), (world.a.api, world.b.id)):
        answer = await api.send("PUT", PATH, body_of(TEXT, reseller_id=reseller_id))
        problem_of(answer, 404, "not_found")
    assert [item["reseller_id"] for item in (await child.api.ok("GET", PATH))["data"]] == [child.id]
    of_child = await world.a.api.ok("GET", PATH, params={"reseller_id": child.id})
    assert [item["id"] for item in of_child["data"]] == [ID]
    own = await world.a.api.ok("GET", PATH, params={"reseller_id": world.a.id})
    assert own["data"] == []
    entries = await child.api.ok("GET", "/v1/audit/entries?action=document.upload")
    assert [entry["caller"]["id"] for entry in entries["data"]] == [world.a.id]
    removed = await world.a.api.delete(f"{PATH}/{ID}", params={"reseller_id": child.id})
    assert removed.status_code == 204


async def test_pages_join_without_gap_or_repeat(world: World) -> None:
    texts = [f"{{ a{n}: __typename }}" for n in range(5)]
    for text in texts:
        await upload(world.a.api, text)
    seen: list[str] = []
    cursor = ""
    while True:
        params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = await world.a.api.ok("GET", PATH, params=params)
        seen += [item["text"] for item in page["data"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == texts[::-1]


async def test_a_dry_run_tells_and_keeps_nothing(world: World) -> None:
    shown = await world.a.api.ok("PUT", PATH, body_of(TEXT), params={"dry_run": "true"})
    assert shown["dry_run"] is True
    assert shown["effect"] == {"before": None, "after": {"added": 1, "present": 0}}
    assert not await finds(world, world.a.api, TEXT)
    await upload(world.a.api, TEXT)
    shown = await world.a.api.ok("DELETE", f"{PATH}/{ID}", params={"dry_run": "true"})
    assert shown["effect"] == {
        "before": {"document_id": ID, "reseller_id": world.a.id, "size_bytes": len(TEXT)},
        "after": None,
    }
    assert await finds(world, world.a.api, TEXT)
    assert len((await world.a.api.ok("GET", PATH))["data"]) == 1


async def test_a_repeated_key_gives_the_first_answer(world: World) -> None:
    headers = {"Idempotency-Key": "release-1"}
    for replayed in (None, "true"):
        answer = await world.a.api.send("PUT", PATH, body_of(TEXT), headers=headers)
        assert answer.json() == {"added": 1, "present": 0}
        assert answer.headers.get("Idempotent-Replayed") == replayed
    headers = {"Idempotency-Key": "release-2"}
    for _ in range(2):
        assert (await world.a.api.delete(f"{PATH}/{ID}", headers=headers)).status_code == 204


@pytest.mark.parametrize("caller", ["operator", "reseller"])
async def test_uploads_at_the_same_time_add_a_document_once(world: World, caller: str) -> None:
    api = world.operator if caller == "operator" else world.a.api
    texts = [f"{{ a{n}: __typename }}" for n in range(20)]
    answers = await asyncio.gather(*(upload(api, *texts) for _ in range(5)))
    assert sorted(answer["added"] for answer in answers) == [0, 0, 0, 0, 20]


async def test_an_owner_has_no_more_than_the_limit(small_world: World) -> None:
    world = small_world
    context = await context_of(world, world.a.api)
    for start in range(0, OWNED_MAX, UPLOAD_MAX):
        texts = body_of(*(f"{{ a{n}: __typename }}" for n in range(start, start + UPLOAD_MAX)))
        await documents.upload_documents(context, texts["documents"])
    assert await upload(world.a.api, "{ a0: __typename }") == {"added": 0, "present": 1}
    answer = await world.a.api.send(
        "PUT", PATH, body_of("{ a0: __typename }", "{ one_more: __typename }")
    )
    assert "5,000" in problem_of(answer, 403, "quota_exceeded")["detail"]
    entries = await world.a.api.ok("GET", "/v1/audit/entries?action=document.upload&phase=failed")
    assert [entry["code"] for entry in entries["data"]] == ["quota_exceeded"]
    await upload(world.b.api, "{ one_more: __typename }")


async def test_a_text_that_does_not_fit_the_schema_is_refused(small_world: World) -> None:
    text = "{ no_such_field }"
    answer = await small_world.a.api.send("PUT", PATH, body_of(text))
    problem = problem_of(answer, 422, "invalid_request")
    (fault,) = problem["errors"]
    assert "no_such_field" in fault["detail"]
    assert not await finds(small_world, small_world.a.api, text)


class Ticks(SystemClock):
    """A monotonic clock that is set."""

    seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds


async def test_a_removed_document_is_gone_here_at_once_and_elsewhere_within_the_bound(
    world: World,
) -> None:
    clock = Ticks()
    await upload(world.a.api, TEXT)
    async with process(world, clock=clock, documents=DocumentMemory()) as elsewhere:
        assert await finds(world, world.a.api, TEXT)
        assert await finds(elsewhere, elsewhere.a.api, TEXT)
        assert (await world.a.api.delete(f"{PATH}/{ID}")).status_code == 204
        assert not await finds(world, world.a.api, TEXT)
        clock.seconds = SECONDS - 0.001
        assert await finds(elsewhere, elsewhere.a.api, TEXT)
        clock.seconds = SECONDS
        assert not await finds(elsewhere, elsewhere.a.api, TEXT)
        await upload(world.a.api, TEXT)
        assert await finds(elsewhere, elsewhere.a.api, TEXT)


async def test_the_edge_is_told_what_each_kind_of_caller_may_send(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/gateway.db"
    modes = {"documents_operator": "logged", "documents_reseller": "required"}
    async with a_world(url, graphql=modes) as world:
        assert world.runtime._options().documents == DocumentsModes(
            operator=DocumentsMode.LOGGED, reseller=DocumentsMode.REQUIRED
        )
