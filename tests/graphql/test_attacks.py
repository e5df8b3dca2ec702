"""What scanners of GraphQL endpoints try, each refused: nothing runs, and no panel is asked."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.graphql.asking import post, refused
from tests.world import World

ALIASES = "{ " + " ".join(f"a{n}: me {{ kind }}" for n in range(101)) + " }"
DIRECTIVES = "{ me " + "@skip(if: false) " * 50 + "{ kind } }"
DUPLICATED = "{ " + "me { kind } " * 600 + "}"
CIRCULAR = (
    "{ __schema { types { fields { type { fields { type { fields { type { name } } } } } } } } }"
)
DEEP = "{ me " + "{ policy " * 40 + "{ maxLines } " + "} " * 40 + "}"
FRAGMENTS = (
    "{ me { ...a0 } } "
    + " ".join(f"fragment a{n} on Me {{ ...a{n + 1} ...a{n + 1} }}" for n in range(20))
    + " fragment a20 on Me { kind }"
)
CYCLE = "{ me { ...a } } fragment a on Me { ...b } fragment b on Me { ...a }"


@pytest.mark.parametrize(
    "document",
    [ALIASES, DIRECTIVES, DUPLICATED, DEEP, FRAGMENTS, CYCLE, "{ me { kind } " * 5_000],
    ids=["aliases", "directives", "duplicates", "depth", "fragments", "cycle", "tokens"],
)
async def test_a_document_made_to_be_dear_is_refused(world: World, document: str) -> None:
    answer = await post(world.a.api, document)
    assert "data" not in answer.json() or answer.json()["data"] is None
    assert {error["extensions"]["code"] for error in answer.json()["errors"]} == {"invalid_request"}
    assert world.calls() == []


async def test_batches_are_not_taken(world: World) -> None:
    answer = await world.a.api.post("/graphql", [{"query": "{ me { kind } }"}] * 10)
    assert answer.status_code == 400
    assert "RESELLER" not in answer.text


@pytest.mark.parametrize("circular", [True, False])
async def test_introspection_needs_its_permission_and_never_goes_round(
    world: World, circular: bool
) -> None:
    made = await world.a.api.ok(
        "POST", "/v1/keys", {"name": "x", "permissions": ["lines:read"]}, status=201
    )
    document = CIRCULAR if circular else "{ __schema { queryType { name } } }"
    blind = world.api(made["key"])
    assert set(await refused(blind, document)) == {"permission_denied"}
    answer = await post(world.a.api, document)
    assert ("errors" in answer.json()) is circular


async def test_suggestions_are_made_only_to_those_who_may_introspect(world: World) -> None:
    made = await world.a.api.ok(
        "POST", "/v1/keys", {"name": "x", "permissions": ["lines:read"]}, status=201
    )
    typo = "{ me { kin } lnes { nodes { id } } }"
    seen = (await post(world.a.api, typo)).text
    hidden = (await post(world.api(made["key"]), typo)).text
    assert "Did you mean" in seen
    assert "Did you mean" not in hidden
    input_typo = 'mutation { createLine(input: {perriod: "P1M"}) { __typename } }'
    assert "Did you mean" not in (await post(world.api(made["key"]), input_typo)).text
    variables: dict[str, Any] = {"input": {"perriod": "P1M"}}
    document = "mutation($input: CreateLineInput!) { createLine(input: $input) { __typename } }"
    told = (await post(world.api(made["key"]), document, variables)).text
    assert "Did you mean" not in told


async def test_nothing_is_changed_by_a_get_or_a_form(world: World) -> None:
    document = 'mutation { createLine(input: {period: "P1M"}) { __typename } }'
    got = await world.a.api.get("/graphql", params={"query": document})
    assert got.status_code == 405
    for kind in ("application/x-www-form-urlencoded", "text/plain", "multipart/form-data"):
        body = json.dumps({"query": document}).encode()
        sent = await world.a.api.send(
            "POST", "/graphql", content=body, headers={"Content-Type": kind}
        )
        assert sent.status_code == 415, kind
    assert world.users() == []


async def test_no_trace_and_no_stack_is_ever_shown(world: World) -> None:
    for headers in ({"X-Apollo-Tracing": "1"}, {"apollo-federation-include-trace": "ftv1"}):
        answer = await post(world.a.api, "{ me { kind } }", None, **headers)
        assert set(answer.json()["extensions"]) == {"cost"}
    wrong = await post(
        world.a.api, "query($x: Int) { lines(first: $x) { nodes { id } } }", {"x": "y"}
    )
    assert "Traceback" not in wrong.text
    assert "gateway/" not in wrong.text


async def test_aliases_of_a_mutation_are_counted_as_panel_calls(world: World) -> None:
    many = " ".join(
        f'a{n}: createLine(input: {{period: "P1M"}}) {{ __typename }}' for n in range(18)
    )
    answer = await post(world.a.api, f"mutation {{ {many} }}")
    assert "panels" in answer.text
    assert world.users() == []
